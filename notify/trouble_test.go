package notify

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var errGone = errors.New("the file is gone")

func TestTrouble(t *testing.T) {
	t.Parallel()
	var tr trouble
	if tr.well(1) {
		t.Error("over before it began")
	}
	if tr.failed(1) != slog.LevelError || tr.failed(1) != slog.LevelDebug || tr.failed(2) != slog.LevelDebug {
		t.Error("the first failure alone is loud")
	}
	if tr.well(3) || tr.well(1) || !tr.well(2) || tr.well(2) {
		t.Error("it is over once, when the last subject is well")
	}
	for n := range int64(2 * maxTroubled) {
		tr.failed(n)
	}
	if len(tr.in) != maxTroubled || tr.failed(-1) != slog.LevelDebug {
		t.Errorf("%d subjects", len(tr.in))
	}
}

// logged counts the lines of a level and a message.
func (r *rig) logged(level, message string) (n int) {
	for line := range strings.Lines(r.logs.String()) {
		if strings.Contains(line, "level="+level+" ") && strings.Contains(line, `msg="`+message+`"`) {
			n++
		}
	}
	return n
}

// TestRepeatsAreQuiet: a queue that cannot be read, events that cannot, and alerts
// that cannot be told are tried again every few seconds for minutes, and each is
// told to the operator once, and once more when it is over.
func TestRepeatsAreQuiet(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fail        func(q *memQueue, err error)
		failed, end string
	}{
		"queue":  {func(q *memQueue, err error) { q.readErr = err }, "deliveries could not be read", "deliveries are read again"},
		"events": {func(q *memQueue, err error) { q.eventErr = err }, "event could not be read", "events are read again"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				q := newMemQueue()
				set := func(err error) {
					q.mu.Lock()
					defer q.mu.Unlock()
					tc.fail(q, err)
				}
				r := newRig(q, &receiver{}, testEndpoint(t, "ops"))
				r.mustStart(t)
				defer r.mustStop(t)
				synctest.Wait()
				set(errGone)
				for range 20 {
					q.commit("ops", "")
				}
				r.Wake("ops")
				<-time.After(5 * time.Minute)
				if loud, quiet := r.logged("ERROR", tc.failed), r.logged("DEBUG", tc.failed); loud != 1 || quiet < 100 || r.logged("INFO", tc.end) != 0 {
					t.Errorf("in trouble: %d errors, %d at the debug level", loud, quiet)
				}
				set(nil)
				<-time.After(time.Minute)
				if n := r.logged("INFO", tc.end); n != 1 || q.count(Delivered) != 20 {
					t.Errorf("its end was told %d times; %d delivered", n, q.count(Delivered))
				}
				set(errGone)
				q.commit("ops", "")
				r.Wake("ops")
				<-time.After(time.Minute)
				if loud := r.logged("ERROR", tc.failed); loud != 2 {
					t.Errorf("%d errors after it came again", loud)
				}
			})
		})
	}
}

// TestAlertsThatCannotBeToldAreQuiet after the first.
func TestAlertsThatCannotBeToldAreQuiet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		q.commit("ops", "")
		rec := &receiver{answer: func(post) (int, map[string]string, error) { return 410, nil, nil }}
		r := newRig(q, rec, testEndpoint(t, "ops"))
		var well atomic.Bool
		r.options.Alert = func(context.Context, EndpointState) error {
			if well.Load() {
				return nil
			}
			return errGone
		}
		r.mustStart(t)
		defer r.mustStop(t)
		<-time.After(time.Hour)
		if loud, quiet := r.logged("ERROR", "alert not told"), r.logged("DEBUG", "alert not told"); loud != 1 || quiet < 100 {
			t.Errorf("%d errors, %d at the debug level", loud, quiet)
		}
		well.Store(true)
		<-time.After(time.Minute)
		if n := r.logged("INFO", "alerts are told again"); n != 1 {
			t.Errorf("its end was told %d times", n)
		}
	})
}
