package demo

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/pollwire/pollwire/internal/receiver"
)

// screen prints what happens, a line each.
type screen struct {
	mu       sync.Mutex
	out      io.Writer
	color    bool
	webhooks int
	refused  int
}

func newScreen(out io.Writer, color bool) *screen { return &screen{out: out, color: color} }

// ANSI colours.
const (
	dim    = "2"
	green  = "32"
	yellow = "33"
	red    = "31"
	cyan   = "36"
)

func (s *screen) paint(color, text string) string {
	if !s.color {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}

// line prints one line with the time of day and who speaks.
func (s *screen) line(color, who, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	clock := time.Now().Format("15:04:05.000")
	fmt.Fprintf(s.out, "%s  %s  %s\n", s.paint(dim, clock), s.paint(color, fmt.Sprintf("%-7s", who)), text)
}

func (s *screen) welcome(api, hooks, dashboard string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.out, `A shop's API that changes by itself, pollwire that polls it every second, and
a receiver that verifies each webhook. Ctrl-C ends it.

  the API        %s
  the receiver   %s/webhooks
  the dashboard  %s

`, api, hooks, s.paint(cyan, dashboard))
}

func (s *screen) goodbye() {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.out, "\nWebhooks: %d verified, %d refused. For an API of your own: pollwire init\n", s.webhooks, s.refused)
}

// shop prints what happened in the shop.
func (s *screen) shop(what string) { s.line(yellow, "shop", what) }

// webhook prints a webhook that arrived.
func (s *screen) webhook(w *receiver.Webhook) {
	s.mu.Lock()
	if w.Err != nil {
		s.refused++
	} else {
		s.webhooks++
	}
	s.mu.Unlock()
	if w.Err != nil {
		s.line(red, "webhook", "refused: "+w.Err.Error())
		return
	}
	e, err := w.Envelope()
	if err != nil {
		s.line(red, "webhook", err.Error())
		return
	}
	color := map[string]string{"created": green, "updated": cyan, "deleted": red}[e.Data.Change]
	text := fmt.Sprintf("#%s %s %s", strings.TrimLeft(e.Sequence, "0"), e.Type, e.Subject)
	if changes := details(&e); changes != "" {
		text = fmt.Sprintf("%-28s %s", text, changes)
	}
	s.line(color, "webhook", text+"  "+s.paint(dim, "verified"))
}

// mostDetails is how many members of an order fit in a line.
const mostDetails = 2

// details says in a few words what an update changed.
func details(e *receiver.Envelope) string {
	if e.Data.Change != "updated" {
		return ""
	}
	var before, after map[string]json.RawMessage
	if json.Unmarshal(e.Data.Before, &before) != nil || json.Unmarshal(e.Data.After, &after) != nil {
		return ""
	}
	var parts []string
	seen := make(map[string]bool)
	for _, pointer := range e.Data.Changed {
		name, _, nested := strings.Cut(strings.TrimPrefix(pointer, "/"), "/")
		if seen[name] {
			continue
		}
		seen[name] = true
		if nested {
			parts = append(parts, name)
			continue
		}
		parts = append(parts, fmt.Sprintf("%s %s → %s", name, bare(before[name]), bare(after[name])))
	}
	if len(parts) > mostDetails {
		parts = append(parts[:mostDetails], fmt.Sprintf("%d more", len(parts)-mostDetails))
	}
	return strings.Join(parts, ", ")
}

// bare is a JSON value for reading: a string without its quotes.
func bare(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) != nil {
		return string(value)
	}
	return text
}
