package server

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// params are the parameters of a request's query. What is wrong with them is
// kept until all were asked for.
type params struct {
	values url.Values
	known  []string
	wrong  []string
}

func parameters(r *http.Request) *params {
	values, err := url.ParseQuery(r.URL.RawQuery)
	p := &params{values: values}
	if err != nil {
		p.wrong = append(p.wrong, "the query cannot be read; escape its values")
	}
	return p
}

// text returns a parameter; "" where it is not given.
func (p *params) text(name string) string {
	p.known = append(p.known, name)
	if len(p.values[name]) > 1 {
		p.wrong = append(p.wrong, name+" is given more than once")
	}
	return p.values.Get(name)
}

// glob returns a parameter that is a pattern of path.Match.
func (p *params) glob(name string) string {
	text := p.text(name)
	if !isGlob(text) {
		p.wrong = append(p.wrong, fmt.Sprintf("%s is no pattern: %.60q", name, text))
	}
	return text
}

// number returns a parameter from 1 to most; otherwise where it is not given.
func (p *params) number(name string, otherwise, most int) int {
	text := p.text(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		p.wrong = append(p.wrong, fmt.Sprintf("%s must be a number from 1 to %d, not %.60q", name, most, text))
	}
	return n
}

// duration returns a parameter in seconds, or with a unit, up to most; 0 where
// it is not given.
func (p *params) duration(name string, most time.Duration) time.Duration {
	text := p.text(name)
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if seconds, asNumber := strconv.ParseUint(text, 10, 16); asNumber == nil {
		d, err = time.Duration(seconds)*time.Second, nil
	}
	if err != nil || d < 0 || d > most {
		p.wrong = append(p.wrong, fmt.Sprintf("%s must be seconds up to %d, such as 30 or 30s, not %.60q", name, int(most/time.Second), text))
	}
	return d
}

// oneOf returns a parameter that is one of the words; "" where it is not given.
func (p *params) oneOf(name string, words ...string) string {
	text := p.text(name)
	if text != "" && !slices.Contains(words, text) {
		p.wrong = append(p.wrong, fmt.Sprintf("%s must be one of %s, not %.60q", name, strings.Join(words, ", "), text))
	}
	return text
}

// bad says what is wrong, parameters that nobody asked for included; "" where
// nothing is.
func (p *params) bad() string {
	wrong := p.wrong
	for _, name := range slices.Sorted(maps.Keys(p.values)) {
		if !slices.Contains(p.known, name) {
			known := "there are " + strings.Join(p.known, ", ")
			if p.known == nil {
				known = "there are none here"
			}
			wrong = append(wrong, fmt.Sprintf("there is no parameter %.60q; %s", name, known))
		}
	}
	return strings.Join(wrong, "; ")
}

// withoutParameters lets h answer only requests without parameters: one that was
// passed over would be taken for one that works.
func withoutParameters(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if bad := parameters(r).bad(); bad != "" {
			writeProblem(w, r, http.StatusBadRequest, bad)
			return
		}
		h(w, r)
	}
}
