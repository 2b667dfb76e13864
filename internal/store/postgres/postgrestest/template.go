package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
)

const (
	// describe returns the names of the tables, and how many things there are that a
	// test may have made beside them.
	describe = `SELECT coalesce(array_agg(quote_ident(relname) ORDER BY relname) FILTER (WHERE relkind = 'r'), '{}'),
		count(*) + (SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace)
			+ (SELECT count(*) FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase WHERE d.datname = current_database())
		FROM pg_class WHERE relnamespace = 'public'::regnamespace`
	// rowsOf writes the rows of a table as a statement that inserts them.
	rowsOf = `SELECT format('INSERT INTO %[1]s SELECT * FROM json_populate_recordset(NULL::%[1]s, %%L);', json_agg(t)) FROM %[1]s t HAVING count(*) > 0`
	// empty removes the rows of a table: to empty its files takes longer than to remove
	// few rows, which stay in them as dead ones.
	empty = `IF pg_table_size('%[1]s') > 200000 THEN TRUNCATE %[1]s; ELSE DELETE FROM %[1]s; END IF;`
)

// Template is a database that others are copies of: a copy takes a fraction of what
// making a schema does, and one that is used again a fraction of that.
type Template struct {
	at     *url.URL
	things int
	reset  string
	copies atomic.Int64

	mu   sync.Mutex
	free []string
}

// NewTemplate makes a template of the database of a DSN that Create returned. Whoever
// has written it has closed it. Its tables hold what JSON can.
func NewTemplate(dsn string) (t *Template, err error) {
	t = &Template{}
	if t.at, err = url.Parse(dsn); err != nil {
		return nil, err
	}
	return t, withConn(dsn, func(ctx context.Context, conn *pgx.Conn) error {
		var tables []string
		if err := conn.QueryRow(ctx, describe).Scan(&tables, &t.things); err != nil {
			return err
		}
		var emptied, filled strings.Builder
		for _, table := range tables {
			fmt.Fprintf(&emptied, empty, table)
			var insert string
			err := conn.QueryRow(ctx, fmt.Sprintf(rowsOf, table)).Scan(&insert)
			if err != nil && !errors.Is(err, pgx.ErrNoRows) {
				return err
			}
			filled.WriteString(insert)
		}
		t.reset = "SET LOCAL lock_timeout = '1min'; DO $reset$ BEGIN " + emptied.String() + " END $reset$;" + filled.String()
		return nil
	})
}

// Copy makes a copy and returns its DSN.
func (t *Template) Copy() (dsn string, err error) {
	name := strings.TrimPrefix(t.at.Path, "/")
	all, one := *t.at, *t.at
	all.Path, one.Path = "/postgres", fmt.Sprintf("/%s_%d", name, t.copies.Add(1))
	return one.String(), queryAt(all.String(), "CREATE DATABASE "+one.Path[1:]+" TEMPLATE "+name)
}

// Take returns the DSN of a copy that is a test's until its end. Then another test
// takes it, with the rows of the template: a test that changes the schema or a setting
// of its database, fills it with very much, or leaves sessions behind, makes a copy of
// its own.
func (t *Template) Take(tb testing.TB) (dsn string) {
	tb.Helper()
	t.mu.Lock()
	if last := len(t.free) - 1; last >= 0 {
		dsn, t.free = t.free[last], t.free[:last]
	}
	t.mu.Unlock()
	if dsn == "" {
		var err error
		if dsn, err = t.Copy(); err != nil {
			tb.Fatal(err)
		}
	}
	tb.Cleanup(func() {
		if tb.Failed() {
			return // whatever it has left there
		}
		if err := t.giveBack(dsn); err != nil {
			tb.Errorf("empty database: %v", err)
		}
	})
	return dsn
}

// giveBack makes a copy again what the template is.
func (t *Template) giveBack(dsn string) error {
	err := withConn(dsn, func(ctx context.Context, conn *pgx.Conn) error {
		var tables []string
		var things int
		if err := conn.QueryRow(ctx, describe).Scan(&tables, &things); err != nil {
			return err
		}
		if things != t.things {
			return errors.New("the test has changed its schema or its settings: it must make a copy of its own")
		}
		_, err := conn.Exec(ctx, t.reset)
		return err
	})
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.free = append(t.free, dsn)
	return nil
}
