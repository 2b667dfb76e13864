package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pollwire/pollwire/internal/config"
)

// TestLoadStorage: it says where the database is, whatever else there is.
func TestLoadStorage(t *testing.T) {
	for name, tc := range map[string]struct{ text, want, wrong string }{
		"written":            {"storage: {dsn: sqlite:/srv/p.db}\n", "/srv/p.db", ""},
		"from outside":       {"storage: {dsn: \"sqlite:${DIR}/p.db\"}\n", "/srv/p.db", ""},
		"default":            {"sources: []\n", "pollwire.db", ""},
		"other keys":         {"storage: {retention: {events: 7d}}\n", "pollwire.db", ""},
		"nothing below":      {"storage:\nsources: []\n", "", "1:9: storage: want a mapping"},
		"mistakes elsewhere": {"storage: {dsn: sqlite:/srv/p.db, encryption_key: \"${credential:key}\"}\nsauces: {}\n", "/srv/p.db", ""},
		"unset":              {"storage: {dsn: \"${NONE}\"}\n", "", "1:16: storage.dsn: the environment variable NONE is not set: set it, or write ${NONE:-default}"},
		"no engine":          {"storage: {dsn: mysql://root:topsecret@host/p}\n", "", "1:16: storage.dsn: this is no database that pollwire knows: "},
		"no database":        {"storage: {dsn: postgres://root:topsecret@host}\n", "", "1:16: storage.dsn: the URL of a PostgreSQL database ends with the name of the database"},
		"in memory":          {"storage: {dsn: \"sqlite::memory:\"}\n", "", "1:16: storage.dsn: a database in memory loses changes: name a file"},
		"twice":              {"storage: {dsn: sqlite:a, dsn: sqlite:b}\n", "", "1:26: storage.dsn: the key \"dsn\" is already on line 1: keep one"},
		"a list":             {"storage: [sqlite:a]\n", "", "1:10: storage: want a mapping"},
		"no YAML":            {"storage: {\n", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("DIR", "/srv")
			path := filepath.Join(t.TempDir(), "pollwire.yaml")
			if err := os.WriteFile(path, []byte(tc.text), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := config.LoadStorage(path)
			switch {
			case tc.want == "" && (err == nil || !strings.HasPrefix(err.Error(), path+":"+tc.wrong)):
				t.Errorf("%v; want %s", err, tc.wrong)
			case tc.want != "" && (err != nil || got.Path() != tc.want):
				t.Errorf("%q, %v; want %q", got.Path(), err, tc.want)
			}
		})
	}
}
