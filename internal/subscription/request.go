package subscription

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pollwire/pollwire/internal/expression"
	"github.com/pollwire/pollwire/notify"
)

// Bounds on what a client can make the daemon hold.
const (
	// maxSubscriptions is how many there may be at once.
	maxSubscriptions = 1000
	maxURLBytes      = 2048
	// maxListed is how many sources, and how many patterns, one may name.
	maxListed       = 100
	maxPatternBytes = 256
)

// patternRunes are what a pattern of event types consists of.
const patternRunes = "abcdefghijklmnopqrstuvwxyz0123456789_-.*"

// wanted is a request that was found to be valid.
type wanted struct {
	url             string
	sources, events []string // sorted, each once
	filter          string
	program         *expression.Program // nil without a filter
	// secret is empty where one is to be made.
	secret string
}

// validate reads a request. Its errors are *Invalid and repeat neither the URL
// nor the secret.
func (r *Registry) validate(q Request) (*wanted, error) {
	w := &wanted{url: q.URL, sources: set(q.Sources), events: set(q.Events), filter: strings.TrimSpace(q.Filter), secret: q.Secret}
	if err := checkURL(q.URL); err != nil {
		return nil, &Invalid{"url: " + err.Error()}
	}
	if len(w.sources) > maxListed || len(w.events) > maxListed {
		return nil, &Invalid{fmt.Sprintf("sources and events may name %d each; leave sources out for all of them, or use patterns such as shop.*", maxListed)}
	}
	known := r.rules.Load().sources
	for _, name := range w.sources {
		if !known[name] {
			return nil, &Invalid{fmt.Sprintf("sources: there is no source %q", clip(name))}
		}
	}
	for _, pattern := range w.events {
		if err := checkPattern(pattern); err != nil {
			return nil, &Invalid{fmt.Sprintf("events: %q: %v", clip(pattern), err)}
		}
	}
	if w.filter != "" {
		program, err := expression.Compile(expression.OfChange, w.filter)
		if err != nil {
			return nil, &Invalid{"filter: " + err.Error()}
		}
		w.program = program
	}
	if w.secret != "" {
		if _, err := notify.ParseSecret(w.secret); err != nil {
			return nil, &Invalid{"secret: " + err.Error() + "; leave it out to be given one"}
		}
	}
	return w, nil
}

// checkURL says what is wrong with a URL without repeating any of it.
func checkURL(text string) error {
	if text == "" {
		return errors.New("it is missing: where are webhooks to be posted to?")
	}
	if len(text) > maxURLBytes {
		return fmt.Errorf("it is longer than %d bytes", maxURLBytes)
	}
	u, err := url.Parse(text)
	switch {
	case err != nil, !utf8.ValidString(text), strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c == 0x7f }):
		return errors.New("this is no URL; write one such as https://hooks.example.com/pollwire")
	case u.Scheme != "http" && u.Scheme != "https":
		return errors.New("it must begin with https:// or http://")
	case u.Hostname() == "":
		return errors.New("it has no host")
	case u.Fragment != "" || u.RawFragment != "":
		return errors.New("it has a fragment (#), which receivers never see: remove it, or write %23 for a #")
	}
	return nil
}

func checkPattern(pattern string) error {
	if pattern == "" {
		return errors.New("it is empty; leave events out to be told all changes")
	}
	if len(pattern) > maxPatternBytes {
		return fmt.Errorf("it is longer than %d bytes", maxPatternBytes)
	}
	if strings.ContainsFunc(pattern, func(c rune) bool { return !strings.ContainsRune(patternRunes, c) }) {
		return errors.New("a pattern is an event type in lower case with * for any text, such as shop.order.*")
	}
	return nil
}

// set is a list in which each name stands once, in order: two requests that
// name the same are the same.
func set(names []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(names)))
}

// clip bounds what is repeated of a request.
func clip(text string) string {
	const most = 80
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
