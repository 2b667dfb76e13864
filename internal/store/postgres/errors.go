package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/puddle/v2"

	"github.com/pollwire/pollwire/internal/store"
)

const (
	// readOnlyTransaction is what a standby says to who writes.
	readOnlyTransaction = "25006"
	// insufficientPrivilege is what is said to who may not do something.
	insufficientPrivilege = "42501"
)

// failure turns an error of the driver into what the contract says of it: the
// cause of an ended context, store.ErrFull, ErrBusy, ErrUnreachable, ErrDenied or ErrDamaged,
// or the error itself.
func (s *Store) failure(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if errors.Is(err, store.ErrNotHeld) || errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrNotFound) {
		return err
	}
	if kind := kindOf(err); kind != nil {
		return &databaseError{s.name, fmt.Errorf("%w: %w", kind, inOneLine(err))}
	}
	return inOneLine(err)
}

// named says of an error what was done with which database; its name is not
// repeated.
func (s *Store) named(verb string, err error) error {
	var inner *databaseError
	if errors.As(err, &inner) {
		err = inner.err
	}
	return fmt.Errorf("%s database %s: %w", verb, s.name, err)
}

// kindOf returns the error of the contract that stands for one of the driver, nil
// where there is none. Codes are those of PostgreSQL, appendix A.
func kindOf(err error) error {
	var unreachable *pgconn.ConnectError
	if errors.As(err, &unreachable) {
		return store.ErrUnreachable // whatever it says: it may be another one soon
	}
	var answer *pgconn.PgError
	if !errors.As(err, &answer) {
		var network net.Error
		switch {
		case errors.Is(err, puddle.ErrClosedPool):
			return store.ErrClosed
		case errors.As(err, &network), pgconn.Timeout(err), pgconn.SafeToRetry(err), errors.Is(err, context.DeadlineExceeded),
			errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, pgconn.ErrConnClosed):
			return store.ErrUnreachable
		}
		return nil
	}
	switch class := answer.Code[:2]; {
	case answer.Code == "53100":
		return store.ErrFull
	case answer.Code == insufficientPrivilege:
		return store.ErrDenied
	case answer.Code == "40003":
		return store.ErrUnreachable // what came of it nobody knows
	case answer.Code == "57014", class == "40", class == "55":
		// A statement that took too long, a conflict of transactions, a lock.
		return store.ErrBusy
	case class == "08", class == "53", class == "57", answer.Code == readOnlyTransaction, answer.Code == "25P03", answer.Code == "25P04":
		// The connection, resources of the server, its shutdown, a server that is a
		// standby now, or one that has given this client up.
		return store.ErrUnreachable
	case answer.Code == "XX001", answer.Code == "XX002":
		return store.ErrDamaged
	}
	return nil
}

// nameOf is what errors call a database: its user, hosts and name. Where several are
// given any of them may be the one that answers.
func nameOf(c *pgx.ConnConfig) string {
	hosts := []string{net.JoinHostPort(c.Host, fmt.Sprint(c.Port))}
	for _, other := range c.Fallbacks {
		// Each is there once more where it is tried with TLS and without.
		if host := net.JoinHostPort(other.Host, fmt.Sprint(other.Port)); !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	return fmt.Sprintf("postgres://%s@%s/%s", c.User, strings.Join(hosts, ","), c.Database)
}

// dsnHas says whether a DSN sets a parameter of the pool. The parser takes them
// away, so that the text is what there is.
func dsnHas(c *pgxpool.Config, parameter string) bool {
	return strings.Contains(c.ConnString(), parameter+"=")
}
