package config

import (
	"errors"
	"time"
)

// From is where in the log a new endpoint starts; the zero From is now.
type From struct {
	// Beginning is the first event that there still is.
	Beginning bool
	// Time is that of the first event; zero for now.
	Time time.Time
}

var errFrom = errors.New("write now, beginning, or a time with date, time and zone, such as 2027-01-01T00:00:00Z")

// UnmarshalText reads now, beginning or a time of RFC 3339.
func (f *From) UnmarshalText(text []byte) error {
	switch string(text) {
	case "now":
		*f = From{}
		return nil
	case "beginning":
		*f = From{Beginning: true}
		return nil
	}
	t, err := time.Parse(time.RFC3339, string(text))
	if err != nil || t.IsZero() {
		return errFrom
	}
	*f = From{Time: t}
	return nil
}

// String writes it as a configuration does.
func (f From) String() string {
	switch {
	case f.Beginning:
		return "beginning"
	case f.Time.IsZero():
		return "now"
	}
	return f.Time.Format(time.RFC3339Nano)
}

func (From) pattern() string {
	return `^(now|beginning|\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d.*)$`
}
