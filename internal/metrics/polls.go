package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pollwire/pollwire/poller"
)

// failed is the outcome of a poll that gave no observation.
const failed = "failed"

// outcomes are those that a poll can have, so that each is counted from 0.
var outcomes = []string{"unchanged", "changed", "baseline", "rebaselined", failed}

// polls are all polls together.
type polls struct {
	ended    *prometheus.CounterVec
	duration prometheus.Histogram
	requests prometheus.Counter
	bytes    prometheus.Counter
	changes  prometheus.Counter
}

func newPolls(r prometheus.Registerer) *polls {
	p := &polls{
		ended: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pollwire_polls_total",
			Help: "Polls that ended, by what they came to.",
		}, []string{"outcome"}),
		duration: prometheus.NewHistogram(histogram(
			"pollwire_poll_duration_seconds",
			"How long the requests of a poll took, without the waits between them.",
			.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60)),
		requests: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "pollwire_poll_requests_total",
			Help: "Requests that were made to sources.",
		}),
		bytes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "pollwire_poll_response_bytes_total",
			Help: "Bytes of the answers of sources, decompressed.",
		}),
		changes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "pollwire_changes_total",
			Help: "Changes that were found and logged, told or not.",
		}),
	}
	for _, outcome := range outcomes {
		p.ended.WithLabelValues(outcome)
	}
	r.MustRegister(p.ended, p.duration, p.requests, p.bytes, p.changes)
	return p
}

// histogram has classic buckets for every scraper, and finer ones of its own for
// those that understand them.
func histogram(name, help string, buckets ...float64) prometheus.HistogramOpts {
	return prometheus.HistogramOpts{
		Name: name, Help: help, Buckets: buckets,
		NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 100, NativeHistogramMinResetDuration: time.Hour,
	}
}

// Polled takes what came of a poll of a source.
func (m *Metrics) Polled(s *poller.Source, r poller.Result) {
	outcome := r.Verdict.Outcome
	if r.Err != nil {
		outcome = failed
	}
	p := m.polls
	p.ended.WithLabelValues(outcome).Inc()
	if r.Requests > 0 { // else it was held, and took no time
		p.duration.Observe(r.Duration.Seconds())
	}
	p.requests.Add(float64(r.Requests))
	p.bytes.Add(float64(r.Bytes))
	p.changes.Add(float64(r.Verdict.Changes))
	m.sources.polled(s.Name, &r)
}
