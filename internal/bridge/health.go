package bridge

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/pollwire/pollwire/internal/store"
)

// Fail counts a poll that ended without an observation, and tells of a source
// that failed too often in a row: once, and again after each reminder interval.
func (b *Bridge) Fail(ctx context.Context, source string, reason error) {
	var storeErr *StoreError
	if errors.As(reason, &storeErr) || errors.Is(reason, ErrElsewhere) {
		return // a store that cannot write, or may not, says nothing of the source
	}
	st, err := b.lock(source)
	if err != nil {
		return
	}
	defer st.mu.Unlock()
	now := time.Now()
	if st.failures == 0 {
		st.failingSince = now
	}
	st.failures++
	st.reason = reason.Error()
	st.publish()
	if st.failures < st.source.FailureThreshold && !st.row.Alert.Told() {
		return // one that was told is reminded of, though the threshold was raised since
	}
	if err := b.settle(ctx, st); err != nil {
		b.untellable(ctx, source, err)
		return
	}
	if a := st.row.Alert; a.Told() && !elapsed(a.ToldAt, now, st.source.ReminderInterval) {
		return
	}
	row := st.row
	row.Alert = store.SourceAlert{Since: st.failingSince, Failures: st.failures, Reason: reason.Error(), ToldAt: now}
	r := b.roster.Load()
	event := b.alert("pollwire.source.failing", now, alertData{
		Name: source, Reason: reason.Error(), Since: st.failingSince, Count: st.failures,
	})
	if err := b.commit(ctx, st, &store.Commit{Source: &row, Events: []store.Event{event}}, r); err != nil {
		b.untellable(ctx, source, err)
		return
	}
	if b.untold.Swap(false) {
		b.logger.Info("source failures are told again")
	}
	b.logger.Error("source is failing", "source", source, "failures", st.failures, "since", st.failingSince, "err", reason)
}

// untellable logs that a failure could not be told, which is tried again with the
// next one. Where the store cannot be written that holds for every source, so that
// the first one speaks for all; where the source is another node's by now, that
// one tells.
func (b *Bridge) untellable(ctx context.Context, source string, err error) {
	level := slog.LevelError
	if errors.Is(err, ErrElsewhere) || b.untold.Swap(true) {
		level = slog.LevelDebug
	}
	b.logger.Log(ctx, level, "source failure not told", "source", source, "err", err)
}

// elapsed says whether so much time has passed since then. A time that is yet
// to come was noted before the clock was set back, and says nothing any more.
func elapsed(then, now time.Time, d time.Duration) bool {
	passed := now.Sub(then)
	return passed >= d || passed < 0
}

// recovered is the event that ends a failure which was told.
func (b *Bridge) recovered(st *state, at time.Time) store.Event {
	alert := st.row.Alert
	return b.alert("pollwire.source.recovered", at, alertData{
		Name: st.source.Name, Reason: alert.Reason, Since: alert.Since, Count: max(st.failures, alert.Failures),
	})
}
