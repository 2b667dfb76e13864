package metrics

import (
	dto "github.com/prometheus/client_model/go"
)

// family is a metric that there are very many series of. A registry copies, checks
// and sorts what it collects, each time anew: for ten thousand sources that takes
// longer than all the rest. What goes here is sorted already, and all of it is
// allocated at once.
type family struct {
	name, help string
	counter    bool

	metrics  []dto.Metric
	counters []dto.Counter
	gauges   []dto.Gauge
	values   []float64
}

// newFamily is one of at most n series.
func newFamily(name, help string, counter bool, n int) *family {
	f := &family{name: name, help: help, counter: counter, metrics: make([]dto.Metric, 0, n), values: make([]float64, 0, n)}
	if counter {
		f.counters = make([]dto.Counter, n)
	} else {
		f.gauges = make([]dto.Gauge, n)
	}
	return f
}

// add adds a series. They come in the order of their labels, which nobody changes.
func (f *family) add(labels []*dto.LabelPair, value float64) {
	i := len(f.values)
	f.values, f.metrics = f.values[:i+1], f.metrics[:i+1]
	f.values[i] = value
	m := &f.metrics[i]
	m.Label = labels
	if f.counter {
		f.counters[i].Value = &f.values[i]
		m.Counter = &f.counters[i]
	} else {
		f.gauges[i].Value = &f.values[i]
		m.Gauge = &f.gauges[i]
	}
}

// told is the family as it is encoded, nil where it has no series.
func (f *family) told() *dto.MetricFamily {
	if len(f.metrics) == 0 {
		return nil
	}
	kind := dto.MetricType_GAUGE
	if f.counter {
		kind = dto.MetricType_COUNTER
	}
	all := make([]*dto.Metric, len(f.metrics))
	for i := range f.metrics {
		all[i] = &f.metrics[i]
	}
	return &dto.MetricFamily{Name: &f.name, Help: &f.help, Type: &kind, Metric: all}
}

// labelled are labels from names and values, sorted by name.
func labelled(pairs ...string) []*dto.LabelPair {
	labels := make([]*dto.LabelPair, len(pairs)/2)
	for i := range labels {
		labels[i] = &dto.LabelPair{Name: &pairs[2*i], Value: &pairs[2*i+1]}
	}
	return labels
}
