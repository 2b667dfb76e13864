package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/group"
)

const (
	// maxGroupBytes is about how much one transaction writes.
	maxGroupBytes = 4 << 20
	// bytesPerSecond is what a connection to the server carries at least.
	bytesPerSecond = 1 << 20
	// maxCommit bounds one commit: a message to the server holds no more than 1 GiB, in
	// which bytes take four thirds of their length.
	maxCommit = 512 << 20
	// divisionByZero is the code by which listPages and sameTimeline fail.
	divisionByZero = "22012"
	// maxTries bounds how often a group is tried that met another transaction.
	maxTries = 3
)

var (
	errPages    = errors.New("pages that were written before it are missing")
	errTimeline = fmt.Errorf("the database is on another timeline, as after a failover: %w", store.ErrNotHeld)
)

// insteadOf returns what a statement has found out that fails by a division by zero,
// or the error that it has failed with.
func insteadOf(err, found error) error {
	var answer *pgconn.PgError
	if errors.As(err, &answer) && answer.Code == divisionByZero {
		return found
	}
	return err
}

// commitGroup writes commits that wait in as few transactions as their sources
// allow: two of one source are never in the same.
func (s *Store) commitGroup(writes []*group.Write[*commit]) {
	for len(writes) > 0 {
		var now, later []*group.Write[*commit]
		sources := make(map[string]bool, len(writes))
		for _, w := range writes {
			if src := w.What.Source; src != nil && sources[src.Name] {
				later = append(later, w)
				continue
			} else if src != nil {
				sources[src.Name] = true
			}
			now = append(now, w)
		}
		s.commitTogether(now)
		writes = later
	}
}

// commitTogether writes commits of different sources. What cannot be written is
// left out; where that cannot be told of one of them, each is tried alone.
func (s *Store) commitTogether(writes []*group.Write[*commit]) {
	all := make([]*commit, len(writes))
	for i, w := range writes {
		all[i] = w.What
	}
	err := s.try(all)
	if err != nil && len(writes) > 1 && !store.Passes(err) && !errors.Is(err, store.ErrClosed) {
		for i := range writes {
			s.commitTogether(writes[i : i+1])
		}
		return
	}
	for _, w := range writes {
		if err != nil {
			w.Answer(err)
		} else {
			w.Answer(w.What.err)
		}
	}
}

// try writes commits in one transaction. It tries again where that met another one:
// nothing was written then.
func (s *Store) try(all []*commit) error {
	for tries := 1; ; tries++ {
		err := s.transact(all)
		var answer *pgconn.PgError
		if tries == maxTries || !errors.As(err, &answer) || answer.Code[:2] != "40" || errors.Is(err, store.ErrUnreachable) {
			return err
		}
	}
}

// transact writes commits in one transaction of two messages. The first one locks
// the leases and writes the rows of the sources, which tells which of the commits
// are refused. The second one has all the rest, and is the last that is heard of
// the transaction: so nobody ever waits for this node with the end of the log
// locked, and for what the first one locked no longer than a moment.
func (s *Store) transact(all []*commit) error {
	size := 0
	for _, c := range all {
		size += c.Size
		c.err = nil
	}
	allowance := time.Duration(size/bytesPerSecond) * time.Second
	// No caller's context ends what others wait for too.
	ctx, cancel := context.WithTimeout(context.Background(), 2*(callTimeout+allowance))
	defer cancel()
	conn, err := s.vital.Acquire(ctx)
	if err != nil {
		return s.failure(ctx, err)
	}
	defer conn.Release()
	if err := s.exchange(ctx, conn, all, idleTimeout+allowance); err != nil {
		if status := conn.Conn().PgConn().TxStatus(); status != 'I' && !conn.Conn().IsClosed() {
			_, _ = conn.Exec(ctx, "ROLLBACK") // without it the connection is thrown away
		}
		return s.failure(context.Background(), err) // the time that was up is none of a caller's
	}
	return nil
}

func (s *Store) exchange(ctx context.Context, conn *pgxpool.Conn, all []*commit, idle time.Duration) error {
	first := newSourceScript(all, idle)
	found, err := s.run(ctx, conn, &first.script)
	if err != nil {
		return insteadOf(err, errTimeline)
	}
	first.read(found)
	all = slices.DeleteFunc(slices.Clone(all), func(c *commit) bool { return c.err != nil })
	if len(all) == 0 {
		_, err := conn.Exec(ctx, "ROLLBACK")
		return err
	}
	var second script
	writeRows(&second, all)
	tail := newLogScript(&second, all)
	if found, err = s.finish(ctx, conn, &second); err != nil {
		return insteadOf(err, errPages)
	}
	tail.read(found)
	return nil
}
