package postgres

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/pollwire/pollwire/internal/store"
)

// FuzzText has every string back, as text that PostgreSQL takes.
func FuzzText(f *testing.F) {
	for _, s := range []string{"", "orders", "orders\x007", "\x00", "\x01", "\x01\x01", "\x0102", "ü€😀", "\xff\xfe", "a\xc3", "\xed\xa0\x80", "\ufffd", "\x01ff"} {
		f.Add(s, "tail")
		f.Add("\xc3", s)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		s := text(a)
		if !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0 {
			t.Fatalf("%q is stored as %q", a, s)
		}
		if back := untext(s); back != a {
			t.Fatalf("%q came back as %q", a, back)
		}
		// A rename cuts names of lanes where a source ends.
		if utf8.ValidString(a) && text(a+b) != s+text(b) {
			t.Fatalf("%q and %q: %q, not %q", a, b, text(a+b), s+text(b))
		}
		if utf8.ValidString(a) && utf8.ValidString(b) && (a < b) != (s < text(b)) {
			t.Fatalf("%q and %q have another order as %q and %q", a, b, s, text(b))
		}
		_ = untext(a) // what nobody wrote must not end the program
	})
}

// TestValues come back from a database as they went there.
func TestValues(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, migrated(t))
	at := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	var name string
	var yes, no bool
	var then, never time.Time
	err := s.pool.QueryRow(t.Context(), "SELECT $1::text, $2::bigint, $3::bigint, $4::bigint, $5::bigint",
		text("a\x00\xffb"), number(true), number(false), store.Micros(at), store.Micros(time.Time{})).
		Scan((*stored)(&name), (*flag)(&yes), (*flag)(&no), (*moment)(&then), (*moment)(&never))
	must(t, err)
	if name != "a\x00\xffb" || !yes || no || !then.Equal(at) || !never.IsZero() {
		t.Errorf("got %q, %v, %v, %v, %v", name, yes, no, then, never)
	}
}
