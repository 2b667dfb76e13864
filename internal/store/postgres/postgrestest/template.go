package postgrestest

import (
	"fmt"
	"net/url"
	"strings"
	"sync/atomic"
)

// Template is a database that others are copies of: a copy takes a fraction of what
// making a schema does.
type Template struct {
	at     *url.URL
	copies atomic.Int64
}

// NewTemplate makes a template of the database of a DSN that Create returned. Whoever
// has written it has closed it.
func NewTemplate(dsn string) (*Template, error) {
	at, err := url.Parse(dsn)
	if err != nil {
		return nil, err
	}
	return &Template{at: at}, nil
}

// Copy makes a copy and returns its DSN.
func (t *Template) Copy() (dsn string, err error) {
	name := strings.TrimPrefix(t.at.Path, "/")
	all, one := *t.at, *t.at
	all.Path, one.Path = "/postgres", fmt.Sprintf("/%s_%d", name, t.copies.Add(1))
	return one.String(), queryAt(all.String(), "CREATE DATABASE "+one.Path[1:]+" TEMPLATE "+name)
}
