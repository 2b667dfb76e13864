package config

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
)

// Engine is a kind of database.
type Engine string

// The engines that there are.
const (
	SQLite     Engine = "sqlite"
	PostgreSQL Engine = "postgres"
)

// sqlitePrefix begins the DSN of a SQLite file.
const sqlitePrefix = "sqlite:"

// DSN is where the database is: sqlite: and the path of a file, or the URL of a
// PostgreSQL database. Such a URL may hold a password, so that, however it is
// printed, logged or marshalled, only its user, host and database are shown; Reveal
// gives all of it.
type DSN struct{ text Secret }

// NewDSN hides what is secret in a DSN. It takes any text; [ParseDSN] looks at it.
func NewDSN(text string) DSN { return DSN{NewSecret(text)} }

var (
	errNoDSN = errors.New("this is no database that pollwire knows: write sqlite: and the path of a file, such as " +
		"sqlite:/var/lib/pollwire/pollwire.db, or the URL of a PostgreSQL database, such as postgres://user:password@host/database")
	errSlashes    = errors.New("write sqlite: and the path without //, such as sqlite:/var/lib/pollwire/pollwire.db")
	errInMemory   = errors.New("a database in memory loses changes: name a file")
	errParameters = errors.New("a SQLite database takes no parameters: write sqlite: and the path of a file, without ? and what follows")
	errOpaque     = errors.New("write the address of a PostgreSQL database with //, such as postgres://user:password@host/database")
	errUnreadable = errors.New("this URL of a PostgreSQL database cannot be read: in a user name or a password, write % as %25, @ as %40, " +
		": as %3A, / as %2F, ? as %3F, # as %23 and a space as %20")
	errNoDatabase = errors.New("the URL of a PostgreSQL database ends with the name of the database, such as postgres://user:password@host/pollwire")
	errFragment   = errors.New("there is a # in the URL of the PostgreSQL database, and what follows it is lost: in a password write it as %23")
)

// ParseDSN reads a DSN. No error shows what is in it.
func ParseDSN(text string) (DSN, error) {
	d := NewDSN(text)
	switch {
	case isPostgres(text):
		return d, checkPostgres(text)
	case strings.HasPrefix(text, "postgres:"), strings.HasPrefix(text, "postgresql:"):
		return d, errOpaque
	case strings.HasPrefix(text, "sqlite://"):
		return d, errSlashes
	case strings.HasPrefix(text, "sqlite::memory:"):
		return d, errInMemory
	case !strings.HasPrefix(text, sqlitePrefix) || text == sqlitePrefix:
		return d, errNoDSN
	case strings.Contains(text, "?"):
		return d, errParameters
	}
	return d, nil
}

func isPostgres(text string) bool {
	return strings.HasPrefix(text, "postgres://") || strings.HasPrefix(text, "postgresql://")
}

// checkPostgres looks for what is often wrong with the URL of a database, and
// would be said later without a word about the way out.
func checkPostgres(text string) error {
	_, rest, _ := strings.Cut(text, "//")
	authority, _, _ := strings.Cut(rest, "/")
	u, err := url.Parse(text)
	switch {
	case err != nil, strings.Count(authority, "@") > 1: // who connects takes the first one
		return errUnreadable
	case u.Fragment != "":
		return errFragment
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return errUnreadable
	}
	for _, parameter := range []string{"dbname", "database", "service"} {
		if query.Get(parameter) != "" {
			return nil
		}
	}
	if strings.Trim(u.Path, "/") == "" {
		return errNoDatabase
	}
	return nil
}

// Reveal returns the whole DSN.
func (d DSN) Reveal() string { return d.text.Reveal() }

// IsZero says whether the DSN is empty.
func (d DSN) IsZero() bool { return d.text.IsZero() }

// Engine is the kind of the database.
func (d DSN) Engine() Engine {
	if isPostgres(d.Reveal()) {
		return PostgreSQL
	}
	return SQLite
}

// Path is the path of a SQLite file, empty for other engines.
func (d DSN) Path() string {
	path, ok := strings.CutPrefix(d.Reveal(), sqlitePrefix)
	if !ok {
		return ""
	}
	return path
}

// String returns the DSN without password and parameters.
func (d DSN) String() string {
	text := d.Reveal()
	if d.Engine() == SQLite {
		if text == "" || strings.HasPrefix(text, sqlitePrefix) {
			return text
		}
		return hidden // who knows what it is
	}
	u, err := url.Parse(text)
	if err != nil {
		return hidden
	}
	host := u.Host
	if host == "" { // a socket
		host = u.Query().Get("host")
	}
	if name := u.User.Username(); name != "" {
		host = url.User(name).String() + "@" + host
	}
	return u.Scheme + "://" + host + u.Path
}

// GoString returns what String does.
func (d DSN) GoString() string { return d.String() }

// Format writes what String returns, for every verb.
func (d DSN) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, d.String()) }

// MarshalText returns what String does.
func (d DSN) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// MarshalYAML returns what String does.
func (d DSN) MarshalYAML() (any, error) { return d.String(), nil }

// LogValue returns what String does.
func (d DSN) LogValue() slog.Value { return slog.StringValue(d.String()) }

// pattern is what the schema says of a DSN.
func (DSN) pattern() string { return `^(sqlite:[^?]+|postgres(ql)?://.+)$` }
