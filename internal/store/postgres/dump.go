package postgres

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pollwire/pollwire/internal/store"
)

const (
	// beginLong lets a transaction take its time, as one does that reads or writes all
	// there is. What waits for its client for so long has lost it.
	beginLong = `SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = '10min'`
	// silentFor is how long a node that was killed may have been silent, in seconds. A
	// node that lives is heard of every few.
	silentFor = 15
	// closeTimeout bounds the end of a transaction that was given up.
	closeTimeout = 5 * time.Second

	selectAlive = `SELECT name, host, pid FROM nodes WHERE seen_at > clock_timestamp() - make_interval(secs => $1) ORDER BY name`
	selectEnds  = `SELECT h.position, h.delivery, p.last FROM log_head h, page_numbers p`
	// selectState changes with each event, and with each node that comes and goes.
	selectState   = `SELECT h.position, h.delivery, c.generation FROM log_head h, cluster c`
	selectColumns = `SELECT column_name::text, data_type::text FROM information_schema.columns
		WHERE table_schema = current_schema() AND table_name = $1 AND NOT (table_name = 'loose_pages' AND column_name = 'node')
		ORDER BY ordinal_position`
)

// tables reads tables in a transaction. That of loose pages has the nodes that they
// are of, which mean nothing elsewhere: they are left out.
type tables struct {
	s  *Store
	tx pgx.Tx
}

// Dump is a database of which everything is read, as it was at one moment. No
// daemon runs on it meanwhile.
type Dump struct {
	tables

	state state
}

// state tells whether somebody has written.
type state struct{ position, delivery, generation int64 }

// OpenDump opens a database to be read from one end to the other. It fails where a
// node runs on it. It changes nothing in it: an older schema is refused.
func OpenDump(ctx context.Context, o Options) (*Dump, error) {
	o.ReadOnly = true
	s, err := Open(ctx, o)
	if err != nil {
		return nil, err
	}
	d := &Dump{tables: tables{s: s}}
	if err := d.open(ctx); err != nil {
		return nil, errors.Join(s.named("open", s.failure(ctx, err)), d.Close())
	}
	return d, nil
}

func (d *Dump) open(ctx context.Context) (err error) {
	if err := d.begin(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}); err != nil {
		return err
	}
	if err := alone(ctx, d.tx); err != nil {
		return err
	}
	d.state, err = readState(ctx, d.tx)
	return err
}

func (t *tables) begin(ctx context.Context, o pgx.TxOptions) (err error) {
	if t.tx, err = t.s.pool.BeginTx(ctx, o); err != nil {
		return err
	}
	_, err = t.tx.Exec(ctx, beginLong, pgx.QueryExecModeSimpleProtocol)
	return err
}

// querier is a transaction or a pool.
type querier interface {
	Query(ctx context.Context, query string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, query string, args ...any) pgx.Row
}

// alone fails where nodes run on a database, and names them.
func alone(ctx context.Context, q querier) error {
	rows, err := q.Query(ctx, selectAlive, silentFor)
	if err != nil {
		return err
	}
	alive, err := collect(rows, func(rows pgx.Rows) (string, error) {
		var name, host string
		var pid int64
		err := rows.Scan(&name, &host, &pid)
		return fmt.Sprintf("node %s (process %d on %s)", untext(name), pid, untext(host)), err
	})
	if err != nil || len(alive) == 0 {
		return err
	}
	return fmt.Errorf("%s use it: stop all nodes first; one that was killed is forgotten after %d seconds", strings.Join(alive, ", "), silentFor)
}

func readState(ctx context.Context, q querier) (s state, err error) {
	err = q.QueryRow(ctx, selectState).Scan(&s.position, &s.delivery, &s.generation)
	return s, err
}

// Ends returns the last numbers that were given.
func (d *Dump) Ends(ctx context.Context) (ends store.Ends, err error) {
	err = d.tx.QueryRow(ctx, selectEnds).Scan(&ends.Position, &ends.Delivery, &ends.Page)
	return ends, d.s.failure(ctx, err)
}

// Confirm fails where a node has come since the database was opened.
func (d *Dump) Confirm(ctx context.Context) error {
	// The transaction has a connection of the pool, which may be the only one.
	err := alone(ctx, d.s.vital)
	if err == nil {
		var now state
		if now, err = readState(ctx, d.s.vital); err == nil && now != d.state {
			err = errors.New("a node ran on it while it was copied: stop all nodes, and copy again")
		}
	}
	if err != nil {
		return d.s.named("read", d.s.failure(ctx, err))
	}
	return nil
}

// Name is what errors and people call the database.
func (t *tables) Name() string { return t.s.name }

// Columns returns the columns of a table, none where there is no such table.
func (t *tables) Columns(ctx context.Context, table string) ([]store.Column, error) {
	rows, err := t.tx.Query(ctx, selectColumns, table)
	if err != nil {
		return nil, t.s.failure(ctx, err)
	}
	found, err := collect(rows, func(rows pgx.Rows) (store.Column, error) {
		var name, declared string
		if err := rows.Scan(&name, &declared); err != nil {
			return store.Column{}, err
		}
		return store.NewColumn(table, name, declared, map[string]store.Kind{"bigint": store.Number, "text": store.Text, "bytea": store.Bytes})
	})
	return found, t.s.failure(ctx, err)
}

// Count returns how many rows a table has.
func (t *tables) Count(ctx context.Context, table string) (n int64, err error) {
	err = t.tx.QueryRow(ctx, "SELECT count(*) FROM "+pgx.Identifier{table}.Sanitize()).Scan(&n)
	return n, t.s.failure(ctx, err)
}

// Rows reads a table. Each row is the caller's own. After an error there is none.
func (t *tables) Rows(ctx context.Context, table store.Table) iter.Seq2[store.Row, error] {
	return func(yield func(store.Row, error) bool) {
		columns := make([]string, len(table.Columns))
		for i, c := range table.Columns {
			columns[i] = pgx.Identifier{c.Name}.Sanitize()
		}
		rows, err := t.tx.Query(ctx, "SELECT "+strings.Join(columns, ", ")+" FROM "+pgx.Identifier{table.Name}.Sanitize())
		if err != nil {
			yield(nil, t.s.failure(ctx, err))
			return
		}
		defer rows.Close()
		for rows.Next() {
			row, err := scanRow(rows, table)
			if !yield(row, t.s.failure(ctx, err)) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(nil, t.s.failure(ctx, err))
		}
	}
}

// scanRow reads a row of a table.
func scanRow(rows pgx.Rows, t store.Table) (store.Row, error) {
	row, err := rows.Values()
	if err != nil {
		return nil, err
	}
	for i, c := range t.Columns {
		ok := false
		switch c.Kind {
		case store.Number:
			_, ok = row[i].(int64)
		case store.Text:
			var s string
			s, ok = row[i].(string)
			row[i] = untext(s)
		case store.Bytes:
			_, ok = row[i].([]byte)
		}
		if !ok {
			return nil, fmt.Errorf("column %s of table %s has a %T", c.Name, t.Name, row[i])
		}
	}
	return row, nil
}

// Close lets go of the database. What was written and not kept is gone. Further
// calls do nothing.
func (t *tables) Close() error {
	if t.tx != nil {
		// The context of the caller may have ended, which may be why it is closed.
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		// A transaction whose connection is lost is ended by the server.
		_ = t.tx.Rollback(ctx)
		t.tx = nil
	}
	return t.s.Close()
}
