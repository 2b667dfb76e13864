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

// addEvents makes an event of each change. All of them go to the log; who is
// told is decided for each.
func (b *Bridge) addEvents(p *plan, st *state, o *poller.Observation, changes []diff.Change) {
	events := make([]store.Event, len(changes))
	p.untold = make([]string, len(changes))
	if st.source.When != nil {
		if p.tried == nil {
			p.tried = make(map[string]error)
		}
		p.tried[whenCondition] = nil
	}
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
		if !slices.Contains(st.source.Events, c.Kind) {
			p.untold[i] = "detect.events"
			continue
		}
		holds, err := st.source.holds(&events[i].Event, c)
		if err != nil && p.tried[whenCondition] == nil {
			p.tried[whenCondition] = err
		}
		if !holds {
			p.untold[i] = whenCondition
			continue
		}
		events[i].Tell = b.deliveries(&events[i].Event, func(endpoint string) bool {
			return slices.Contains(st.source.Notify, endpoint)
		})
	}
	p.commit.Events = append(p.commit.Events, events...)
}

// alert makes an event of pollwire's own.
func (b *Bridge) alert(eventType string, at time.Time, data alertData) store.Event {
	e := store.Event{Event: notify.Event{
		ID: b.newID(at), Type: eventType, Source: data.Name, Time: at, Alert: true, Data: data.json(),
	}}
	e.Tell = b.deliveries(&e.Event, func(endpoint string) bool {
		// Nobody is told of itself: an endpoint that fails would not hear it.
		return endpoint != data.Name || !strings.HasPrefix(eventType, "pollwire.endpoint.")
	})
	return e
}

// deliveries are those of an event to the endpoints that want it. The lane is
// the source: an endpoint is told the changes of one source in their order.
func (b *Bridge) deliveries(e *notify.Event, told func(endpoint string) bool) []notify.Delivery {
	var tell []notify.Delivery
	for i := range b.endpoints {
		endpoint := &b.endpoints[i]
		if told(endpoint.Name) && endpoint.wants(e) {
			tell = append(tell, notify.Delivery{Endpoint: endpoint.Name, Lane: e.Source})
		}
	}
	return tell
}

// wants says whether an endpoint is told an event. Alerts must be asked for by
// name: a bare * means every change.
func (ep *Endpoint) wants(e *notify.Event) bool {
	if len(ep.Events) == 0 {
		return !e.Alert
	}
	return slices.ContainsFunc(ep.Events, func(glob string) bool {
		if e.Alert && !strings.HasPrefix(glob, "pollwire.") {
			return false
		}
		ok, err := path.Match(glob, e.Type)
		return ok && err == nil
	})
}
