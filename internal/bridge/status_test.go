package bridge

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func (r *rig) wantStatus(want SourceStatus) {
	r.t.Helper()
	got, ok := r.bridge.SourceStatus("shop")
	if diff := cmp.Diff(want, got); diff != "" || !ok {
		r.t.Errorf("status (-want +got):\n%s", diff)
	}
}

func TestStatusFollowsTheSource(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		at := func() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
		r.wantStatus(SourceStatus{})
		r.fail(1)
		r.wantStatus(SourceStatus{Failures: 1, FailingSince: time.Now().Add(-time.Minute), Reason: errUpstream.Error()})
		changed := at()
		r.mustPoll(isUp)
		r.wantStatus(SourceStatus{Version: 1, ChangedAt: changed})
		<-time.After(time.Minute)
		r.mustPoll(isUp)
		r.wantStatus(SourceStatus{Version: 1, ChangedAt: changed})
		changed = at()
		r.mustPoll(isDown)
		r.wantStatus(SourceStatus{Version: 2, Sequence: 1, ChangedAt: changed})
		began := time.Now()
		r.fail(3)
		want := SourceStatus{Version: 2, Sequence: 1, ChangedAt: changed, Failures: 3, FailingSince: began, Reason: errUpstream.Error()}
		r.wantStatus(want)
		r.restart()
		want.FailingSince = began.UTC().Truncate(time.Microsecond)
		r.wantStatus(want)
		r.mustPoll(isDown)
		r.wantStatus(SourceStatus{Version: 2, Sequence: 1, ChangedAt: changed})
		if _, ok := r.bridge.SourceStatus("nobody"); ok {
			t.Error("a source that is not there has a status")
		}
	})
}

// A commit that was written though it said otherwise shows once it is known.
func TestStatusAfterADoubtfulCommit(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.mustPoll(isUp)
		changed := time.Now().UTC().Truncate(time.Microsecond)
		r.store.after = 1
		if err := r.poll(isDown); err == nil {
			t.Fatal("accepted in spite of the error")
		}
		<-time.After(time.Minute)
		r.mustPoll(isDown)
		r.wantStatus(SourceStatus{Version: 2, Sequence: 1, ChangedAt: changed})
	})
}

// Whoever looks does not wait for an answer that takes long.
func TestStatusDoesNotWait(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	r.mustPoll(isUp)
	st := r.bridge.roster.Load().states["shop"]
	st.mu.Lock()
	defer st.mu.Unlock()
	if status, ok := r.bridge.SourceStatus("shop"); !ok || status.Version != 1 {
		t.Errorf("status %+v", status)
	}
}
