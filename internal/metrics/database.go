package metrics

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pollwire/pollwire/internal/store"
)

// What is written to the database while changes and deliveries wait for it.
const (
	// opCommit is a commit of what a poll saw, or of an alert.
	opCommit = "commit"
	// opRecord is a save of what came of deliveries.
	opRecord = "record"
)

// gapType is the type of the alert that items may have been missed.
const gapType = "pollwire.source.gap"

// alertTypes are those of all alerts, so that each is counted from 0.
var alertTypes = []string{
	"pollwire.source.failing", "pollwire.source.recovered", gapType, "pollwire.source.rebaselined",
	"pollwire.endpoint.failing", "pollwire.endpoint.disabled", "pollwire.endpoint.recovered",
}

// database is the account of what was written.
type database struct {
	duration *prometheus.HistogramVec
	failures *prometheus.CounterVec
	alerts   *prometheus.CounterVec
	gaps     prometheus.Counter
	expired  prometheus.Counter
}

func newDatabase(r prometheus.Registerer, path string) *database {
	d := &database{
		duration: prometheus.NewHistogramVec(histogram(
			"pollwire_commit_duration_seconds",
			"How long a write to the database took until it was on disk: commit is of what polls saw, record of what came of deliveries.",
			.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5), []string{"operation"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pollwire_commit_failures_total",
			Help: "Writes to the database that failed.",
		}, []string{"operation"}),
		alerts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pollwire_alerts_total",
			Help: "Events of pollwire's own that were logged, by their type.",
		}, []string{"type"}),
		gaps: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "pollwire_gaps_total",
			Help: "Times that items of a list of newest ones may have been missed. The log names the source.",
		}),
		expired: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "pollwire_expired_deliveries_total",
			Help: "Deliveries that became dead since they waited for longer than storage.retention.waiting.",
		}),
	}
	for _, op := range []string{opCommit, opRecord} {
		d.duration.WithLabelValues(op)
		d.failures.WithLabelValues(op)
	}
	for _, t := range alertTypes {
		d.alerts.WithLabelValues(t)
	}
	r.MustRegister(d.duration, d.failures, d.alerts, d.gaps, d.expired)
	if path != "" {
		r.MustRegister(
			fileSize("pollwire_database_size_bytes", "Bytes of the database's file.", path),
			fileSize("pollwire_database_wal_size_bytes", "Bytes of the write-ahead log beside the database's file.", path+"-wal"),
		)
	}
	return d
}

// fileSize is how large a file is when it is asked for; 0 where there is none.
func fileSize(name, help, path string) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 {
		info, err := os.Stat(path)
		if err != nil {
			return 0
		}
		return float64(info.Size())
	})
}

// Committed takes how long a commit took, and what came of it.
func (m *Metrics) Committed(c *store.Commit, took time.Duration, err error) {
	m.database.wrote(opCommit, took, err)
	if err != nil {
		return
	}
	for i := range c.Events {
		e := &c.Events[i]
		if !e.Alert {
			continue
		}
		m.database.alerts.WithLabelValues(e.Type).Inc()
		if e.Type == gapType {
			m.database.gaps.Inc()
		}
	}
}

// Recorded takes how long the outcomes of deliveries took to save.
func (m *Metrics) Recorded(took time.Duration, err error) { m.database.wrote(opRecord, took, err) }

// Expired takes how many deliveries became dead for their age.
func (m *Metrics) Expired(n int64) { m.database.expired.Add(float64(n)) }

func (d *database) wrote(op string, took time.Duration, err error) {
	switch {
	case err == nil:
		d.duration.WithLabelValues(op).Observe(took.Seconds())
	case errors.Is(err, store.ErrConflict), errors.Is(err, context.Canceled):
		// Who was overtaken by another commit, or gave up waiting, met no failure.
	default:
		d.failures.WithLabelValues(op).Inc()
	}
}
