package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pollwire/pollwire/notify"
)

// Endpoints knows how the endpoints stand.
type Endpoints interface {
	// Status returns all of them, by name; nothing while none is served.
	Status() []notify.EndpointStatus
}

var _ Endpoints = (*notify.Dispatcher)(nil)

// What an endpoint is in; the first that fits.
const (
	stateDisabled = "disabled"
	statePaused   = "paused"
	stateFailing  = "failing"
	stateOK       = "ok"
)

var (
	states   = []string{stateOK, stateFailing, statePaused, stateDisabled}
	breakers = []string{string(notify.BreakerClosed), string(notify.BreakerOpen), string(notify.BreakerHalfOpen)}
)

// endpointCollector tells how the endpoints stand when it is asked.
type endpointCollector struct {
	endpoints                Endpoints
	label                    func(endpoint string) string
	tenancy                  tenancy
	state, breaker, inFlight *prometheus.Desc
}

var _ prometheus.Collector = (*endpointCollector)(nil)

func newEndpointCollector(endpoints Endpoints, label func(string) string, t tenancy) *endpointCollector {
	return &endpointCollector{
		endpoints: endpoints,
		label:     label,
		tenancy:   t,
		state: prometheus.NewDesc("pollwire_endpoint_state",
			"1 for the state that an endpoint is in, else 0; of subscriptions how many are in it.", []string{"endpoint", "state"}, nil),
		breaker: prometheus.NewDesc("pollwire_endpoint_breaker_state",
			"1 for the state that the breaker of an endpoint is in, else 0; of subscriptions how many are in it.", []string{"endpoint", "state"}, nil),
		inFlight: prometheus.NewDesc("pollwire_delivery_attempts_in_flight",
			"POSTs to an endpoint that have no answer yet.", []string{"endpoint"}, nil),
	}
}

// Describe is a [prometheus.Collector]'s.
func (c *endpointCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.state
	ch <- c.breaker
	ch <- c.inFlight
}

// standing is how many endpoints of a label stand how.
type standing struct {
	states, breakers map[string]int
	inFlight         int
}

// Collect is a [prometheus.Collector]'s.
func (c *endpointCollector) Collect(ch chan<- prometheus.Metric) {
	all := make(map[string]*standing)
	status := c.endpoints.Status()
	for i := range status {
		s := &status[i]
		label := c.label(s.Name)
		if label == removed {
			continue // it is on its way out
		}
		if !c.tenancy.endpoint(s.Name, label) {
			continue
		}
		st := all[label]
		if st == nil {
			st = &standing{states: make(map[string]int), breakers: make(map[string]int)}
			all[label] = st
		}
		st.states[stateOf(s)]++
		st.breakers[string(s.Breaker)]++
		st.inFlight += s.InFlight
	}
	for label, st := range all {
		for _, state := range states {
			ch <- &sample{desc: c.state, labels: labelled("endpoint", label, "state", state), value: float64(st.states[state])}
		}
		for _, state := range breakers {
			ch <- &sample{desc: c.breaker, labels: labelled("endpoint", label, "state", state), value: float64(st.breakers[state])}
		}
		ch <- &sample{desc: c.inFlight, labels: labelled("endpoint", label), value: float64(st.inFlight)}
	}
}

// stateOf is what an endpoint is in.
func stateOf(s *notify.EndpointStatus) string {
	switch {
	case s.Disabled || !s.Enabled:
		return stateDisabled
	case s.Paused:
		return statePaused
	case s.Told || s.Breaker != notify.BreakerClosed:
		return stateFailing
	}
	return stateOK
}
