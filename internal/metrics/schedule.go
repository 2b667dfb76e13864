package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pollwire/pollwire/poller"
)

// Schedule knows how the schedule was kept.
type Schedule interface {
	// Dropped counts the runs that were left out since the last poll of their
	// source had not ended.
	Dropped() int64
}

var _ Schedule = (*poller.Scheduler)(nil)

// schedule is how well the schedule is kept.
type schedule struct{ lag prometheus.Histogram }

func newSchedule(r prometheus.Registerer) *schedule {
	s := &schedule{prometheus.NewHistogram(histogram(
		"pollwire_schedule_lag_seconds",
		"How long after it was due the first request of a poll was made, waits for its limit and for others included.",
		.01, .05, .1, .25, .5, 1, 2.5, 5, 15, 60, 300, 1800))}
	r.MustRegister(s.lag)
	return s
}

func newDropped(s Schedule) prometheus.Collector {
	return prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "pollwire_schedule_dropped_runs_total",
		Help: "Runs that were left out since the last poll of their source had not ended.",
	}, func() float64 { return float64(s.Dropped()) })
}

// Begun takes that a poll of a source was begun, so long after it was due.
func (m *Metrics) Begun(_ *poller.Source, lag time.Duration) {
	m.schedule.lag.Observe(max(0, lag.Seconds()))
}
