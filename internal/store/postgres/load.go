package postgres

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pollwire/pollwire/internal/store"
)

const (
	// lockCluster keeps nodes from joining, which count it up.
	lockCluster = `SELECT generation FROM cluster WHERE id = 1 FOR UPDATE`
	updateHead  = `UPDATE log_head SET position = $1, delivery = $2 WHERE id = 1`
	updatePages = `UPDATE page_numbers SET last = $1 WHERE id = 1`
)

// Load is a database that is filled in one transaction: others see all of it, or
// nothing.
type Load struct {
	tables

	filled []string
}

// OpenLoad opens a database to be filled, and migrates it. It fails where a node
// runs on it, and lets none begin to before it is closed.
func OpenLoad(ctx context.Context, o Options) (*Load, error) {
	s, err := Open(ctx, o)
	if err != nil {
		return nil, err
	}
	l := &Load{tables: tables{s: s}}
	if err := l.open(ctx); err != nil {
		return nil, errors.Join(s.named("open", s.failure(ctx, err)), l.Close())
	}
	return l, nil
}

func (l *Load) open(ctx context.Context) error {
	if err := l.begin(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}); err != nil {
		return err
	}
	if _, err := l.tx.Exec(ctx, lockCluster); err != nil {
		return err
	}
	return alone(ctx, l.tx)
}

// Fill adds rows to a table, until there is none or one comes with an error.
func (l *Load) Fill(ctx context.Context, t store.Table, rows iter.Seq2[store.Row, error]) error {
	columns := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		columns[i] = c.Name
	}
	l.filled = append(l.filled, pgx.Identifier{t.Name}.Sanitize())
	next, stop := iter.Pull2(rows)
	defer stop()
	var cause error // pgx tells the server of it, and returns what that says
	_, err := l.tx.CopyFrom(ctx, pgx.Identifier{t.Name}, columns, pgx.CopyFromFunc(func() ([]any, error) {
		row, err, more := next()
		if !more || err != nil {
			cause = err
			return nil, err
		}
		for i, c := range t.Columns {
			if s, ok := row[i].(string); ok && c.Kind == store.Text {
				row[i] = text(s)
			}
		}
		return row, nil
	}))
	if cause != nil {
		return cause
	}
	return l.s.failure(ctx, err)
}

// Keep commits all that was filled. What is given numbers goes on after the ends.
func (l *Load) Keep(ctx context.Context, ends store.Ends) error {
	if err := l.keep(ctx, ends); err != nil {
		return l.s.named("finish", l.s.failure(ctx, err))
	}
	return nil
}

func (l *Load) keep(ctx context.Context, ends store.Ends) error {
	if _, err := l.tx.Exec(ctx, updateHead, ends.Position, ends.Delivery); err != nil {
		return err
	}
	if _, err := l.tx.Exec(ctx, updatePages, ends.Page); err != nil {
		return err
	}
	// Without it the first queries go by what an empty database was like.
	if _, err := l.tx.Exec(ctx, "ANALYZE "+strings.Join(l.filled, ", "), pgx.QueryExecModeSimpleProtocol); err != nil {
		return err
	}
	err := l.tx.Commit(ctx)
	if err != nil && errors.Is(kindOf(err), store.ErrUnreachable) {
		return fmt.Errorf("whether it is complete or empty cannot be known: copy again, into a new one: %w", err)
	}
	return err
}
