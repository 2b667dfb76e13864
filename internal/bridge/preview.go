package bridge

import (
	"context"
	"strings"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/poller"
)

// Preview is what an observation would come to.
type Preview struct {
	Outcome Outcome
	// Events are what would be told or logged, with the deliveries that would
	// come of them, numbered as they would be. Their ids begin with test_, so
	// that a receiver that gets one takes it for nothing else.
	Events []store.Event
	// Untold says of each of them which key of the source keeps it from every
	// endpoint, such as when; empty where none does.
	Untold []string
	// Waiting is how many details would be left to later polls.
	Waiting int
}

// Preview judges an answer as Observe would, and writes nothing.
func (b *Bridge) Preview(ctx context.Context, o *poller.Observation) (Preview, error) {
	taken, err := b.room.enter(ctx, size(o))
	if err != nil {
		return Preview{}, err
	}
	defer b.room.leave(taken)
	st, err := b.lockFor(o)
	if err != nil {
		return Preview{}, err
	}
	defer st.mu.Unlock()
	if o.Unchanged {
		return Preview{Outcome: Unchanged}, nil
	}
	if err := b.settle(ctx, st); err != nil {
		return Preview{}, err
	}
	plan, err := b.look(ctx, st, o)
	if err != nil {
		return Preview{}, refused(o, err)
	}
	if err := plan.details.failure(); err != nil {
		return Preview{}, err
	}
	preview := Preview{Outcome: plan.outcome}
	if plan.details != nil {
		preview.Waiting = plan.details.waiting
	}
	if plan.commit == nil {
		return preview, nil
	}
	sequence := st.row.Sequence
	for i := range plan.commit.Events {
		event := plan.commit.Events[i]
		event.ID = "test_" + strings.TrimPrefix(event.ID, "evt_")
		if !event.Alert {
			sequence++
			event.Sequence = sequence
		}
		preview.Events = append(preview.Events, event)
		untold := ""
		if i < len(plan.untold) {
			untold = plan.untold[i]
		}
		preview.Untold = append(preview.Untold, untold)
	}
	return preview, nil
}
