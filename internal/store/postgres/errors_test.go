package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
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
	if _, err := Open(t.Context(), Options{DSN: "postgres://me:hunter2@host:port/db"}); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}
