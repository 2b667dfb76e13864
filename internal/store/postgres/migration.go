package postgres

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migration is one step of the schema: a file NNNNN_name.sql, whose first line
// says which version a program must know to use the database after it.
type migration struct {
	version, needs int64
	sql            string
}

// header is the first line of a migration. Where older programs may go on with the
// schema, what it needs is the version of the oldest one; else it is its own.
var header = regexp.MustCompile(`\A-- needs (\d+)\n`)

// readMigrations returns the migrations of a folder, in their order.
func readMigrations(files fs.FS, folder string) ([]migration, error) {
	entries, err := fs.ReadDir(files, folder) // by name
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	var found []migration
	for _, entry := range entries {
		m, err := readMigration(files, path.Join(folder, entry.Name()))
		if err != nil {
			return nil, fmt.Errorf("read migration %s: %w", entry.Name(), err)
		}
		if want := int64(len(found) + 1); m.version != want || m.needs > want {
			return nil, fmt.Errorf("read migration %s: version %d that needs %d, want version %d", entry.Name(), m.version, m.needs, want)
		}
		found = append(found, m)
	}
	return found, nil
}

func readMigration(files fs.FS, name string) (m migration, err error) {
	number, _, _ := strings.Cut(path.Base(name), "_")
	if m.version, err = strconv.ParseInt(number, 10, 64); err != nil {
		return m, err
	}
	data, err := fs.ReadFile(files, name)
	if err != nil {
		return m, err
	}
	first := header.FindSubmatch(data)
	if first == nil {
		return m, fmt.Errorf("no line %q at its beginning", "-- needs VERSION")
	}
	m.sql = string(data)
	m.needs, err = strconv.ParseInt(string(first[1]), 10, 64)
	return m, err
}
