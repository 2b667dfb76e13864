package bridge

import (
	"path"
	"slices"
	"strings"
	"time"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
	"github.com/pollwire/pollwire/poller"
)

// ownTypes is what the types of pollwire's own events begin with.
const ownTypes = "pollwire."

// addEvents makes an event of each change. All of them go to the log; who is
// told is decided for each.
func (b *Bridge) addEvents(p *plan, st *state, o *poller.Observation, changes []diff.Change) {
	events := make([]store.Event, len(changes))
	p.untold = make([]string, len(changes))
	r := b.roster.Load()
	for i := range changes {
		c := &changes[i]
		events[i].Event = notify.Event{
			ID:      b.newID(o.At),
			Type:    st.source.EventType + "." + string(c.Kind),
			Source:  st.source.Name,
			Subject: c.Key,
			Time:    o.At,
			Data:    changeData(c, st.source.Items),
		}
		q := newQuestion(&events[i].Event, c)
		q.tried = p.try
		if p.untold[i] = r.untold(q); p.untold[i] == "" {
			events[i].Tell = r.tell(q)
		}
	}
	p.commit.Events = append(p.commit.Events, events...)
}

// alert makes an event of pollwire's own.
func (b *Bridge) alert(eventType string, at time.Time, data alertData) store.Event {
	e := store.Event{Event: notify.Event{
		ID: b.newID(at), Type: eventType, Source: data.Name, Time: at, Alert: true, Data: data.json(),
	}}
	e.Tell = b.roster.Load().tell(newQuestion(&e.Event, nil))
	return e
}

// delivery is that of an event to the endpoint, in the lane in which the
// endpoint keeps it in order with others. Of alerts none takes the place of
// another: each says something else.
func (ep *Endpoint) delivery(e *notify.Event) notify.Delivery {
	d := notify.Delivery{Endpoint: ep.Name, Lane: ep.Order.Lane(e)}
	if ep.Latest && !e.Alert {
		d.Key = notify.ItemKey(e)
	}
	return d
}

// hears says whether an alert is any of the endpoint's business. Nobody is told
// of itself: an endpoint that fails would not hear it. One that chose its sources
// is told of them only.
func (ep *Endpoint) hears(alert *notify.Event) bool {
	if strings.HasPrefix(alert.Type, "pollwire.endpoint.") {
		return alert.Source != ep.Name && ep.Sources == nil
	}
	return ep.Sources == nil || slices.Contains(ep.Sources, alert.Source)
}

// wants says whether a type is one that the endpoint is told. Alerts must be
// asked for by name: a bare * means every change. In turn pollwire.* means every
// alert, and of changes with the types that sources have without an event_type
// only a pattern that spells out pollwire.item or pollwire.document.
func (ep *Endpoint) wants(e *notify.Event) bool {
	if len(ep.Events) == 0 {
		return !e.Alert
	}
	return slices.ContainsFunc(ep.Events, func(glob string) bool {
		own := strings.HasPrefix(glob, ownTypes)
		if own && !e.Alert {
			own = !strings.HasPrefix(glob, ownTypes+"item") && !strings.HasPrefix(glob, ownTypes+"document")
		}
		if own != e.Alert {
			return false
		}
		ok, err := path.Match(glob, e.Type)
		return ok && err == nil
	})
}
