package bridge

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/internal/expression"
	"github.com/pollwire/pollwire/notify"
)

// question is an event of which is asked who is told it, just made or out of
// the log.
type question struct {
	event *notify.Event
	// change is what conditions are asked about, made when the first one is.
	change *expression.Change
	// answers are those that conditions gave, since several endpoints may have
	// the same one.
	answers map[*expression.Program]answer
	// tried, where it is set, is told of each condition that was asked.
	tried func(name string, err error)
}

type answer struct {
	holds bool
	err   error
}

// newQuestion asks about an event. The change is the one that it was made of;
// nil for one out of the log, which is read again.
func newQuestion(e *notify.Event, c *diff.Change) *question {
	q := &question{event: e}
	if c != nil {
		q.change = &expression.Change{
			Kind: string(c.Kind), Type: e.Type, Source: e.Source, Key: c.Key,
			Before: c.Before, After: c.After, Changed: c.Changed,
		}
	}
	return q
}

// kind is what happened. The type of a change ends in it.
func (q *question) kind() diff.Kind {
	return diff.Kind(q.event.Type[strings.LastIndexByte(q.event.Type, '.')+1:])
}

// holds says whether a condition holds of the change; one that is nil does, and
// one that fails lets it through.
func (q *question) holds(name string, condition *expression.Program) bool {
	if condition == nil {
		return true
	}
	a, asked := q.answers[condition]
	if !asked {
		a.holds, a.err = q.ask(condition)
		if q.answers == nil {
			q.answers = make(map[*expression.Program]answer)
		}
		q.answers[condition] = a
	}
	if q.tried != nil {
		q.tried(name, a.err)
	}
	return a.holds || a.err != nil
}

func (q *question) ask(condition *expression.Program) (bool, error) {
	if q.change == nil {
		change, err := readChange(q.event, q.kind())
		if err != nil {
			return false, err
		}
		q.change = change
	}
	return condition.Change(q.change)
}

// readChange is the reverse of changeData, as far as conditions go.
func readChange(e *notify.Event, kind diff.Kind) (*expression.Change, error) {
	var data struct {
		Before, After json.RawMessage
		Changed       []string
	}
	if err := json.Unmarshal(e.Data, &data); err != nil {
		return nil, err
	}
	c := &expression.Change{
		Kind: string(kind), Type: e.Type, Source: e.Source, Key: e.Subject,
		Before: bytes.TrimSpace(data.Before), After: bytes.TrimSpace(data.After),
		Changed: func() []string { return data.Changed },
	}
	// Null stands for what is not there, but can be a value too.
	switch kind {
	case diff.Created:
		c.Before = nil
	case diff.Deleted:
		c.After = nil
	}
	return c, nil
}
