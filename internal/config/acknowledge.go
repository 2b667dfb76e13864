package config

import (
	"net/url"
	"regexp"
	"strings"
)

// Acknowledge tells the API that an answer was taken.
type Acknowledge struct {
	URL    HeaderURL `yaml:"url" required:"true" example:"\"https://api.example.com/messages/{header.X-Message-Id}\"" doc:"The address at which the answer is acknowledged, with the credentials of the source, at whose host it must be. {header.NAME} is a header of the answer, escaped." aka:"uri|path|href|address"`
	Method string    `yaml:"method" default:"DELETE" enum:"DELETE|POST|PUT" doc:"How it is acknowledged; the request has no body."`
}

// HeaderURL is an address with placeholders for headers. It is shown like a [URL]:
// scheme and host only.
type HeaderURL struct{ URL }

// UnmarshalText takes any text; the validator looks at it.
func (u *HeaderURL) UnmarshalText(text []byte) error {
	u.URL = NewURL(string(text))
	return nil
}

func (HeaderURL) pattern() string { return `^https?://.*\{header\.` }

// headerPlaceholder is what stands for a header of an answer in a URL.
var headerPlaceholder = regexp.MustCompile(`\{header\.([!#$%&'*+.^_|~0-9A-Za-z-]+)\}`)

// acknowledge checks how an answer is acknowledged. A list that is taken off a
// queue shows the newest items only.
func (v *validator) acknowledge(at place, s *Source) {
	p, ok := v.written(at, "acknowledge")
	if !ok || s.Acknowledge == nil {
		return
	}
	switch {
	case !s.Pagination.IsZero():
		v.add(p, "what is acknowledged is one answer, not the pages of one: remove pagination, for the next message is asked for at once")
	case s.Detail != nil:
		v.add(p, "what is acknowledged is gone, also where a detail failed: remove detail")
	case s.Detect.FirstPoll != "emit":
		v.add(p, "what is acknowledged is gone, and a first answer that is a baseline is told nobody: set detect: {first_poll: emit}")
	}
	if s.Items != nil {
		if window, ok := v.writtenPath(at, "items.window"); ok && s.Items.Window == "complete" {
			v.add(window, "a queue gives each item once, so that its list is never complete: remove the window, or acknowledge")
		}
		s.Items.Window = "newest"
	}
	if p, ok := v.written(p, "url"); ok {
		v.headerURL(p, s, s.Acknowledge.URL.Reveal())
	}
}

func (v *validator) headerURL(at place, s *Source, text string) {
	bare := headerPlaceholder.ReplaceAllString(text, "x")
	switch origin := originOf(text); {
	case strings.ContainsAny(bare, "{}"):
		v.add(at, "a placeholder is {header.NAME}, such as {header.X-Message-Id}; other braces need escaping as %%7B and %%7D")
		return
	case bare == text:
		v.add(at, "nothing in it tells answers apart: write {header.NAME} where the value of the answer's header goes")
		return
	case strings.ContainsAny(origin, "{}") || origin == "":
		v.add(at, "it must begin with the scheme and the host, without a placeholder")
		return
	}
	u := v.address(at, NewURL(bare))
	own, err := url.Parse(s.Request.URL.Reveal())
	if u == nil || err != nil || own.Host == "" {
		return
	}
	if !sameOrigin(u, own) {
		v.add(at, "it leads to another host than request.url, where the credentials of the source must not go")
	}
}
