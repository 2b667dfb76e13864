package bridge

import (
	"slices"
	"time"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/internal/expression"
)

// Window says what the absence of an item from a list means.
type Window string

const (
	// Complete lists hold every item there is: one that is absent is deleted.
	Complete Window = "complete"
	// Newest lists scroll: what leaves them stays known, and nothing is deleted.
	Newest Window = "newest"
)

// Source says how a source's answers are judged and told.
type Source struct {
	Name string
	// RequestKey identifies what is asked: the answers to another request are
	// not compared with those to this one.
	RequestKey string
	// Format is how answers are read; empty means by their content type.
	Format diff.Format
	// Rules say what of an answer is compared, in JSON or in what is read as it.
	Rules *diff.Rules
	// Unfiltered are Rules without the filter that those have; nil where they
	// have none.
	Unfiltered *diff.Rules
	// Items says that the answer is a list; Window is how it is read.
	Items  bool
	Window Window
	// Incremental says that each answer holds only what is newer than the last
	// one's newest item. Window is Newest then.
	Incremental bool
	// Queue says that each answer was taken off a queue, which does not have it any
	// more. The Window of its lists is Newest.
	Queue bool
	// Seen compares a list with all that was ever seen in it: what leaves it
	// stays known, as of a list of newest items.
	Seen bool
	// Detail says how the details of items are judged; nil where the items of the
	// list are what is compared and told. Rules then are those of the list.
	Detail *Detail
	// MinItems is how many items a list has at least, ExpectWhen what holds of
	// each page of an answer; nil for nothing.
	MinItems   int
	ExpectWhen *expression.Program
	// MaxRemoved bounds how many items may vanish at once.
	MaxRemoved MaxRemoved
	// Emit tells the items of the very first answer as created.
	Emit bool
	// EventType is what the event types of its changes begin with.
	EventType string
	// Events are the kinds of change that are told, When which of them (nil for
	// all). The log has them all.
	Events []diff.Kind
	When   *expression.Program
	// Notify are the endpoints that are told them, besides those that chose the
	// source themselves; with NotifyAll it is every endpoint that chose none.
	Notify    []string
	NotifyAll bool
	// FailureThreshold is how many polls must fail in a row before it is told.
	FailureThreshold int
	// ReminderInterval is how often a failure that lasts is told again.
	ReminderInterval time.Duration
}

// scrolls says whether what leaves the list stays known, so that nothing of it
// is ever deleted.
func (s *Source) scrolls() bool { return s.Window == Newest || s.Seen }

// notifies says whether an endpoint that chose no sources is told of this one.
func (s *Source) notifies(endpoint string) bool {
	return s.NotifyAll || slices.Contains(s.Notify, endpoint)
}

// rulesKey fingerprints all that decides how an answer is read and compared.
// What decides who is told, or how much may vanish, is not in it: that changes
// nothing about an answer that is the stored one.
func (s *Source) rulesKey() string {
	key := string(s.Format) + ":" + s.Rules.Key()
	if s.Detail != nil {
		key += ":" + s.Detail.Rules.Key()
	}
	return key
}

// SameAnswers says whether an answer to one source is one to another too, and is
// read and compared alike, so that what is known of it stays good.
func (s *Source) SameAnswers(other *Source) bool {
	return s.RequestKey == other.RequestKey && s.rulesKey() == other.rulesKey()
}
