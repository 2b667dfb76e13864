package bridge

import (
	"context"
	"fmt"
	"time"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/poller"
)

// Observe compares an answer with the last snapshot of its source and commits
// what changed. An answer that cannot be judged is an error and leaves
// everything as it was.
func (b *Bridge) Observe(ctx context.Context, o *poller.Observation) error {
	taken, err := b.room.enter(ctx, size(o))
	if err != nil {
		return err
	}
	defer b.room.leave(taken)
	st, err := b.lockFor(o)
	if err != nil {
		return err
	}
	defer st.mu.Unlock()
	if err := b.settle(ctx, st); err != nil {
		return err
	}
	if o.Unchanged && st.ahead {
		o.State = poller.State{} // asks for the whole answer next time
		o.Verdict.Outcome = string(Unchanged)
		return nil
	}
	r := b.roster.Load()
	p := plan{outcome: Unchanged}
	if !o.Unchanged {
		var err error
		if p, err = b.look(ctx, st, o); err != nil {
			return refused(o, err)
		}
	}
	c := b.accept(st, o.At, &p)
	if c == nil && st.ahead {
		c = st.confirm()
	}
	if c != nil {
		if err := b.commit(ctx, st, c, r); err != nil {
			return err
		}
	}
	if p.again {
		o.State = wholeNext(o.State)
	}
	o.Verdict = poller.Verdict{Outcome: string(p.outcome), Changes: len(p.untold)}
	b.note(st, p.tried)
	b.noteDetails(st, p.details)
	st.ahead = false
	failure := p.details.failure()
	if failure == nil {
		st.failures, st.failingSince, st.reason = 0, time.Time{}, ""
		st.publish()
	}
	if p.gap {
		b.logger.Warn("items may have been missed", "source", o.Source)
	}
	if p.commit != nil {
		b.logger.Info("source changed", "source", o.Source, "outcome", string(p.outcome), "events", len(p.commit.Events))
	}
	return failure
}

// accept completes the commit of an answer with what its acceptance ends: an
// operator's word for a removal, and a failure that was saved. Without either, a
// nil commit stays nil. The caller holds st.mu.
func (b *Bridge) accept(st *state, at time.Time, p *plan) *store.Commit {
	c := p.commit
	failed := st.row.Alert != store.SourceAlert{} && p.details.failure() == nil
	if !failed && !st.row.AcceptRemoval {
		return c
	}
	if c == nil {
		row := st.row
		c = &store.Commit{Source: &row}
	}
	c.ConsumeAcceptance = st.row.AcceptRemoval
	if failed {
		c.Source.Alert = store.SourceAlert{}
	}
	if failed && st.row.Alert.Told() {
		c.Events = append(c.Events, b.recovered(st, at))
	}
	return c
}

// Outcome is what an observation comes to.
type Outcome string

// The outcomes of an observation.
const (
	// Unchanged answers are told to nobody and written nowhere.
	Unchanged Outcome = "unchanged"
	// Baseline is the first look at a source.
	Baseline Outcome = "baseline"
	// Rebaselined answers cannot be compared with what was stored.
	Rebaselined Outcome = "rebaselined"
	// Changed answers make events.
	Changed Outcome = "changed"
)

// plan is what an observation comes to, before anything is written.
type plan struct {
	outcome Outcome
	commit  *store.Commit // nil when nothing is to be written
	// untold says of each event of the commit which key keeps it from every
	// endpoint; empty where none does.
	untold []string
	// gap says that items may have been missed.
	gap bool
	// again says that the next poll must look at the whole answer again.
	again bool
	// tried are the conditions that were tried, with their errors.
	tried map[string]error
	// details is what becomes of the details; nil for a source without them.
	details *detailing
}

// lookAgain lets the next poll look at the whole answer again, though it be this
// one.
func (p *plan) lookAgain(c *store.Commit) {
	c.Source.State, p.again = wholeNext(c.Source.State), true
}

// wholeNext is a state from which the whole answer is asked for and looked at.
func wholeNext(s poller.State) poller.State { return poller.State{Cursor: s.Cursor} }

// look decides what an observation comes to. It reads, but changes nothing.
// The caller holds st.mu.
func (b *Bridge) look(ctx context.Context, st *state, o *poller.Observation) (plan, error) {
	format, err := st.source.format(o)
	if err != nil {
		return plan{}, err
	}
	if err := b.checkCondition(st, o, format); err != nil {
		return plan{}, err
	}
	if st.row.Version == 0 {
		return b.baseline(ctx, st, o, format)
	}
	if st.row.RequestKey != st.source.RequestKey {
		return b.rebaseline(ctx, st, o, format, "the request was changed")
	}
	snapshot, err := b.store.Snapshot(ctx, st.source.Name)
	if err != nil {
		return plan{}, &StoreError{Err: fmt.Errorf("load snapshot: %w", err)}
	}
	if snapshot.Format != format {
		if st.source.Format == "" {
			return plan{}, fmt.Errorf("the answer is %s (%s), but was %s before; if that is meant, set format: %s",
				format, contentType(o), snapshot.Format, format)
		}
		return b.rebaseline(ctx, st, o, format, fmt.Sprintf("the format was changed from %s to %s", snapshot.Format, format))
	}
	if snapshot.Pages != nil && !st.source.Items {
		return b.rebaseline(ctx, st, o, format, "the answer before is a list of several pages, and is not read as a list any more")
	}
	return b.compare(ctx, st, o, snapshot)
}

// baseline takes the first answer of a source.
func (b *Bridge) baseline(ctx context.Context, st *state, o *poller.Observation, format diff.Format) (plan, error) {
	result, err := first(o, b.rules(st, format), st.source.Emit)
	if err != nil {
		return plan{}, err
	}
	if err := st.source.checkCount(result.AfterAll); err != nil {
		return plan{}, err
	}
	p := plan{outcome: Baseline, commit: b.newCommit(st, o, format)}
	p.filtered(st.source, result.FilterErr)
	var changes []diff.Change
	if st.source.Emit {
		changes = result.Changes
	}
	if changes, err = b.details(ctx, st, o, p.commit, &p, changes); err != nil {
		return plan{}, err
	}
	if len(changes) > 0 {
		b.addEvents(&p, st, o, changes)
	}
	return p, nil
}

// rebaseline takes an answer that cannot be compared with the stored one. The
// log says so, since changes in between may have gone unseen. What comes off a queue
// is told all the same, for nobody will see it again.
func (b *Bridge) rebaseline(ctx context.Context, st *state, o *poller.Observation, format diff.Format, reason string) (plan, error) {
	result, err := first(o, b.rules(st, format), st.source.Queue)
	if err == nil {
		err = st.source.checkCount(result.AfterAll)
	}
	if err != nil {
		return plan{}, err
	}
	c := b.newCommit(st, o, format)
	// What left answers to another request says nothing of this one's.
	c.Forget = st.row.RequestKey != st.source.RequestKey
	p := plan{outcome: Rebaselined, commit: c}
	p.filtered(st.source, result.FilterErr)
	if st.source.Queue && len(result.Changes) > 0 {
		b.addEvents(&p, st, o, result.Changes)
	}
	if st.source.Detail != nil {
		// The details that there are can be compared, whatever their list is.
		changes, err := b.details(ctx, st, o, c, &p, nil)
		if err != nil {
			return plan{}, err
		}
		if len(changes) > 0 {
			b.addEvents(&p, st, o, changes)
		}
	}
	c.Events = append(c.Events, b.alert("pollwire.source.rebaselined", o.At, alertData{Name: st.source.Name, Reason: reason, Since: o.At, Count: 1}))
	return p, nil
}

// newCommit prepares the commit of an accepted answer.
func (b *Bridge) newCommit(st *state, o *poller.Observation, format diff.Format) *store.Commit {
	row := st.row
	row.RequestKey, row.RulesKey, row.State = st.source.RequestKey, st.source.rulesKey(), o.State
	snapshot := &store.Snapshot{At: o.At, Format: format, Body: o.Body}
	if o.Pages != nil {
		snapshot.Pages = pagesOf(o)
	}
	return &store.Commit{Source: &row, Snapshot: snapshot}
}

// rules are those for answers of a format.
func (b *Bridge) rules(st *state, format diff.Format) *diff.Rules {
	if format == diff.Text {
		return b.textRules
	}
	rules, err := st.source.Rules.As(format)
	if err != nil {
		panic(err) // They are not for texts.
	}
	return rules
}
