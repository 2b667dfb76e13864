package postgres

import (
	"encoding/hex"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgtype"
)

// PostgreSQL's text holds neither NUL, which lanes and keys have between a source
// and an item, nor what is not UTF-8, which servers answer. So a byte of it stands
// behind an escape, which itself is a character that hardly any text has. NUL
// stays the least of all, so that what is ordered and cut by its bytes still is.
const (
	escape        = '\x01'
	escapedNUL    = "\x01\x01"
	escapedEscape = "\x01\x02"
)

// text is a string as it is stored. Texts of two strings one after the other are
// the text of both.
func text(s string) string {
	if strings.IndexByte(s, 0) < 0 && strings.IndexByte(s, escape) < 0 && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case r == 0:
			b.WriteString(escapedNUL)
		case r == escape:
			b.WriteString(escapedEscape)
		case r == utf8.RuneError && size == 1:
			b.WriteByte(escape)
			b.WriteString(hex.EncodeToString([]byte(s[:1])))
		default:
			b.WriteString(s[:size])
		}
		s = s[size:]
	}
	return b.String()
}

// untext is the string that text was given.
func untext(stored string) string {
	if strings.IndexByte(stored, escape) < 0 {
		return stored
	}
	var b strings.Builder
	for {
		plain, rest, found := strings.Cut(stored, string(escape))
		b.WriteString(plain)
		if !found {
			return b.String()
		}
		size := min(2, len(rest))
		switch code := rest[:size]; {
		case strings.HasPrefix(code, escapedNUL[1:]):
			size = 1
			b.WriteByte(0)
		case strings.HasPrefix(code, escapedEscape[1:]):
			size = 1
			b.WriteByte(escape)
		default:
			invalid, _ := hex.DecodeString(code) // nothing else is written
			b.Write(invalid)
		}
		stored = rest[size:]
	}
}

// texts are strings as they are stored.
func texts[T ~string](values []T) []string {
	all := make([]string, len(values))
	for i, v := range values {
		all[i] = text(string(v))
	}
	return all
}

// The types below are scanned into, by a conversion of the pointer to what is
// wanted: (*stored)(&e.Subject), (*moment)(&e.Time), (*flag)(&e.Alert).
type (
	// stored is a string that stands as its text.
	stored string
	// flag is 1 for yes and 0 for no.
	flag bool
)

var (
	_ pgtype.TextScanner  = (*stored)(nil)
	_ pgtype.Int64Scanner = (*flag)(nil)
)

func (s *stored) ScanText(v pgtype.Text) error {
	*s = stored(untext(v.String))
	return nil
}

func (f *flag) ScanInt64(v pgtype.Int8) error {
	*f = v.Int64 != 0
	return nil
}

// number is a yes or a no as it is stored.
func number(yes bool) int64 {
	if yes {
		return 1
	}
	return 0
}
