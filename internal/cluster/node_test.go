package cluster

import (
	"testing"
	"testing/synctest"
	"time"
)

// after lets time pass, and everything come to rest.
func after(d time.Duration) {
	timer := time.NewTimer(d)
	<-timer.C
	synctest.Wait()
}

// TestShare starts nodes one after the other, which share what there is.
func TestShare(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(singles(3000))
		defer w.check(t)
		defer w.stopAll()
		for _, name := range []string{"a", "b", "c"} {
			w.start(t, name)
		}
		after(5 * time.Second)
		for _, k := range w.workers {
			if held := k.held(); held < 900 || held > 1100 {
				t.Errorf("%s holds %d of 3000", k.name, held)
			}
		}
	})
}
