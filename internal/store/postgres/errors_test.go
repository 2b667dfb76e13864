package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/puddle/v2"

	"github.com/pollwire/pollwire/internal/store"
)

// TestFailure gives what the driver says a meaning for callers.
func TestFailure(t *testing.T) {
	t.Parallel()
	s := &Store{name: "postgres://me@host:5432/db"}
	code := func(c string) error { return fmt.Errorf("write: %w", &pgconn.PgError{Code: c}) }
	for _, test := range []struct{ err, want error }{
		{nil, nil},
		{code("53100"), store.ErrFull},
		{code("53300"), store.ErrUnreachable},
		{code("57P01"), store.ErrUnreachable},
		{code("57P03"), store.ErrUnreachable},
		{code("25006"), store.ErrUnreachable},
		{code("25P03"), store.ErrUnreachable},
		{code("08006"), store.ErrUnreachable},
		{code("40003"), store.ErrUnreachable},
		{code("40001"), store.ErrBusy},
		{code("40P01"), store.ErrBusy},
		{code("55P03"), store.ErrBusy},
		{code("57014"), store.ErrBusy},
		{code("XX001"), store.ErrDamaged},
		{io.ErrUnexpectedEOF, store.ErrUnreachable},
		{&net.OpError{Op: "read", Err: errors.New("connection reset by peer")}, store.ErrUnreachable},
		{context.DeadlineExceeded, store.ErrUnreachable},
		{fmt.Errorf("receive: %w", pgconn.ErrConnClosed), store.ErrUnreachable},
		{puddle.ErrClosedPool, store.ErrClosed},
		{store.ErrNotHeld, store.ErrNotHeld},
	} {
		if got := s.failure(t.Context(), test.err); !errors.Is(got, test.want) {
			t.Errorf("%v became %v, want %v", test.err, got, test.want)
		}
	}
	if err := s.failure(t.Context(), code("23505")); err == nil || store.Passes(err) || errors.Is(err, store.ErrDamaged) {
		t.Errorf("a repeated key: %v", err)
	}
	why := errors.New("called off")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	mustBe(t, s.failure(ctx, context.Canceled), why)
}

// TestOpenUnreachable says what cannot be reached, without a password.
func TestOpenUnreachable(t *testing.T) {
	t.Parallel()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	must(t, listener.Close()) // nobody is there
	_, err = Open(t.Context(), Options{DSN: fmt.Sprintf("postgres://me:hunter2@%s/db?sslmode=disable", listener.Addr())})
	mustBe(t, err, store.ErrUnreachable)
	if !strings.HasPrefix(err.Error(), "open database postgres://me@127.0.0.1:") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
	if strings.Contains(err.Error(), "\n") || strings.Count(err.Error(), "postgres://") > 1 {
		t.Errorf("got %v, want one line that names the database once", err)
	}
	if _, err := Open(t.Context(), Options{DSN: "postgres://me:hunter2@host:port/db"}); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}

// TestOpenRefused says in one line why a database cannot be opened, and what to do.
func TestOpenRefused(t *testing.T) {
	t.Parallel()
	dsn := database(t)
	other := func(change func(*url.URL, url.Values)) string {
		u, err := url.Parse(dsn)
		must(t, err)
		q := u.Query()
		change(u, q)
		u.RawQuery = q.Encode()
		return u.String()
	}
	for _, test := range []struct{ name, dsn, want string }{
		{"no database", other(func(u *url.URL, _ url.Values) { u.Path = "/nonesuch" }), "CREATE DATABASE name"},
		{"no such parameter", other(func(_ *url.URL, q url.Values) { q.Set("pool_max_con", "3") }), "check the parameters in storage.dsn"},
		{"a standby", other(func(_ *url.URL, q url.Values) { q.Set("default_transaction_read_only", "on") }), "let storage.dsn name the primary"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, err := Open(t.Context(), Options{DSN: test.dsn})
			if err == nil {
				must(t, s.Close())
				t.Fatal("it was opened")
			}
			if text := err.Error(); !strings.Contains(text, test.want) || strings.Contains(text, "\n") || strings.Count(text, "database postgres://") != 1 {
				t.Errorf("got %q, want one line that names the database once, and %q", text, test.want)
			}
		})
	}
}

// TestWayOut says what to do where there is something.
func TestWayOut(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		"28P01": "check the user", "28000": "check the user", "3D000": "CREATE DATABASE", "42501": "ALTER DATABASE",
		"25006": "standby", "42704": "parameters", "53300": "PgBouncer",
	} {
		err := inOneLine(&pgconn.PgError{Severity: "FATAL", Message: "no", Code: code})
		if text := err.Error(); !strings.HasPrefix(text, "FATAL: no (SQLSTATE "+code+"): ") || !strings.Contains(text, want) {
			t.Errorf("%s: got %q, want %q in it", code, text, want)
		}
		var answer *pgconn.PgError
		if !errors.As(err, &answer) {
			t.Errorf("%s: what the server said is lost", code)
		}
	}
	plain := errors.New("line one")
	if got := inOneLine(plain); got != plain { //nolint:errorlint // the very same
		t.Errorf("got %v", got)
	}
}

// TestTries tells what came of the tries to connect, once each.
func TestTries(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{
		"a: refused\na: refused":                              "a: refused",
		"a: tls error: " + refusedTLS + "\na: FATAL: no":      "a: FATAL: no",
		"a: tls error: " + refusedTLS:                         "a: tls error: " + refusedTLS,
		"a: refused\nb: tls error: " + refusedTLS + "\nb: no": "a: refused; b: no",
	} {
		if got := triesOf(errors.New(said)); got != want {
			t.Errorf("%q: got %q, want %q", said, got, want)
		}
	}
	if got := wayOut(errors.New("a"), "a: tls error: "+refusedTLS); !strings.Contains(got, "sslmode=disable") {
		t.Errorf("got %q", got)
	}
}
