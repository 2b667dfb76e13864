package notify

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var errTaken = errors.New("another node holds the lease")

// leasedRig is a rig that posts to what it has adopted.
func leasedRig(q *memQueue, rec *receiver, endpoints ...Endpoint) *rig {
	r := newRig(q, rec, endpoints...)
	r.options.Leased = true
	r.options.Passes = func(err error) bool { return errors.Is(err, errFull) }
	r.options.Lost = func(err error) bool { return errors.Is(err, errTaken) }
	return r
}

func (r *rig) mustAdopt(tb testing.TB, names ...string) {
	tb.Helper()
	if err := r.Adopt(tb.Context(), names); err != nil {
		tb.Fatalf("Adopt: %v", err)
	}
}

// mustRelease releases without a deadline.
func (r *rig) mustRelease(tb testing.TB, names ...string) {
	tb.Helper()
	if err := r.Release(tb.Context(), names); err != nil {
		tb.Fatalf("Release: %v", err)
	}
}

func TestLeasedDispatcherServesWhatItHasAdopted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), &receiver{}
		q.commit("ops", "a")
		q.commit("crm", "a")
		r := leasedRig(q, rec, testEndpoint(t, "ops"), testEndpoint(t, "crm"))
		if err := r.Adopt(t.Context(), []string{"ops"}); !errors.Is(err, ErrNotRunning) {
			t.Errorf("Adopt before the start gave %v", err)
		}
		r.mustRelease(t, "ops")
		r.mustStart(t)
		defer r.mustStop(t)
		<-time.After(time.Minute)
		if n := len(rec.seen()); n != 0 || len(r.Status()) != 0 {
			t.Fatalf("%d posts, status %v before anything is adopted", n, r.Status())
		}
		r.mustAdopt(t, "ops", "later")
		r.mustAdopt(t, "ops")
		synctest.Wait()
		if got := rec.positions(); !slices.Equal(got, []int64{1}) {
			t.Errorf("posted %v, want what waits for the adopted one", got)
		}
		for verb, err := range map[string]error{
			"enable": r.Enable(t.Context(), "crm"), "disable": r.Disable(t.Context(), "crm", "test"),
			"pause": r.Pause(t.Context(), "crm"), "resume": r.Resume(t.Context(), "crm"),
			"retry": r.Retry(t.Context(), "crm", 2), "test": func() error { _, err := r.Test(t.Context(), "crm", &Event{}); return err }(),
		} {
			if !errors.Is(err, ErrElsewhere) || !strings.Contains(err.Error(), "crm") {
				t.Errorf("%s of one that is not adopted gave %v", verb, err)
			}
		}
		if err := r.Pause(t.Context(), "nobody"); !errors.Is(err, ErrUnknownEndpoint) {
			t.Errorf("pause of one that is not known gave %v", err)
		}
		if err := r.Alive(t.Context()); err != nil {
			t.Errorf("Alive gave %v", err)
		}
		// What was adopted before it was configured is served from then on.
		later := q.commit("later", "a")
		r.Apply([]Endpoint{testEndpoint(t, "ops"), testEndpoint(t, "crm"), testEndpoint(t, "later")})
		synctest.Wait()
		if _, state := q.row(later); state != Delivered {
			t.Errorf("what is configured after it was adopted: %s", state)
		}
		// One that leaves the configuration and comes back is still adopted.
		r.Apply([]Endpoint{testEndpoint(t, "crm"), testEndpoint(t, "later")})
		synctest.Wait()
		again := q.commit("ops", "a")
		r.Apply([]Endpoint{testEndpoint(t, "crm"), testEndpoint(t, "ops")})
		synctest.Wait()
		if _, state := q.row(again); state != Delivered {
			t.Errorf("what is configured again: %s", state)
		}
	})
}

// TestConfiguredAreAll endpoints, whoever serves them.
func TestConfiguredAreAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		off := testEndpoint(t, "off")
		off.Enabled = false
		r := leasedRig(newMemQueue(), &receiver{}, testEndpoint(t, "ops"), off)
		r.mustStart(t)
		defer r.mustStop(t)
		if got := r.Configured(); len(got) != 2 || !got["ops"] || got["off"] {
			t.Errorf("configured %v", got)
		}
	})
}
