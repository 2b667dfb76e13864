package metrics

import (
	"cmp"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// gatherer gives what is in the registry, and the families that are not.
type gatherer struct {
	registry *prometheus.Registry
	families []func() []*family
}

var _ prometheus.Gatherer = (*gatherer)(nil)

// Gather is a [prometheus.Gatherer]'s. What could be gathered is returned beside
// an error too.
func (g *gatherer) Gather() ([]*dto.MetricFamily, error) {
	all, err := g.registry.Gather()
	for _, families := range g.families {
		for _, f := range families() {
			if told := f.told(); told != nil {
				all = append(all, told)
			}
		}
	}
	slices.SortFunc(all, func(a, b *dto.MetricFamily) int { return cmp.Compare(a.GetName(), b.GetName()) })
	return all, err
}
