package bridge

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pollwire/pollwire/notify"
)

// alertsOf are the alerts waiting for endpoints that no source is named like.
func (r *rig) alertsOf(endpoint string) []notify.Event {
	r.t.Helper()
	deliveries, err := r.store.Waiting(r.t.Context(), endpoint, 0, 100)
	if err != nil {
		r.t.Fatalf("read deliveries: %v", err)
	}
	var events []notify.Event
	for _, d := range deliveries {
		events = append(events, mustEvent(r, d.Position))
	}
	return events
}

func TestEndpointsAreToldOfOthers(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	r.others = append(r.others, Endpoint{Name: "boss", Events: []string{"pollwire.endpoint.*"}})
	r.restart()
	since := time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.FixedZone("", 3600))
	state := notify.EndpointState{Name: "ops", Reason: "410 Gone", Since: since, Failures: 7, Untold: notify.EndpointDisabled}
	if err := r.bridge.EndpointAlert(t.Context(), state); err != nil {
		t.Fatal(err)
	}
	if got := r.alertsOf("ops"); got != nil {
		t.Errorf("ops is told of itself: %+v", got)
	}
	got := r.alertsOf("boss")
	r.wantStory(got, "endpoint.disabled")
	want := `{"name":"ops","reason":"410 Gone","since":"2026-01-02T02:04:05.006Z","count":7}`
	if string(got[0].Data) != want || got[0].Source != "ops" || !got[0].Alert || got[0].Sequence != 0 {
		t.Errorf("event %+v: %s", got[0], got[0].Data)
	}
	if d := cmp.Diff([]string{"boss"}, r.woken); d != "" {
		t.Errorf("woken (-want +got):\n%s", d)
	}
}

// TestEndpointAlertThatCannotBeWritten costs nothing but the alert.
func TestEndpointAlertThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	r.store.before = 1
	state := notify.EndpointState{Name: "you", Untold: notify.EndpointRecovered}
	if err := r.bridge.EndpointAlert(t.Context(), state); err == nil {
		t.Error("no error, so that nobody would tell it again")
	}
	if r.wantStory(r.news()); r.woken != nil {
		t.Errorf("woken %v", r.woken)
	}
	if err := r.bridge.EndpointAlert(t.Context(), state); err != nil {
		t.Fatal(err)
	}
	events := r.news()
	r.wantStory(events, "endpoint.recovered")
	if n := dataOf(events[0]).Count; n != 1 {
		t.Errorf("count %d, want 1 where nothing was counted", n)
	}
	r.wantStory(r.mustPoll(isUp))
}
