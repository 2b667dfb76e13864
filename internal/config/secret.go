package config

import (
	"fmt"
	"io"
	"log/slog"
)

const hidden = "<secret>"

// Secret is a value that must not be shown. However it is printed, logged or
// marshalled, it gives "<secret>"; only Reveal gives the value.
type Secret string

// Reveal returns the value.
func (s Secret) Reveal() string { return string(s) }

// String returns "<secret>".
func (s Secret) String() string { return hidden }

// GoString returns "<secret>".
func (s Secret) GoString() string { return hidden }

// Format writes "<secret>" for every verb: without it, %d would show the value.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// MarshalText returns "<secret>". It serves JSON and map keys too.
func (s Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// MarshalYAML returns "<secret>".
func (s Secret) MarshalYAML() (any, error) { return hidden, nil }

// LogValue returns "<secret>".
func (s Secret) LogValue() slog.Value { return slog.StringValue(hidden) }
