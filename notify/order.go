package notify

import "strings"

// Order says which deliveries of an endpoint must keep their order.
type Order string

// The orders.
const (
	// OrderNone keeps none.
	OrderNone Order = "none"
	// OrderItem keeps that of the changes of each item.
	OrderItem Order = "item"
	// OrderSource keeps that of the changes of each source.
	OrderSource Order = "source"
	// OrderEndpoint keeps that of all changes.
	OrderEndpoint Order = "endpoint"
)

// laneSeparator stands between the source and the key of an item in the name of
// a lane. No name of a source has it.
const laneSeparator = "\x00"

// replayPrefix begins the names of lanes in which something is told again.
const replayPrefix = laneSeparator + "replay" + laneSeparator

// Lane returns the name of the lane that an event is delivered in, empty for
// none.
func (o Order) Lane(e *Event) string {
	switch o {
	case OrderItem:
		return ItemKey(e)
	case OrderSource:
		return e.Source
	case OrderEndpoint:
		return laneSeparator
	case OrderNone:
	}
	return ""
}

// ItemKey names the item that an event is about, across all sources.
func ItemKey(e *Event) string { return e.Source + laneSeparator + e.Subject }

// ReplayLane returns the lane in which deliveries of a lane are told again, so
// that they keep their order and what happens meanwhile does not wait for them.
func ReplayLane(lane string) string {
	if lane == "" || strings.HasPrefix(lane, replayPrefix) {
		return lane
	}
	return replayPrefix + lane
}

// Relabel returns the lane of the order in which a delivery of an event, a replay or
// not, stands that is in some lane: the lane itself where it is one of the order's.
// A lane may name a source, which is its name of today; the event has the one of
// then.
func (o Order) Relabel(lane string, replay bool, e *Event) string {
	if o.fits(lane) {
		return lane
	}
	now := Event{Source: e.Source, Subject: e.Subject}
	if source, _, _ := strings.Cut(strings.TrimPrefix(lane, replayPrefix), laneSeparator); source != "" {
		now.Source = source
	}
	if lane = o.Lane(&now); replay {
		return ReplayLane(lane)
	}
	return lane
}

// fits reports whether a lane is one of the order. Each order has names of a
// form of its own.
func (o Order) fits(lane string) bool {
	lane = strings.TrimPrefix(lane, replayPrefix)
	switch o {
	case OrderItem:
		return lane != laneSeparator && strings.Contains(lane, laneSeparator)
	case OrderSource:
		return lane != "" && !strings.Contains(lane, laneSeparator)
	case OrderEndpoint:
		return lane == laneSeparator
	case OrderNone:
	}
	return lane == ""
}
