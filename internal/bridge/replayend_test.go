package bridge

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

// endingStore ends a subscription between the look at a step of a replay to it
// and the step.
type endingStore struct {
	Store
	end func()
}

func (s *endingStore) AdvanceReplay(ctx context.Context, r *store.Replay, step store.ReplayStep) error {
	s.end()
	return s.Store.AdvanceReplay(ctx, r, step)
}

// TestReplayEndsWithItsSubscription: nothing more is told, and that is no error.
func TestReplayEndsWithItsSubscription(t *testing.T) {
	inReplayBubble(t, []Endpoint{{Name: "sub_1"}}, func(t *testing.T, r *rig) {
		r.mustPoll(items(1, 1))
		r.mustPoll(items(1, 3))
		r.end("sub_1", notify.Delivered, 100)
		var logged bytes.Buffer
		r.bridge.logger = slog.New(slog.NewTextHandler(&logged, nil))
		started := r.mustReplay(store.Replay{Endpoint: "sub_1"})
		r.bridge.store = &endingStore{Store: r.bridge.store, end: func() {
			r.setEndpoints()
			if _, err := r.store.EndSubscription(t.Context(), "sub_1"); err != nil {
				t.Errorf("end: %v", err)
			}
		}}
		r.replayFor(time.Minute)
		r.wantTold("sub_1")
		if _, err := r.bridge.Replay(t.Context(), started.ID); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("the replay is still there: %v", err)
		}
		if logged.Len() > 0 {
			t.Errorf("logged:\n%s", logged.String())
		}
	})
}
