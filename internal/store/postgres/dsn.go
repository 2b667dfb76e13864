package postgres

import (
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
)

var errDSN = errors.New("storage.dsn is not the address of a PostgreSQL database: postgres://user:password@host/database")

// Check says whether a DSN can be used, as far as that is known before anything is
// asked: what of its parameters is wrong, or that it is none. It reads the files
// that the DSN names. Its error shows nothing of what is secret.
func Check(dsn string) error {
	_, err := parseDSN(dsn)
	return err
}

// parseDSN reads a DSN. The parser's own error quotes it, with what it takes for a
// password masked: what it says behind that is enough.
func parseDSN(dsn string) (*pgxpool.Config, error) {
	c, err := pgxpool.ParseConfig(dsn)
	if err == nil {
		return c, nil
	}
	text := err.Error()
	_, reason, found := strings.Cut(text[strings.LastIndex(text, "`")+1:], ": ")
	if !found || strings.HasPrefix(reason, "failed to parse as") || strings.Contains(reason, "@") {
		return nil, errDSN // it may quote a part of the address
	}
	return nil, errors.New("storage.dsn cannot be used: " + reason)
}
