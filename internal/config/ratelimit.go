package config

import (
	"reflect"

	"github.com/google/jsonschema-go/jsonschema"
	"gopkg.in/yaml.v3"
)

// RateLimit is a request budget that sources share by its name.
type RateLimit struct {
	Name string `yaml:"name" required:"true" is:"name" example:"github" doc:"What sources call it."`
	Rate
}

// Rate is a request budget.
type Rate struct {
	Requests    int      `yaml:"requests" required:"true" min:"1" example:"60" doc:"The most requests within any span of per." aka:"limit|max_requests|rate"`
	Per         Duration `yaml:"per" required:"true" min:"1ms" max:"366d" example:"1m" doc:"The span that requests is for." aka:"period|window|interval"`
	Burst       int      `yaml:"burst" default:"1" min:"1" doc:"How many requests may follow each other at once; beyond it they are paced evenly."`
	Concurrency int      `yaml:"concurrency" default:"0" min:"0" doc:"The most requests under way at once; 0 is no bound." aka:"max_concurrency|parallel"`
}

// LimitRef is the limit of a source: the name of a shared one, or one of its
// own. Both are empty where there is none.
type LimitRef struct {
	Name   string
	Inline *Rate
}

func (l *LimitRef) decode(d *decoder, at place, f field) {
	if at.node.Kind == yaml.MappingNode {
		decodeInto(d, at, &l.Inline, f)
		return
	}
	if isNull(at.node) {
		d.fail(at, "there is no value: write the name of one of rate_limits, or {requests: 60, per: 1m}")
		return
	}
	decodeInto(d, at, &l.Name, f)
}

// schema of a limit: a name, or a mapping.
func (l *LimitRef) schema(s schemer, _ field, _ shape) (*jsonschema.Schema, error) {
	inline, err := s.structure(reflect.TypeFor[Rate](), shape{})
	return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{{Type: "string"}, inline}}, err
}

func (v *validator) rateLimits(at place, limits []RateLimit) {
	names := newNames("rate limit")
	for i, p := range at.items() {
		v.rate(p, &limits[i].Rate)
		v.unique(names, p, limits[i].Name)
	}
	v.limits = names
}

func (v *validator) rate(at place, r *Rate) {
	if p, ok := v.written(at, "burst"); ok && r.Requests > 0 && r.Burst > r.Requests {
		v.add(p, "a burst of %d is more than the %d requests that the limit allows", r.Burst, r.Requests)
	}
}

func (v *validator) limitRef(at place, l *LimitRef) {
	p, ok := v.written(at, "rate_limit")
	switch {
	case !ok:
	case l.Inline != nil:
		v.rate(p, l.Inline)
	case !v.limits.has(l.Name):
		v.add(p, "there is no rate limit %s%s", p.quote(l.Name), v.limits.hint(l.Name))
	}
}
