package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pollwire/pollwire/internal/store"
)

// failure turns an error of the driver into what the contract says of it: the
// cause of an ended context, store.ErrFull, ErrBusy, ErrUnreachable or ErrDamaged,
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
		return fmt.Errorf("database %s: %w: %w", s.name, kind, err)
	}
	return err
}

// kindOf returns the error of the contract that stands for one of the driver, nil
// where there is none. Codes are those of PostgreSQL, appendix A.
func kindOf(err error) error {
	var answer *pgconn.PgError
	if !errors.As(err, &answer) {
		var unreachable *pgconn.ConnectError
		var network net.Error
		if errors.As(err, &unreachable) || errors.As(err, &network) || pgconn.Timeout(err) || pgconn.SafeToRetry(err) ||
			errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "closed pool") || closedByPeer(err) {
			return store.ErrUnreachable
		}
		return nil
	}
	switch class := answer.Code[:2]; {
	case answer.Code == "53100":
		return store.ErrFull
	case class == "08", class == "53", class == "57", answer.Code == "25006":
		// The connection, resources of the server, its shutdown, or a server that is
		// a standby now.
		return store.ErrUnreachable
	case class == "40", class == "55":
		return store.ErrBusy
	case class == "XX":
		return store.ErrDamaged
	}
	return nil
}

// closedByPeer says whether a connection ended while it was used.
func closedByPeer(err error) bool {
	return strings.Contains(err.Error(), "unexpected EOF") || strings.Contains(err.Error(), "conn closed") ||
		strings.Contains(err.Error(), "connection reset") || strings.Contains(err.Error(), "broken pipe")
}

// nameOf is what errors call a database: its user, host and name.
func nameOf(c *pgx.ConnConfig) string {
	return fmt.Sprintf("postgres://%s@%s/%s", c.User, net.JoinHostPort(c.Host, fmt.Sprint(c.Port)), c.Database)
}

// dsnHas says whether a DSN sets a parameter of the pool. The parser takes them
// away, so that the text is what there is.
func dsnHas(c *pgxpool.Config, parameter string) bool {
	return strings.Contains(c.ConnString(), parameter+"=")
}
