package notify

import "testing"

func TestReplayLane(t *testing.T) {
	t.Parallel()
	e := &Event{Source: "shop", Subject: "7"}
	lanes := make(map[string]bool)
	for _, order := range []Order{OrderItem, OrderSource, OrderEndpoint} {
		lane := order.Lane(e)
		again := ReplayLane(lane)
		if again == lane || ReplayLane(again) != again {
			t.Errorf("%q is told again in %q, then %q", lane, again, ReplayLane(again))
		}
		lanes[lane], lanes[again] = true, true
	}
	if len(lanes) != 6 {
		t.Errorf("lanes are shared: %v", lanes)
	}
	if got := ReplayLane(OrderNone.Lane(e)); got != "" {
		t.Errorf("without an order the lane is %q", got)
	}
}
