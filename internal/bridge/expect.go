package bridge

import (
	"errors"
	"fmt"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/internal/expression"
	"github.com/pollwire/pollwire/poller"
)

// CountError says that a list has fewer items than it must have.
type CountError struct{ Got, Want int }

func (e *CountError) Error() string {
	return fmt.Sprintf("the list has %d items, and expect.min_items wants at least %d", e.Got, e.Want)
}

// checkCount refuses a list that is too short to be believed.
func (s *Source) checkCount(items int) error {
	if s.Items && items < s.MinItems {
		return &CountError{Got: items, Want: s.MinItems}
	}
	return nil
}

// ConditionError says that an answer is not as expect.when wants it, or that
// this cannot be said.
type ConditionError struct {
	Condition *expression.Program
	// Page counts from 1; 0 where the answer has one page.
	Page int
	// Err is why the condition failed; nil where it is false.
	Err error
}

func (e *ConditionError) Error() string {
	of := ""
	if e.Page > 0 {
		of = fmt.Sprintf(" of page %d", e.Page)
	}
	if e.Err != nil {
		return fmt.Sprintf("expect.when fails%s: %v", of, e.Err)
	}
	return fmt.Sprintf("expect.when is false%s: %.200s", of, e.Condition)
}

// Unwrap returns why the condition failed.
func (e *ConditionError) Unwrap() error { return e.Err }

// checkCondition refuses an answer of which expect.when is not true. Here a
// condition that fails says that the answer is not what was thought, so that it
// is no observation.
func (b *Bridge) checkCondition(st *state, o *poller.Observation, format diff.Format) error {
	condition := st.source.ExpectWhen
	if condition == nil {
		return nil
	}
	if o.Pages == nil {
		return b.checkPage(condition, o.Body, format, 0)
	}
	pages := pagesOf(o)
	for i := range pages.Len() {
		page, err := pages.Page(i)
		if err != nil {
			return err
		}
		if err := b.checkPage(condition, page, format, i+1); err != nil {
			return err
		}
	}
	return nil
}

func (b *Bridge) checkPage(condition *expression.Program, body []byte, format diff.Format, page int) error {
	document, err := b.document(body, format)
	if err != nil {
		return err
	}
	holds, err := condition.Answer(document)
	if holds && err == nil {
		return nil
	}
	return &ConditionError{Condition: condition, Page: page, Err: err}
}

// refused is why an answer is no observation, with what it says itself where it
// lacks what was expected.
func refused(o *poller.Observation, reason error) error {
	if _, ok := errors.AsType[*ConditionError](reason); ok || errors.Is(reason, diff.ErrNoList) {
		return o.Quote(reason)
	}
	return reason
}

// document is all of a body in JSON, whatever its format is.
func (b *Bridge) document(body []byte, format diff.Format) ([]byte, error) {
	rules := b.textRules
	if format != diff.Text {
		var err error
		if rules, err = b.wholeRules.As(format); err != nil {
			return nil, err
		}
	}
	result, err := diff.Compare(nil, body, rules)
	if err != nil {
		return nil, err
	}
	return result.Changes[0].After, nil
}
