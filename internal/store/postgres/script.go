package postgres

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// script is a list of statements that are sent in one message of the simple
// protocol. The server begins with none before it has the whole message: where a
// client is cut off in the middle, no statement was run, and no row stays locked
// by one that waits for the rest. Its arguments stand in the text as literals.
type script struct {
	text       []byte
	statements int
}

// add adds a statement and returns its place among the results. In it $1, $2 … are
// replaced by literals of arguments: integers, strings, and slices of them as
// bigint[] and text[]. Strings are stored as text has them. Bytes stand in base64,
// to be read by decode(x, 'base64').
func (s *script) add(statement string, args ...any) int {
	for {
		before, rest, found := strings.Cut(statement, "$")
		s.text = append(s.text, before...)
		if !found {
			break
		}
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		n, _ := strconv.Atoi(rest[:digits])
		s.literal(args[n-1])
		statement = rest[digits:]
	}
	s.text = append(s.text, ";\n"...)
	s.statements++
	return s.statements - 1
}

func (s *script) literal(arg any) {
	switch v := arg.(type) {
	case int64:
		// A minus behind another one would begin a comment.
		s.text = append(strconv.AppendInt(append(s.text, '('), v, 10), ')')
	case string:
		s.quote(func() { s.characters(text(v)) })
	case []int64:
		s.array("bigint", len(v), func(i int) { s.text = strconv.AppendInt(s.text, v[i], 10) })
	case []string:
		s.array("text", len(v), func(i int) { s.element(text(v[i])) })
	case [][]byte:
		s.array("text", len(v), func(i int) {
			s.text = append(s.text, '"')
			s.text = base64.StdEncoding.AppendEncode(s.text, v[i])
			s.text = append(s.text, '"')
		})
	default:
		panic(fmt.Sprintf("no literal of %T", arg)) // a mistake in this package
	}
}

// quote writes a string literal, in the form whose meaning no setting changes.
func (s *script) quote(content func()) {
	s.text = append(s.text, "E'"...)
	content()
	s.text = append(s.text, '\'')
}

func (s *script) array(kind string, n int, element func(i int)) {
	s.quote(func() {
		s.text = append(s.text, '{')
		for i := range n {
			if i > 0 {
				s.text = append(s.text, ',')
			}
			element(i)
		}
		s.text = append(s.text, '}')
	})
	s.text = append(s.text, "::"...)
	s.text = append(s.text, kind...)
	s.text = append(s.text, "[]"...)
}

// element writes a string as an element of an array: escaped once for the array,
// and all that once more for the literal.
func (s *script) element(v string) {
	s.text = append(s.text, '"')
	for i := range len(v) {
		switch c := v[i]; c {
		case '"':
			s.text = append(s.text, `\\"`...)
		case '\\':
			s.text = append(s.text, `\\\\`...)
		case '\'':
			s.text = append(s.text, "''"...)
		default:
			s.text = append(s.text, c)
		}
	}
	s.text = append(s.text, '"')
}

// characters writes what a literal says.
func (s *script) characters(v string) {
	for i := range len(v) {
		if v[i] == '\\' || v[i] == '\'' {
			s.text = append(s.text, v[i])
		}
		s.text = append(s.text, v[i])
	}
}

// begin begins a transaction that waits so long for its client.
func (s *script) begin(idle time.Duration) {
	statements := beginning(idle)
	s.text = append(append(s.text, statements...), ";\n"...)
	s.statements += 1 + strings.Count(statements, ";")
}

// results are what the statements of a script gave, by their places.
type results []*pgconn.Result

// run sends a script and returns what its statements gave. With an error the
// results are of those before the one that failed.
func (s *Store) run(ctx context.Context, conn *pgxpool.Conn, sc *script) (results, error) {
	if conn.Conn().PgConn().ParameterStatus("client_encoding") != "UTF8" {
		return nil, fmt.Errorf("the connection's client_encoding is not UTF8")
	}
	return conn.Conn().PgConn().Exec(ctx, string(sc.text)).ReadAll()
}

// integer is a column of a result.
func integer(column []byte) int64 {
	n, _ := strconv.ParseInt(string(column), 10, 64) // the server wrote it
	return n
}
