// Package metrics keeps account of what the daemon does, and tells it in the
// formats of Prometheus. It counts what it is told of and looks at the rest when
// it is asked; it decides nothing, and whatever it counts goes on without it.
//
// Every label is bounded by the configuration. Sources, limits and endpoints bear
// their configured names, so that there are as many series as there are of them;
// what is registered over the API shares one name, and no key, URL, error or
// status code is ever a label.
package metrics

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"time"

	"github.com/klauspost/compress/gzhttp"
	"github.com/klauspost/compress/gzip"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// maxScrapes is how many answers are made at once.
const maxScrapes = 4

// Options are what Metrics is made of. What is nil is not told of.
type Options struct {
	// Version is that of the daemon.
	Version string
	// Schedule, Limits, Endpoints and Queue are asked while an answer is made.
	Schedule  Schedule
	Limits    Limits
	Endpoints Endpoints
	Queue     Queue
	// Nodes are those on the database, where it may have several. Then only what this
	// one has is told of.
	Nodes Nodes
	// Database is the path of the database's file; empty for none.
	Database string
	// Logger is told what of an answer could not be made; nil for nobody.
	Logger *slog.Logger
}

// Metrics is the account of one daemon. Its methods may be called concurrently,
// and return at once.
type Metrics struct {
	gatherer  gatherer
	logger    *slog.Logger
	polls     *polls
	sources   *sources
	schedule  *schedule
	telling   *telling
	database  *database
	reloading *reloading
}

// New returns an account of nothing yet, in a registry of its own.
func New(o Options) *Metrics {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	r := prometheus.NewRegistry()
	m := &Metrics{
		logger: o.Logger,
		polls:  newPolls(r), sources: &sources{tenancy: tenancy{o.Nodes}}, schedule: newSchedule(r),
		telling: newTelling(r), database: newDatabase(r, o.Database), reloading: newReloading(r),
	}
	m.gatherer = gatherer{registry: r, families: []func() []*family{m.sources.families}}
	r.MustRegister(collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), buildInfo(o.Version), startTime(time.Now()))
	if o.Schedule != nil {
		r.MustRegister(newDropped(o.Schedule))
	}
	if o.Limits != nil {
		m.gatherer.families = append(m.gatherer.families, func() []*family { return limitFamilies(o.Limits, tenancy{o.Nodes}) })
	}
	if o.Endpoints != nil {
		r.MustRegister(newEndpointCollector(o.Endpoints, m.telling.label, tenancy{o.Nodes}))
	}
	if o.Queue != nil {
		r.MustRegister(newQueueCollector(o.Queue, m.telling, tenancy{o.Nodes}))
	}
	if o.Nodes != nil {
		r.MustRegister(newNodeCollector(o.Nodes))
	}
	return m
}

// Handler answers a scrape. Where one part cannot be told, the others are, and
// promhttp_metric_handler_errors_total counts it.
func (m *Metrics) Handler() http.Handler {
	told := promhttp.HandlerFor(&m.gatherer, promhttp.HandlerOpts{
		ErrorHandling:       promhttp.ContinueOnError,
		ErrorLog:            errorLog{m.logger},
		Registry:            m.gatherer.registry,
		MaxRequestsInFlight: maxScrapes,
		EnableOpenMetrics:   true,
		DisableCompression:  true, // its gzip takes as long as all the rest
	})
	compressed, err := gzhttp.NewWrapper(gzhttp.CompressionLevel(gzip.BestSpeed), gzhttp.EnableZstd(false))
	if err != nil {
		panic(fmt.Errorf("compress metrics: %w", err)) // these options are good
	}
	return compressed(told)
}

// errorLog takes what promhttp has to say.
type errorLog struct{ logger *slog.Logger }

// Println logs an error of a scrape. Scrapes come every few seconds, so that
// each at a higher level would fill the log; the counter is what to watch.
func (l errorLog) Println(v ...any) { l.logger.Debug("metrics could not be told", "err", v) }

func buildInfo(version string) prometheus.Collector {
	g := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        "pollwire_build_info",
		Help:        "Always 1; its labels say which build runs.",
		ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version()},
	})
	g.Set(1)
	return g
}

// startTime is told besides that of the process, which cannot be known where
// /proc shows processes alone, as the shipped unit has it.
func startTime(now time.Time) prometheus.Collector {
	g := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "pollwire_start_time_seconds",
		Help: "When the daemon started, in Unix time.",
	})
	g.Set(unix(now))
	return g
}

// unix is a time as Prometheus tells times.
func unix(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
