package notify

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"regexp"
	"strings"
	"sync"
	"text/template"
	"time"
)

const (
	// maxTemplateBytes bounds what a template makes where MaxBody does not.
	maxTemplateBytes = 1 << 20
	// maxTemplateSteps bounds how many pieces of it are written, empty ones too,
	// of which every round of a range has one.
	maxTemplateSteps = 1 << 20
	// maxTemplateTime bounds how long it takes.
	maxTemplateTime = 5 * time.Second
)

// Template makes the body of a [FormatTemplate]: a template of text/template
// over an event. [ParseTemplate] makes one that was tried.
//
// The event has .ID, .Type, .Source, .Subject, .Time, .Sequence, .Alert, .URL
// and .Data, and of .Data for short .Change, .Key, .Before, .After, .Changed,
// .Patch, and .Item, which is .After, or .Before of what was deleted. .Title and
// .Text say in words what happened, as in a message to a chat, and .Link leads to
// the item's own page, else to the event. What an
// event does not have, such as .After.price of one without a price, is empty: it
// prints nothing and is false. Numbers keep all their digits; objects and lists
// print as JSON.
type Template struct {
	// ContentType is that of the body; empty means application/json. What is
	// JSON by it must be JSON.
	ContentType string
	Body        string

	once   sync.Once
	parsed *template.Template
	err    error
}

// ParseTemplate makes a template and tries it on sample events: one that was
// created, one updated, one deleted, and an alert. Values that only real events
// have are taken to be there, then not to be there. Its errors say where the
// template is wrong.
func ParseTemplate(contentType, body string) (*Template, error) {
	t := &Template{ContentType: contentType, Body: body}
	if _, _, err := mime.ParseMediaType(t.contentType()); err != nil {
		return nil, fmt.Errorf("content type %q: %w", contentType, err)
	}
	if err := t.try(); err != nil {
		return nil, err
	}
	return t, nil
}

func (t *Template) contentType() string { return cmp.Or(t.ContentType, jsonType) }

// isJSON says whether the body has to be JSON.
func (t *Template) isJSON() bool {
	kind, _, err := mime.ParseMediaType(t.contentType())
	return err == nil && (kind == jsonType || strings.HasSuffix(kind, "+json"))
}

// parse parses the template when it is first used.
func (t *Template) parse() (*template.Template, error) {
	t.once.Do(func() {
		parsed, err := template.New("body").Funcs(templateFunctions()).Parse(t.Body)
		if err == nil {
			err = forgive(parsed)
		}
		if err != nil {
			t.err = templateError("parse template", err)
			return
		}
		t.parsed = parsed
	})
	return t.parsed, t.err
}

// render makes the body of an event, of at most so many bytes.
func (t *Template) render(ev *templateEvent, most int64) ([]byte, error) {
	if most <= 0 {
		most = maxTemplateBytes
	}
	parsed, err := t.parse()
	if err != nil {
		return nil, err
	}
	w := &boundedWriter{left: most, most: most, steps: maxTemplateSteps, until: time.Now().Add(maxTemplateTime)}
	if err := parsed.Execute(w, ev); err != nil {
		return nil, templateError("carry out template", err)
	}
	return w.buf.Bytes(), nil
}

// checkJSON says where the body is no JSON, without showing any of it: what the
// operator wrote may hold secrets.
func checkJSON(body []byte) error {
	d := json.NewDecoder(bytes.NewReader(body))
	var v json.RawMessage
	err := d.Decode(&v)
	switch {
	case err == nil && len(bytes.TrimSpace(body[d.InputOffset():])) > 0:
		err = errors.New("there is something behind its end")
	case err == nil:
		return nil
	}
	at := len(body)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		at = int(syntax.Offset)
	}
	line := 1 + bytes.Count(body[:min(at, len(body))], []byte("\n"))
	return fmt.Errorf("the template makes no JSON, in its line %d: %w (write {{ json .Subject }} for a value of JSON, without quotes around it)", line, err)
}

// templateError is an error of text/template in fewer words: "template: body:"
// says nothing, and neither does the name of the template where there is but one.
func templateError(doing string, err error) error {
	if cause, ok := errors.AsType[*boundError](err); ok {
		return fmt.Errorf("%s: %w", doing, cause)
	}
	text := strings.TrimPrefix(err.Error(), "template: body:")
	text = strings.Replace(text, `executing "body" `, "", 1)
	// It calls functions that the template does not.
	text = fieldCall.ReplaceAllString(text, "")
	if unknownWord.MatchString(text) {
		text += " (what an event has begins with a point and a capital letter, as in {{ json .Item.name }})"
	}
	return fmt.Errorf("%s: %s", doing, text)
}

var (
	fieldCall   = regexp.MustCompile(`at <field [^>]*>: error calling field: `)
	unknownWord = regexp.MustCompile(`: (function "[^"]*" not defined|undefined variable "[^"]*")$`)
)

// boundError says which bound a template went beyond.
type boundError struct{ reason string }

func (e *boundError) Error() string { return e.reason }

// boundedWriter ends a template that makes too much, or goes on for too long.
type boundedWriter struct {
	buf        bytes.Buffer
	left, most int64
	steps      int
	until      time.Time
}

// Write implements io.Writer.
func (w *boundedWriter) Write(p []byte) (int, error) {
	w.steps--
	w.left -= int64(len(p))
	switch {
	case w.left < 0:
		return 0, &boundError{fmt.Sprintf("it makes more than %d bytes (max_body); truncate what is long", w.most)}
	case w.steps < 0 || w.steps%64 == 0 && time.Now().After(w.until):
		return 0, &boundError{"it goes on for too long: a range over too much, or a template that includes itself?"}
	}
	return w.buf.Write(p)
}
