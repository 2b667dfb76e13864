package config

import (
	"fmt"
	"strconv"
	"time"

	"gopkg.in/yaml.v3"
)

// validator checks what values mean, after they were decoded. It says nothing
// more of a node that gave no value, and nothing of defaults, which are valid.
type validator struct {
	*report
	bad       map[*yaml.Node]bool
	schedules scheduleCache
	locations map[string]*time.Location
	// file returns the content of a file that a value names.
	file   func(path string) ([]byte, error)
	limits *names
	// rates are the limits by name.
	rates     map[string]*Rate
	endpoints *names
	// hasEncryptionKey says that what must be stored can be encrypted.
	hasEncryptionKey bool
	// refreshTokens are where they were met first.
	refreshTokens map[Secret]grantOf
	// token is server.token.
	token Secret
	// insteadOfUser is the place for a user name that stands in a URL.
	insteadOfUser string
}

func (v *validator) config(at place, c *Config) {
	v.limits, v.endpoints = newNames("rate limit"), newNames("endpoint")
	v.rates = make(map[string]*Rate)
	v.refreshTokens = make(map[Secret]grantOf)
	v.insteadOfUser = "remove it"
	if p, ok := v.written(at, "storage"); ok {
		v.storage(p, &c.Storage)
	}
	if p, ok := v.written(at, "server"); ok {
		v.server(p, &c.Server)
	}
	v.token = c.Server.Token
	if p, ok := v.written(at, "rate_limits"); ok {
		v.rateLimits(p, c.RateLimits)
	}
	if p, ok := v.written(at, "endpoints"); ok {
		v.endpointList(p, c.Endpoints)
	}
	if p, ok := v.written(at, "sources"); ok {
		v.sources(p, c)
	}
}

// written is the place of a key that was written and decoded.
func (v *validator) written(at place, key string) (place, bool) {
	p, ok := at.key(key)
	return p, ok && !v.bad[p.node]
}

// writtenPath is written for keys that are separated by dots.
func (v *validator) writtenPath(at place, keys string) (place, bool) {
	p, ok := at.find(keys)
	return p, ok && !v.bad[p.node]
}

// each checks the elements of a list that were decoded, and refuses repeated ones.
func (v *validator) each(at place, values []string, check func(place, string)) {
	seen := make(map[string]bool)
	for i, p := range at.items() {
		switch {
		case v.bad[p.node]:
		case seen[values[i]]:
			v.add(p, "%s is in the list already: remove it", p.quote(values[i]))
		case check != nil:
			check(p, values[i])
		}
		seen[values[i]] = true
	}
}

// names are the names that are taken, of one kind of thing.
type names struct {
	kind  string
	order []string
	taken map[string]place
}

func newNames(kind string) *names {
	return &names{kind: kind, taken: make(map[string]place)}
}

func (n *names) has(name string) bool {
	_, ok := n.taken[name]
	return ok
}

// hint is the end of a sentence about a name that does not exist.
func (n *names) hint(name string) string {
	if hint := didYouMean(name, n.order); hint != "" {
		return hint
	}
	if len(n.order) == 0 {
		return "; there are none"
	}
	shown := n.order[:min(len(n.order), 10)]
	quoted := make([]string, len(shown))
	for i, known := range shown {
		quoted[i] = strconv.Quote(known)
	}
	return fmt.Sprintf("; want %s", orList(quoted))
}

// unique takes the name of an element.
func (v *validator) unique(n *names, element place, name string) {
	p, ok := v.written(element, "name")
	if !ok {
		return
	}
	if first, taken := n.taken[name]; taken {
		v.add(p, "the name %s is already that of %s: each %s needs its own", p.quote(name), first.seenFrom(p), n.kind)
		return
	}
	n.taken[name] = element
	n.order = append(n.order, name)
}
