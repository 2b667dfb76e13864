package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// reloading is the account of configurations that were taken, and refused.
type reloading struct {
	reloads    *prometheus.CounterVec
	successful prometheus.Gauge
	at         prometheus.Gauge
}

func newReloading(r prometheus.Registerer) *reloading {
	l := &reloading{
		reloads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pollwire_config_reloads_total",
			Help: "Reloads of the configuration, by whether it was taken.",
		}, []string{"result"}),
		successful: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "pollwire_config_last_reload_successful",
			Help: "Whether the last reload of the configuration was taken, or there was none: 1, else 0.",
		}),
		at: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "pollwire_config_last_reload_success_timestamp_seconds",
			Help: "When a configuration was last taken, at the start or by a reload, in Unix time.",
		}),
	}
	l.reloads.WithLabelValues("success")
	l.reloads.WithLabelValues("failure")
	l.successful.Set(1)
	l.at.Set(unix(time.Now()))
	r.MustRegister(l.reloads, l.successful, l.at)
	return l
}

// Reloaded takes whether a configuration was taken when it was reloaded, and when.
func (m *Metrics) Reloaded(ok bool, at time.Time) {
	l := m.reloading
	if !ok {
		l.reloads.WithLabelValues("failure").Inc()
		l.successful.Set(0)
		return
	}
	l.reloads.WithLabelValues("success").Inc()
	l.successful.Set(1)
	l.at.Set(unix(at))
}
