package notify

import (
	"fmt"
	"strings"
	"time"
)

// alert tells of an alert.
func (s *story) alert(e *Event, d *told) {
	name := d.Name
	if name == "" {
		name = e.Source
	}
	what, happened, _ := strings.Cut(strings.TrimPrefix(e.Type, "pollwire."), ".")
	subject := capital(what) + " " + name
	s.footer = e.Type
	s.text = shorten(oneLine(d.Reason), maxReason)
	s.tone = toneNote
	switch happened {
	case "failing":
		s.title, s.tone = "⚠️ "+subject+" is failing", toneBad
	case "disabled":
		s.title, s.tone = "⚠️ "+subject+" is disabled", toneBad
	case "recovered":
		s.title, s.tone = "✅ "+subject+" has recovered", toneGood
		if s.text != "" {
			s.text = "It had failed: " + s.text
		}
	case "gap":
		s.title = "⚠️ " + subject + " may have missed changes"
	case "rebaselined":
		s.title = subject + " starts again from a baseline"
	case "":
		s.title = "A test from pollwire: " + name + " can be reached"
		if what != "ping" {
			s.title = capital(what) + ": " + name
		}
	default:
		s.title = subject + ": " + strings.ReplaceAll(happened, "_", " ")
	}
	if what == "ping" {
		return
	}
	if !d.Since.IsZero() {
		label := "since"
		if happened == "recovered" {
			label = "failing since"
		}
		s.rows = append(s.rows, row{label: label, to: d.Since.UTC().Format(time.DateTime) + " UTC"})
	}
	if d.Count > 1 {
		label := "count"
		switch {
		case happened == "gap":
			label = "items"
		case what == "source":
			label = "failed polls"
		case what == "endpoint":
			label = "failed deliveries"
		}
		s.rows = append(s.rows, row{label: label, to: fmt.Sprint(d.Count)})
	}
}
