package config

import (
	"errors"
	"fmt"
	"math"
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
	Reserve     Reserve  `yaml:"reserve" default:"0" doc:"How much of requests is left to others who use the same budget, as a share (10%) or a number: pollwire uses no more than the rest, and holds back while the API says that no more than this remains." aka:"headroom|keep|leave|reserved"`
}

// Usable is how many of the requests are not reserved, at least 1.
func (r Rate) Usable() int { return max(1, r.Requests-r.Reserve.Of(r.Requests)) }

// Reserve is how much of a budget is left to others.
type Reserve struct {
	// Percent is from 0 to 100, where IsPercent is set.
	Percent float64
	// Count is a number of requests, where IsPercent is not set.
	Count     int
	IsPercent bool
}

var errReserve = errors.New("write a share such as 10%, or a number of requests such as 500")

// UnmarshalText reads a share such as 10%, or a count such as 500.
func (r *Reserve) UnmarshalText(text []byte) error {
	percent, count, isPercent, ok := parseShare(string(text))
	if !ok {
		return errReserve
	}
	*r = Reserve{Percent: percent, Count: count, IsPercent: isPercent}
	return nil
}

// String writes it as a configuration does.
func (r Reserve) String() string { return formatShare(r.Percent, r.Count, r.IsPercent) }

// Of is the reserve of a number of requests, a share rounded up.
func (r Reserve) Of(requests int) int {
	if r.IsPercent {
		return int(math.Ceil(r.Percent / 100 * float64(requests)))
	}
	return r.Count
}

func (Reserve) pattern() string { return sharePattern }

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
		v.rates[limits[i].Name] = &limits[i].Rate
	}
	v.limits = names
}

func (v *validator) rate(at place, r *Rate) {
	if p, ok := v.written(at, "burst"); ok && r.Requests > 0 && r.Burst > r.Requests {
		v.add(p, "a burst of %d is more than the %d requests that the limit allows", r.Burst, r.Requests)
	}
	if p, ok := v.written(at, "reserve"); ok && r.Requests > 0 && r.Reserve.Of(r.Requests) >= r.Requests {
		v.add(p, "a reserve of %s leaves none of the %d requests to use: reserve less", r.Reserve, r.Requests)
	}
}

func (v *validator) limitRef(at place, s *Source) {
	l := &s.RateLimit
	p, ok := v.written(at, "rate_limit")
	switch {
	case !ok:
		if p, ok := v.written(at, "cost"); ok && s.Cost > 1 {
			v.add(p, "there is no rate_limit that a cost of %d could be taken from: name one, or leave cost out", s.Cost)
		}
	case l.Inline != nil:
		v.rate(p, l.Inline)
		v.cost(at, s.Cost, l.Inline, p)
	case !v.limits.has(l.Name):
		v.add(p, "there is no rate limit %s%s", p.quote(l.Name), v.limits.hint(l.Name))
	default:
		v.cost(at, s.Cost, v.rates[l.Name], v.limits.taken[l.Name])
	}
}

// cost refuses a request that its limit, which is at a place of its own, could
// never let through.
func (v *validator) cost(at place, cost int, r *Rate, limit place) {
	p, ok := v.written(at, "cost")
	if !ok || r.Requests < 1 || cost <= r.Usable() {
		return
	}
	if requests, ok := limit.key("requests"); ok {
		limit = requests
	}
	reserved := ""
	if n := r.Reserve.Of(r.Requests); n > 0 && n < r.Requests {
		reserved = fmt.Sprintf(" less a reserve of %d", n)
	}
	v.add(p, "a request that costs %d can never be sent: %s is %d%s; lower cost, or raise that",
		cost, limit.seenFrom(p), r.Requests, reserved)
}
