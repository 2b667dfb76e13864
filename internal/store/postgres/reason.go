package postgres

import (
	"errors"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// refusedTLS is how the driver says that a server does not do TLS. Where nothing is
// said of TLS (sslmode=prefer) it asks again without, so that this is no reason.
const refusedTLS = "server refused TLS connection"

// databaseError is an error of a database as the contract knows it, with its name.
type databaseError struct {
	name string
	err  error
}

func (e *databaseError) Error() string { return "database " + e.name + ": " + e.err.Error() }

func (e *databaseError) Unwrap() error { return e.err }

// explainedError is an error of the driver in one line, with the way out.
type explainedError struct {
	text string
	err  error
}

func (e *explainedError) Error() string { return e.text }

func (e *explainedError) Unwrap() error { return e.err }

// inOneLine says in one line what the driver says in several, and the way out where
// the operator has one.
func inOneLine(err error) error {
	text := err.Error()
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) {
		text = triesOf(connect.Unwrap())
	}
	if way := wayOut(err, text); way != "" {
		text += ": " + way
	}
	if text == err.Error() {
		return err
	}
	return &explainedError{text, err}
}

// triesOf is what came of the tries to connect, each once: there is one for each
// address, with TLS and without.
func triesOf(err error) string {
	var tries []string
	for line := range strings.SplitSeq(err.Error(), "\n") {
		if line = strings.TrimSpace(line); !slices.Contains(tries, line) {
			tries = append(tries, line)
		}
	}
	reasons := slices.DeleteFunc(slices.Clone(tries), func(line string) bool { return strings.Contains(line, refusedTLS) })
	if len(reasons) == 0 {
		reasons = tries
	}
	return strings.Join(reasons, "; ")
}

// wayOut is what an operator does about an error; empty where there is nothing to
// say. Codes are those of PostgreSQL, appendix A.
func wayOut(err error, text string) string {
	var answer *pgconn.PgError
	if !errors.As(err, &answer) {
		if strings.Contains(text, refusedTLS) {
			return "turn on TLS there (ssl = on), or say sslmode=disable in storage.dsn where the network between can be trusted"
		}
		return ""
	}
	switch answer.Code {
	case "28P01", "28000":
		return "check the user and the password in storage.dsn, and pg_hba.conf of the server"
	case "3D000":
		return "create it, as CREATE DATABASE name OWNER user ENCODING 'UTF8', or name another one in storage.dsn"
	case insufficientPrivilege:
		return "pollwire makes its tables itself: let its user own the database, by ALTER DATABASE name OWNER TO user, or GRANT CREATE on the schema to it, or give it a schema of its own by search_path in storage.dsn"
	case "25006":
		return "that is a standby: let storage.dsn name the primary, or all servers; or default_transaction_read_only is on for this user or database"
	case "42704":
		return "check the parameters in storage.dsn"
	case "53300":
		return "raise max_connections of the server, lower pool_max_conns in storage.dsn, or put PgBouncer before it"
	}
	return ""
}
