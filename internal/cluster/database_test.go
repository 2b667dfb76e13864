package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/pollwire/pollwire/internal/store"
)

// database is what the nodes of a test share: the rows, and a clock of its own.
type database struct {
	mu      sync.Mutex
	skew    time.Duration // of its clock
	down    bool
	members map[string]store.Member
	// behind are members of the timeline before.
	behind map[string]bool
	leases map[string]store.Lease
	pulse  store.Pulse
	// calls counts what was asked, by the name of the method.
	calls map[string]int
	// claims counts leases that changed hands, by resource.
	claims map[string]int
	buried []string
}

func newDatabase() *database {
	return &database{members: map[string]store.Member{}, leases: map[string]store.Lease{}, claims: map[string]int{}, calls: map[string]int{}}
}

func (d *database) now() time.Time { return time.Now().Add(d.skew) }

// set changes the database as a whole.
func (d *database) set(change func(d *database)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(d)
}

// link is the way of one node to the database.
type link struct {
	d *database

	mu  sync.Mutex
	cut bool
	lag time.Duration
	// refuse are errors of the next calls.
	refuse error
}

var _ Store = (*link)(nil)

func (l *link) set(change func(l *link)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(l)
}

// state returns whether the way is cut, and how long it is.
func (l *link) state() (cut bool, lag time.Duration, refuse error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cut, l.lag, l.refuse
}

// call asks the database. What is cut off is dropped on either way, so that
// something may have happened of which nobody is told.
func (l *link) call(ctx context.Context, name string, op func(d *database)) error {
	if err := l.travel(ctx); err != nil {
		return err
	}
	l.d.mu.Lock()
	l.d.calls[name]++
	down := l.d.down
	if !down {
		op(l.d)
	}
	l.d.mu.Unlock()
	if down {
		return fmt.Errorf("connection refused: %w", store.ErrUnreachable)
	}
	return l.travel(ctx)
}

func (l *link) travel(ctx context.Context) error {
	cut, lag, refuse := l.state()
	if refuse != nil {
		return refuse
	}
	if !cut {
		timer := time.NewTimer(lag + time.Millisecond)
		defer timer.Stop()
		select {
		case <-timer.C:
			if cut, _, _ = l.state(); !cut {
				return nil
			}
		case <-ctx.Done():
		}
	}
	<-ctx.Done()
	return errors.Join(store.ErrUnreachable, ctx.Err())
}

func (l *link) Join(ctx context.Context, m store.Member) error {
	return l.call(ctx, "Join", func(d *database) {
		m.SeenAt = d.now()
		d.members[m.ID] = m
		d.pulse.Generation++
	})
}

func (l *link) Beat(ctx context.Context, m store.Member) (alive bool, err error) {
	moved := false
	err = l.call(ctx, "Beat", func(d *database) {
		row, ok := d.members[m.ID]
		if moved = d.behind[m.ID]; moved {
			return
		}
		if alive = ok; !ok {
			return
		}
		if row.Leaving != m.Leaving {
			d.pulse.Generation++
		}
		m.SeenAt = d.now()
		d.members[m.ID] = m
	})
	if err == nil && moved {
		err = fmt.Errorf("%w: it was on 1, and is on 2", store.ErrNewTimeline)
	}
	return alive, err
}

func (l *link) Leave(ctx context.Context, id string) error {
	return l.call(ctx, "Leave", func(d *database) {
		delete(d.members, id)
		d.pulse.Generation++
	})
}

func (l *link) Members(ctx context.Context) (members []store.Member, err error) {
	err = l.call(ctx, "Members", func(d *database) {
		members = slices.SortedFunc(maps.Values(d.members), byID)
		for i := range members {
			members[i].Age = d.now().Sub(members[i].SeenAt)
		}
	})
	return members, err
}

func (l *link) Bury(ctx context.Context, by string, silence time.Duration, ids []string) (buried []string, err error) {
	err = l.call(ctx, "Bury", func(d *database) {
		if me, ok := d.members[by]; !ok || d.now().Sub(me.SeenAt) > silence/2 {
			return
		}
		for _, id := range ids {
			if m, ok := d.members[id]; ok && d.now().Sub(m.SeenAt) >= silence {
				delete(d.members, id)
				buried = append(buried, id)
				d.buried = append(d.buried, m.Name)
				d.pulse.Generation++
			}
		}
	})
	return buried, err
}

func (l *link) Pulse(ctx context.Context) (p store.Pulse, err error) {
	err = l.call(ctx, "Pulse", func(d *database) { p = d.pulse })
	return p, err
}

func (l *link) Claim(ctx context.Context, node string, groups [][]string) (leases []store.Lease, err error) {
	err = l.call(ctx, "Claim", func(d *database) {
		if _, ok := d.members[node]; !ok {
			return
		}
		for _, g := range groups {
			if slices.ContainsFunc(g, func(r string) bool {
				holder := d.leases[r].Node
				_, lives := d.members[holder]
				return lives && holder != node
			}) {
				continue
			}
			for _, r := range g {
				row := store.Lease{Resource: r, Node: node, Epoch: d.leases[r].Epoch + 1, Since: d.now()}
				d.leases[r] = row
				d.claims[r]++
				leases = append(leases, row)
			}
		}
	})
	return leases, err
}

func (l *link) Free(ctx context.Context, leases []store.Lease) error {
	return l.call(ctx, "Free", func(d *database) {
		for _, lease := range leases {
			if row := d.leases[lease.Resource]; row.Node == lease.Node && row.Epoch == lease.Epoch {
				row.Node, row.Since = "", d.now()
				d.leases[lease.Resource] = row
			}
		}
		d.pulse.Generation++
	})
}

func (l *link) Leases(ctx context.Context, since time.Time) (leases []store.Lease, err error) {
	err = l.call(ctx, "Leases", func(d *database) {
		for _, row := range d.leases {
			if !row.Since.Before(since) {
				leases = append(leases, row)
			}
		}
	})
	return leases, err
}
