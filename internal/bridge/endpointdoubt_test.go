package bridge

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/pollwire/pollwire/notify"
)

// TestEndpointAlertInDoubtIsToldOnce: one that was written though its writer heard
// an error is not told again, neither by him nor by who takes over the endpoint and
// knows of it what was saved.
func TestEndpointAlertInDoubtIsToldOnce(t *testing.T) {
	t.Parallel()
	since := time.Date(2026, 1, 2, 3, 4, 5, 6789, time.UTC)
	for _, heir := range []bool{false, true} {
		r := newRig(t, list())
		state := notify.EndpointState{Name: "you", Reason: "no answer", Since: since, Failures: 5, Untold: notify.EndpointFailing}
		r.store.after = 1
		if err := r.bridge.EndpointAlert(t.Context(), state); !errors.Is(err, errDisk) {
			t.Fatalf("got %v", err)
		}
		r.woken = nil
		if heir {
			r.restart()
			state.Since = since.Truncate(time.Microsecond).In(time.FixedZone("", 3600))
		}
		state.Failures++ // it goes on failing
		if err := r.bridge.EndpointAlert(t.Context(), state); err != nil {
			t.Fatal(err)
		}
		if len(r.woken) == 0 {
			t.Errorf("heir %t: nobody was woken to post what was written", heir)
		}
		events := r.news()
		r.wantStory(events, "endpoint.failing")

		// What comes after it is another thing to tell.
		state.Untold = notify.EndpointRecovered
		if err := r.bridge.EndpointAlert(t.Context(), state); err != nil {
			t.Fatal(err)
		}
		state.Untold, state.Since = notify.EndpointFailing, since.Add(time.Hour)
		if err := r.bridge.EndpointAlert(t.Context(), state); err != nil {
			t.Fatal(err)
		}
		r.wantStory(r.news(), "endpoint.recovered", "endpoint.failing")
	}
}

// TestEndpointAlertThatComesLate: where the write in doubt happens only when it is told
// again, one of the two is refused, and it is told by the time that it is asked for
// once more.
func TestEndpointAlertThatComesLate(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	state := notify.EndpointState{Name: "you", Since: time.Now(), Untold: notify.EndpointDisabled}
	r.store.late = true
	for n := range 3 {
		if err := r.bridge.EndpointAlert(t.Context(), state); (err == nil) != (n == 2) {
			t.Errorf("time %d: %v", n, err)
		}
	}
	r.wantStory(r.news(), "endpoint.disabled")
	r.wantStory(r.mustPoll(isUp)) // and the store is none the worse for it
}

// TestEndpointAlertOfUnreadableLog is asked for again, not told twice.
func TestEndpointAlertOfUnreadableLog(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	r.bridge.store = unreadableLog{r.store}
	err := r.bridge.EndpointAlert(t.Context(), notify.EndpointState{Name: "you", Since: time.Now(), Untold: notify.EndpointFailing})
	if !errors.Is(err, errDisk) {
		t.Errorf("got %v", err)
	}
	r.wantStory(r.news())
}

// unreadableLog is a store whose log cannot be read.
type unreadableLog struct{ Store }

func (unreadableLog) EventByID(context.Context, string) (notify.Event, error) {
	return notify.Event{}, errDisk
}
