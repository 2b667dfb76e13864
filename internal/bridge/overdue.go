package bridge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

// expireSteps is in how many steps deliveries become dead during the time that
// they may wait. Of an endpoint that is away for good, with something new to be
// told all the time, others hear once for each step.
const expireSteps = 90

var _ OverdueTeller = (*Bridge)(nil)

// warn tells of each endpoint for which something has waited for half of the
// time that it may, once until nothing has any more.
func (j *Janitor) warn(ctx context.Context, now time.Time, waiting time.Duration) error {
	found, err := j.o.Store.Overdue(ctx, now.Add(-waiting/2))
	if err != nil {
		return err
	}
	var errs []error
	var told []string
	for _, o := range found {
		if !o.Told {
			dead := o.Since.Add(waiting)
			if err := j.o.Teller.Overdue(ctx, o, dead); err != nil {
				errs = append(errs, err)
				continue
			}
			j.o.Logger.Warn("deliveries wait for long", "endpoint", o.Endpoint, "deliveries", o.Count, "since", o.Since, "dead_at", dead)
		}
		told = append(told, o.Endpoint)
	}
	// The first time it is saved anyway, over what an earlier run has left.
	if j.told == nil || !slices.Equal(told, j.told) {
		// Were it saved first, a crash would have it never told.
		if err := j.o.Store.SaveOverdueTold(ctx, told); err != nil {
			return errors.Join(append(errs, err)...)
		}
		j.told = append([]string{}, told...)
	}
	return errors.Join(errs...)
}

// expire reports whether what has waited for too long shall become dead now. It
// was told before: what is dead does not come again to be told of.
func (j *Janitor) expire(ctx context.Context, now time.Time, waiting time.Duration) (bool, error) {
	if !elapsed(j.expired, now, waiting/expireSteps) {
		return false, nil
	}
	found, err := j.o.Store.Overdue(ctx, now.Add(-waiting))
	if err != nil || len(found) == 0 {
		return false, err
	}
	for _, o := range found {
		if err := j.o.Teller.Expiring(ctx, o); err != nil {
			return false, err
		}
		j.o.Logger.Warn("deliveries are dead: they waited for too long", "endpoint", o.Endpoint, "deliveries", o.Count, "since", o.Since)
	}
	j.expired = now
	return true, nil
}

// Overdue tells the other endpoints that deliveries to one wait for long.
func (b *Bridge) Overdue(ctx context.Context, o store.Overdue, dead time.Time) error {
	return b.tellOf(ctx, store.TaskPrune, b.alert(notify.EndpointFailing, time.Now(), alertData{
		Name: o.Endpoint, Since: o.Since, Count: o.Count,
		Reason: fmt.Sprintf("%d deliveries wait for long; the oldest will be dead on %s, when it has waited for storage.retention.waiting",
			o.Count, dead.UTC().Format(time.RFC3339)),
	}))
}

// Expiring tells the other endpoints that deliveries to one are dead.
func (b *Bridge) Expiring(ctx context.Context, o store.Overdue) error {
	return b.tellOf(ctx, store.TaskPrune, b.alert(notify.EndpointFailing, time.Now(), alertData{
		Name: o.Endpoint, Since: o.Since, Count: o.Count,
		Reason: fmt.Sprintf("%d deliveries waited longer than storage.retention.waiting and are dead", o.Count),
	}))
}
