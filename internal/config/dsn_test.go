package config

import (
	"fmt"
	"strings"
	"testing"
)

// TestDSN shows of each DSN what others may see, and tells the engines apart.
func TestDSN(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		text, shown string
		engine      Engine
		path        string
	}{
		{"sqlite:/srv/p.db", "sqlite:/srv/p.db", SQLite, "/srv/p.db"},
		{"sqlite:p.db", "sqlite:p.db", SQLite, "p.db"},
		{"postgres://pw:topsecret@db/pollwire", "postgres://pw@db/pollwire", PostgreSQL, ""},
		{"postgresql://pw:topsecret@db:5432/pollwire?sslpassword=topsecret", "postgresql://pw@db:5432/pollwire", PostgreSQL, ""},
		{"postgres://pw:topsecret@a:5432,b:5433/pollwire", "postgres://pw@a:5432,b:5433/pollwire", PostgreSQL, ""},
		{"postgres://db/pollwire", "postgres://db/pollwire", PostgreSQL, ""},
		{"postgres://pw@/pollwire?host=/run/postgresql&password=topsecret", "postgres://pw@/run/postgresql/pollwire", PostgreSQL, ""},
		{"postgres://pw:top%2Fsecret%25@[::1]/pollwire", "postgres://pw@[::1]/pollwire", PostgreSQL, ""},
		{"postgres://pw:topsecret@db/?dbname=pollwire", "postgres://pw@db/", PostgreSQL, ""},
	} {
		d, err := ParseDSN(tc.text)
		if err != nil {
			t.Errorf("%s: %v", tc.text, err)
		}
		if d.String() != tc.shown || d.Engine() != tc.engine || d.Path() != tc.path || d.Reveal() != tc.text || d.IsZero() {
			t.Errorf("%s: %s, %s, %q", tc.text, d, d.Engine(), d.Path())
		}
		if name := (Storage{DSN: d}).Name(); name != strings.TrimPrefix(tc.shown, "sqlite:") {
			t.Errorf("%s is called %s", tc.text, name)
		}
		for sink, text := range printed(t, Storage{DSN: d}) {
			if strings.Contains(text, "topsecret") || strings.Contains(text, "secret%25") {
				t.Errorf("%s: seen in %s", sink, text)
			}
		}
	}
	if d := NewDSN("mysql://root:topsecret@db"); d.String() != hidden || d.Path() != "" {
		t.Errorf("one that is none is shown as %s", d)
	}
	if d := NewDSN("postgres://root:topsecret%@db/p"); d.String() != hidden {
		t.Errorf("one that cannot be read is shown as %s", d)
	}
	if _, err := ParseDSN("postgres://root:topsecret@1@db/p"); err == nil || !strings.Contains(err.Error(), "%40") {
		t.Errorf("an @ in a password: %v", err)
	}
	if !NewDSN("").IsZero() {
		t.Error("an empty one is none")
	}
}

// FuzzParseDSN: whatever stands there, no error has the password, and what is shown has no parameters.
func FuzzParseDSN(f *testing.F) {
	for _, prefix := range []string{"sqlite:", "postgres://user:", "postgres://user@host/db?password=", "mysql://", ""} {
		f.Add(prefix, "@host/db")
	}
	const secret = "hunter2hunter2"
	f.Fuzz(func(t *testing.T, before, after string) {
		d, err := ParseDSN(before + secret + after)
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("the error shows it: %v", err)
		}
		if shown := fmt.Sprint(d); strings.HasPrefix(before, "postgres://user@host/db?") && strings.Contains(shown, secret) {
			t.Errorf("it is shown: %s", shown)
		}
		if d.Reveal() != before+secret+after {
			t.Error("it is another one")
		}
	})
}
