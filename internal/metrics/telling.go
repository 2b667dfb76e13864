package metrics

import (
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pollwire/pollwire/internal/subscription"
	"github.com/pollwire/pollwire/notify"
)

// Labels of endpoints that are not in the configuration. No configured name has
// an @ in it.
const (
	// subscribed are all that were registered over the API. Who may register
	// must not be able to add series.
	subscribed = "@subscriptions"
	// removed are those that have deliveries, and are not there any more.
	removed = "@removed"
)

var (
	// codes are the classes of what endpoints answer; codeNone is no answer.
	codes = []string{"2xx", "3xx", "4xx", "5xx", codeNone}
	// ends are what deliveries can come to.
	ends = []string{string(notify.Delivered), string(notify.Dead), string(notify.Superseded)}
)

const codeNone = "none"

// telling is the account of what endpoints are told.
type telling struct {
	attempts *prometheus.CounterVec
	duration *prometheus.HistogramVec
	ended    *prometheus.CounterVec

	mu    sync.RWMutex
	names map[string]bool
}

func newTelling(r prometheus.Registerer) *telling {
	t := &telling{
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pollwire_delivery_attempts_total",
			Help: "POSTs to an endpoint, by the class of the status code of the answer; none is no answer.",
		}, []string{"endpoint", "code"}),
		duration: prometheus.NewHistogramVec(histogram(
			"pollwire_delivery_attempt_duration_seconds",
			"How long a POST to an endpoint took, its answer included.",
			.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30), []string{"endpoint"}),
		ended: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pollwire_deliveries_total",
			Help: "Deliveries that ended, by what they came to. Those that became dead since they waited for too long are in pollwire_expired_deliveries_total.",
		}, []string{"endpoint", "outcome"}),
		names: make(map[string]bool),
	}
	r.MustRegister(t.attempts, t.duration, t.ended)
	t.begin(subscribed)
	return t
}

// begin lets the series of an endpoint begin at 0.
func (t *telling) begin(label string) {
	for _, code := range codes {
		t.attempts.WithLabelValues(label, code)
	}
	for _, end := range ends {
		t.ended.WithLabelValues(label, end)
	}
	t.duration.WithLabelValues(label)
}

// SetEndpoints says which endpoints the configuration has. What was counted of
// those that stay is kept, and no series is left of the others.
func (m *Metrics) SetEndpoints(names []string) {
	t := m.telling
	t.mu.Lock()
	defer t.mu.Unlock()
	old := t.names
	t.names = make(map[string]bool, len(names))
	for _, name := range names {
		t.names[name] = true
		if !old[name] {
			t.begin(name)
		}
		delete(old, name)
	}
	for name := range old {
		gone := prometheus.Labels{"endpoint": name}
		t.attempts.DeletePartialMatch(gone)
		t.duration.DeletePartialMatch(gone)
		t.ended.DeletePartialMatch(gone)
	}
}

// label is what an endpoint is called in series. The lock is not held.
func (t *telling) label(endpoint string) string {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.labelOf(endpoint)
}

func (t *telling) labelOf(endpoint string) string {
	switch {
	case t.names[endpoint]:
		return endpoint
	case strings.HasPrefix(endpoint, subscription.Prefix):
		return subscribed
	}
	return removed
}

// labels are those that every endpoint has.
func (t *telling) labels() []string {
	t.mu.RLock()
	defer t.mu.RUnlock()
	all := make([]string, 0, len(t.names)+1)
	for name := range t.names {
		all = append(all, name)
	}
	return append(all, subscribed)
}

// Told takes what came of an attempt.
func (m *Metrics) Told(r notify.Report) {
	t := m.telling
	t.mu.RLock() // so that no series comes back that SetEndpoints has removed
	defer t.mu.RUnlock()
	label := t.labelOf(r.Endpoint)
	if label == removed {
		return
	}
	if r.Posted {
		t.attempts.WithLabelValues(label, class(r.Attempt.Status)).Inc()
		t.duration.WithLabelValues(label).Observe(r.Attempt.Duration.Seconds())
	}
	for i, n := range []int{r.Delivered, r.Dead, r.Superseded} {
		t.ended.WithLabelValues(label, ends[i]).Add(float64(n))
	}
}

// class is that of a status code. Codes beyond those that HTTP knows are taken
// for failures of the server.
func class(status int) string {
	switch {
	case status == 0:
		return codeNone
	case status < 200 || status > 499:
		return "5xx"
	}
	return codes[status/100-2]
}
