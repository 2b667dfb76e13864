package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// sample is a gauge as it stands while an answer is made.
type sample struct {
	desc *prometheus.Desc
	// labels are sorted by name, and not changed by anybody.
	labels []*dto.LabelPair
	value  float64
}

var _ prometheus.Metric = (*sample)(nil)

// Desc is a [prometheus.Metric]'s.
func (s *sample) Desc() *prometheus.Desc { return s.desc }

// Write is a [prometheus.Metric]'s.
func (s *sample) Write(out *dto.Metric) error {
	out.Label = s.labels
	out.Gauge = &dto.Gauge{Value: &s.value}
	return nil
}
