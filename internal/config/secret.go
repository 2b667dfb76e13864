package config

import (
	"fmt"
	"io"
	"log/slog"
	"unique"
)

const hidden = "<secret>"

// Secret is a value that must not be shown. However it is printed, logged or
// marshalled, it gives "<secret>"; only Reveal gives the value. Two secrets are
// equal (==) where their values are. The zero Secret is empty.
//
// It is no string underneath: fmt passes over all methods where a verb does not
// fit a pointer in a struct, and would print the string.
type Secret struct {
	value unique.Handle[string]
}

// NewSecret hides a value.
func NewSecret(value string) Secret {
	if value == "" {
		return Secret{}
	}
	return Secret{unique.Make(value)}
}

// Reveal returns the value.
func (s Secret) Reveal() string {
	if s.IsZero() {
		return ""
	}
	return s.value.Value()
}

// IsZero says whether the secret is empty.
func (s Secret) IsZero() bool { return s == Secret{} }

// String returns "<secret>".
func (s Secret) String() string { return hidden }

// GoString returns "<secret>".
func (s Secret) GoString() string { return hidden }

// Format writes "<secret>" for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// MarshalText returns "<secret>". It serves JSON and map keys too.
func (s Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// MarshalYAML returns "<secret>".
func (s Secret) MarshalYAML() (any, error) { return hidden, nil }

// LogValue returns "<secret>".
func (s Secret) LogValue() slog.Value { return slog.StringValue(hidden) }
