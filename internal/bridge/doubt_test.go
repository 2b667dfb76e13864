package bridge

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/poller"
)

const (
	isUp   = `{"data":[{"id":1,"v":"up"}]}`
	isDown = `{"data":[{"id":1,"v":"down"}]}`
)

// TestBrokenCommitIsTriedAgain: what is not on disk has not happened.
func TestBrokenCommitIsTriedAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	r.mustPoll(isUp)
	row := r.row()
	r.store.before = 1
	var storeErr *StoreError
	if err := r.poll(isDown); !errors.As(err, &storeErr) || !errors.Is(err, errDisk) {
		t.Errorf("error %v", err)
	}
	if d := cmp.Diff(row, r.row()); d != "" {
		t.Errorf("row (-before +after):\n%s", d)
	}
	r.wantStory(r.mustPoll(isDown), "updated 1")
}

// TestCommitThatHappenedAllTheSame: a write can report an error and be on disk
// nevertheless. The source goes on from there, and its deliveries are not left
// lying.
func TestCommitThatHappenedAllTheSame(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	r.mustPoll(isUp)
	r.store.after = 1
	if err := r.poll(isDown); !errors.Is(err, errDisk) {
		t.Errorf("error %v", err)
	}
	r.wantStory(r.news(), "updated 1")
	r.woken = nil
	r.wantStory(r.mustPoll(isDown))
	if d := cmp.Diff([]string{"*"}, r.woken); d != "" {
		t.Errorf("woken (-want +got):\n%s", d)
	}
	r.wantStory(r.mustPoll(`{"data":[{"id":1,"v":"up"},{"id":2}]}`), "updated 1", "created 2")
}

// TestUpDownUp: the state that the poller holds is that of the first up, so
// that the second one looks unchanged to it. The down between them is on disk
// and told, so the up after it must be told too.
func TestUpDownUp(t *testing.T) {
	t.Parallel()
	for name, between := range map[string]func(*rig){
		"nothing between": func(*rig) {},
		"failures between": func(r *rig) {
			for range 3 { // the third is told, and finds out what became of the commit
				r.bridge.Fail(r.t.Context(), "shop", errors.New("no"))
			}
		},
		"a preview between": func(r *rig) {
			if _, err := r.bridge.Preview(r.t.Context(), r.observation("application/json", isDown)); err != nil {
				r.t.Errorf("preview: %v", err)
			}
		},
		"an acceptance between": func(r *rig) {
			if err := r.bridge.AcceptRemoval(r.t.Context(), "shop"); err != nil {
				r.t.Errorf("accept: %v", err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, list())
			r.mustPoll(isUp)
			r.store.after = 1
			if err := r.poll(isDown); !errors.Is(err, errDisk) {
				t.Errorf("error %v", err)
			}
			between(r)
			r.news()
			if err := r.poll(isUp); err != nil || r.polled != (poller.State{}) {
				t.Fatalf("error %v; the next poll starts from %+v, not anew", err, r.polled)
			}
			if got := story(r.mustPoll(isUp)); len(got) == 0 || got[0] != "updated 1" {
				t.Errorf("told %v", got)
			}
			r.mustPoll(isUp)
			if r.polled == (poller.State{}) {
				t.Error("the next poll still starts anew")
			}
		})
	}
}

// TestCommitThatHappensLater: the connection over which a commit went is lost while it
// is still under way, and it happens when what the store holds was read again.
func TestCommitThatHappensLater(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]string{"up again": isUp, "still down": isDown} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, list())
			r.mustPoll(isUp)
			r.store.late = true
			if err := r.poll(isDown); !errors.Is(err, errDisk) {
				t.Errorf("error %v", err)
			}
			for range 2 { // the first one may be taken for unchanged, and the next looks at the whole answer
				if err := r.poll(after); err != nil && !errors.Is(err, store.ErrConflict) {
					t.Errorf("error %v", err)
				}
			}
			want := []string{"updated 1"}
			if after == isUp {
				want = append(want, "updated 1")
			}
			if err := r.poll(after); err != nil {
				t.Errorf("error %v", err)
			}
			r.wantStory(r.news(), want...)
		})
	}
}

// TestDoubtfulAlertIsToldOnce, if the store has it after all.
func TestDoubtfulAlertIsToldOnce(t *testing.T) {
	t.Parallel()
	s := list()
	s.FailureThreshold = 1
	r := newRig(t, s)
	r.store.after = 1
	for range 5 {
		r.bridge.Fail(t.Context(), "shop", errors.New("no"))
	}
	r.wantStory(r.news(), "source.failing")
	r.store.after = 1
	if err := r.poll(isUp); !errors.Is(err, errDisk) { // the baseline, and recovered
		t.Errorf("error %v", err)
	}
	r.mustPoll(isUp)
	r.wantStory(r.mustPoll(isDown), "updated 1")
}

// TestStoreThatCannotBeRead fails the poll and says whose fault it is.
func TestStoreThatCannotBeRead(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	r.mustPoll(isUp)
	gone := errors.New("gone")
	r.store.unreadable = gone
	var storeErr *StoreError
	if err := r.poll(isDown); !errors.As(err, &storeErr) || !errors.Is(err, gone) {
		t.Errorf("error %v", err)
	}
	r.store.unreadable, r.store.before = nil, 1
	if err := r.poll(isDown); !errors.Is(err, errDisk) {
		t.Errorf("error %v", err)
	}
	r.store.unreadable = gone // now the row has to be read again
	for name, err := range map[string]error{
		"observe": r.poll(isDown),
		"accept":  r.bridge.AcceptRemoval(t.Context(), "shop"),
		"new":     func() error { _, err := New(t.Context(), Options{Store: r.store}); return err }(),
	} {
		if !errors.Is(err, gone) {
			t.Errorf("%s: %v", name, err)
		}
	}
	r.store.unreadable = nil
	r.wantStory(r.mustPoll(isDown), "updated 1")
}
