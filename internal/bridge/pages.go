package bridge

import (
	"errors"
	"fmt"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/poller"
)

// PageError says that a page of a new answer, which was put aside until the last
// one came, cannot be read. It is a failure of the poll, whoever was to read the
// page.
type PageError struct{ Err error }

func (e *PageError) Error() string { return e.Err.Error() }

// Unwrap returns why it cannot be read.
func (e *PageError) Unwrap() error { return e.Err }

// freshPages are the pages of a new answer.
type freshPages struct{ diff.Pages }

// Page implements [diff.Pages]; its errors are of type *PageError.
func (p freshPages) Page(i int) ([]byte, error) {
	body, err := p.Pages.Page(i)
	if err != nil {
		return nil, &PageError{Err: err}
	}
	return body, nil
}

// storedPages are the pages of a snapshot.
type storedPages struct{ diff.Pages }

// Page implements [diff.Pages]; its errors are of type *StoreError. That a page
// cannot be had says nothing of the rules that it is to fit.
func (p storedPages) Page(i int) ([]byte, error) {
	body, err := p.Pages.Page(i)
	if err != nil {
		return nil, &StoreError{Err: fmt.Errorf("load page %d of the snapshot: %w", i+1, err)}
	}
	return body, nil
}

// pagesOf are the pages of an answer, of one or of several.
func pagesOf(o *poller.Observation) diff.Pages {
	if o.Pages != nil {
		return freshPages{o.Pages}
	}
	return diff.OnePage(present(o.Body))
}

// stored are the pages of a snapshot, of one or of several.
func stored(snapshot *store.Snapshot) diff.Pages {
	if snapshot.Pages != nil {
		return storedPages{snapshot.Pages}
	}
	return diff.OnePage(present(snapshot.Body))
}

// present is a body that may be empty, but is one: to package diff, nil is none
// at all.
func present(body []byte) []byte {
	if body == nil {
		return []byte{}
	}
	return body
}

// firstPage is the body that says how an answer is read. All pages are read
// alike: one that cannot be is an error of the answer.
func firstPage(o *poller.Observation) ([]byte, error) {
	if o.Pages == nil {
		return o.Body, nil
	}
	return pagesOf(o).Page(0)
}

// errPagesOfDocument says that an answer of several pages is no list.
var errPagesOfDocument = errors.New("the answer has several pages, which are those of a list: add items, or remove pagination")

// first reads an answer with nothing to compare it with. Where changes are not
// asked for, it makes none of an answer that has several pages: they would be
// as large as all of them together.
func first(o *poller.Observation, rules *diff.Rules, changes bool) (diff.Result, error) {
	switch {
	case o.Pages == nil:
		return diff.Compare(nil, o.Body, rules)
	case changes:
		return diff.ComparePages(nil, pagesOf(o), rules)
	default:
		return rules.Check(pagesOf(o))
	}
}

// differences compares an answer with a snapshot.
func differences(snapshot *store.Snapshot, o *poller.Observation, rules *diff.Rules) (diff.Result, error) {
	if snapshot.Pages == nil && o.Pages == nil {
		return diff.Compare(present(snapshot.Body), o.Body, rules)
	}
	return diff.ComparePages(stored(snapshot), pagesOf(o), rules)
}

// size is how many bytes of an answer its comparison counts for: all of one
// page, of several the largest one, and as much again for what has changed.
func size(o *poller.Observation) int {
	if o.Pages == nil {
		return len(o.Body) + int(o.DetailBytes)
	}
	return 2*o.Largest + int(o.DetailBytes)
}
