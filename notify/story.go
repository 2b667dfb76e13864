package notify

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	// maxRows is how many changes, or facts, a message tells one by one.
	maxRows = 12
	// maxDiffLines is how many lines of a unified diff it shows.
	maxDiffLines = 20
	// maxTitle and maxReason bound the title and the reason of an alert, in
	// characters.
	maxTitle, maxReason = 200, 1000
)

// tone says how what happened is to be taken.
type tone int

const (
	toneUpdated tone = iota
	toneCreated
	toneDeleted
	toneBad
	toneGood
	toneNote
)

// story is an event in words, for people to read.
type story struct {
	title string
	tone  tone
	// link leads to what the event is about, event to all of it; empty for
	// nowhere.
	link, event string
	// text is a sentence or two; empty for none.
	text string
	rows []row
	// diff are lines of a unified diff.
	diff []string
	// more and moreLines count the rows and lines that are left out.
	more, moreLines int
	// footer says where the event comes from.
	footer string
	at     time.Time
}

// row is one thing that changed, or that is known of an item.
type row struct {
	label string
	// from is what it was, where isChange says that it changed.
	from, to string
	isChange bool
}

// String is a row as a line of plain text.
func (r *row) String() string {
	switch {
	case r.isChange && r.from == "" && r.to == "":
		return r.label + " changed"
	case r.isChange:
		return r.label + ": " + r.from + " → " + r.to
	}
	return r.label + ": " + r.to
}

// told is the data of an event, of a change or of an alert.
type told struct {
	Change  string          `json:"change"`
	Key     *string         `json:"key"`
	Before  json.RawMessage `json:"before"`
	After   json.RawMessage `json:"after"`
	Changed []string        `json:"changed"`
	Patch   json.RawMessage `json:"patch"`
	Name    string          `json:"name"`
	Reason  string          `json:"reason"`
	Since   time.Time       `json:"since"`
	Count   int             `json:"count"`
}

// tell puts an event in words.
func tell(e *Event, publicURL string) (*story, error) {
	raw, err := object(e)
	if err != nil {
		return nil, err
	}
	var d told
	if err := json.Unmarshal(raw, &d); err != nil {
		return nil, fmt.Errorf("%w of %s: decode data: %w", errBody, e.ID, err)
	}
	s := &story{at: e.Time.UTC(), footer: e.Source + " · " + e.Type, event: eventURL(e.ID, publicURL)}
	if e.Alert {
		s.alert(e, &d)
	} else {
		s.change(e, &d)
	}
	s.title = shorten(oneLine(s.title), maxTitle)
	if s.link == "" {
		s.link = s.event
	}
	return s, nil
}

// change tells of a change.
func (s *story) change(e *Event, d *told) {
	item := d.After
	switch d.Change {
	case "created":
		s.tone = toneCreated
	case "deleted":
		s.tone, item = toneDeleted, d.Before
	}
	name := nameOf(item)
	s.title = strings.TrimSpace(about(e, d, name) + " " + d.Change)
	s.link = linkOf(item)
	if d.Reason == "filtered" {
		s.text = "It is still there, but does not pass the filter of its source any more."
	}
	if d.Change != "updated" {
		s.facts(item, name, e.Subject)
		return
	}
	var unified string
	if json.Unmarshal(d.Patch, &unified) == nil && unified != "" {
		s.unified(unified)
		return
	}
	s.changes(d)
}

// about names what a change is about, such as: Order 1042 “Blue chair”.
func about(e *Event, d *told, name string) string {
	if d.Key == nil {
		return e.Source
	}
	words := strings.Split(e.Type, ".")
	what := e.Source + ":"
	if n := len(words) - 2; n >= 0 && (words[0] != "pollwire" || n > 1) {
		what = capital(strings.ReplaceAll(words[n], "_", " "))
	}
	what += " " + shorten(keyText(*d.Key), 80)
	if name != "" && name != *d.Key {
		what += " “" + name + "”"
	}
	return what
}

// capital begins a text with a capital letter.
func capital(s string) string {
	for i, r := range s {
		return strings.ToUpper(string(r)) + s[i+len(string(r)):]
	}
	return s
}

// keyText is a key for people: one of several parts is a list in JSON.
func keyText(key string) string {
	var parts []json.RawMessage
	if !strings.HasPrefix(key, "[") || json.Unmarshal([]byte(key), &parts) != nil || len(parts) == 0 {
		return oneLine(key)
	}
	texts := make([]string, len(parts))
	for i := range parts {
		texts[i] = shown(parts[i])
	}
	return strings.Join(texts, ", ")
}

// unified tells of a text by the lines that differ.
func (s *story) unified(unified string) {
	for line := range strings.SplitSeq(strings.TrimRight(unified, "\n"), "\n") {
		if strings.HasPrefix(line, "--- ") || strings.HasPrefix(line, "+++ ") {
			if len(s.diff) == 0 {
				continue
			}
		}
		if len(s.diff) == maxDiffLines {
			s.moreLines++
			continue
		}
		s.diff = append(s.diff, shorten(strings.TrimRight(plainLine(line), " "), 160))
	}
}

// plain is a story without its title in lines of plain text.
func (s *story) plain() string {
	var lines []string
	if s.text != "" {
		lines = append(lines, s.text)
	}
	for i := range s.rows {
		lines = append(lines, s.rows[i].String())
	}
	lines = append(lines, s.diff...)
	if rest := s.rest(); rest != "" {
		lines = append(lines, rest)
	}
	return strings.Join(lines, "\n")
}

// rest says how much is left out; empty where nothing is.
func (s *story) rest() string {
	switch {
	case s.more > 0:
		return fmt.Sprintf("and %d more", s.more)
	case s.moreLines > 0:
		return fmt.Sprintf("and %d more lines", s.moreLines)
	}
	return ""
}

// shrink leaves out the second half of what is told one by one, and reports
// false where there is nothing to leave out.
func (s *story) shrink() bool {
	switch {
	case len(s.diff) > 0:
		keep := len(s.diff) / 2
		s.moreLines += len(s.diff) - keep
		s.diff = s.diff[:keep]
	case len(s.rows) > 0:
		keep := len(s.rows) / 2
		s.more += len(s.rows) - keep
		s.rows = s.rows[:keep]
	case utf8.RuneCountInString(s.text) > 80:
		s.text = shorten(s.text, 80)
	default:
		return false
	}
	return true
}

// isWebLink says whether a text is a URL that a person can open.
func isWebLink(s string) bool {
	if len(s) > 2000 || !strings.HasPrefix(s, "https://") && !strings.HasPrefix(s, "http://") {
		return false
	}
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && u.User == nil
}
