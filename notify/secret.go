package notify

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"
)

const (
	secretPrefix   = "whsec_"
	minSecretBytes = 24
	maxSecretBytes = 64
	newSecretBytes = 33 // a multiple of 3, so that its base64 needs no padding
	maskedSecret   = "<secret>"
	secretForm     = "it must be " + secretPrefix + " and the padded standard base64 of 24 to 64 bytes"
)

// Secret signs what is sent to an endpoint. It never prints: every way to turn
// it into text gives "<secret>". The zero value signs nothing.
type Secret struct {
	// hidden is a pointer to a pointer because fmt prints unexported fields of
	// enclosing structs without asking their methods, and follows one pointer
	// where the verb does not fit.
	hidden **material
	// Until is when the secret stops signing and verifying; zero for never.
	Until time.Time
}

// material is the key and the text that it was parsed from, which answers and
// errors are searched for.
type material struct {
	key  []byte
	text string
}

// ParseSecret reads a secret in the form of Standard Webhooks: "whsec_" and the
// padded standard base64 of 24 to 64 bytes. Its errors say what is wrong with
// the text without repeating any of it.
func ParseSecret(text string) (Secret, error) {
	encoded, ok := strings.CutPrefix(text, secretPrefix)
	if !ok {
		return Secret{}, refusePrefix(text)
	}
	// The decoder skips line breaks, other libraries do not.
	if strings.ContainsAny(encoded, " \t\r\n") {
		return Secret{}, errors.New("secret contains white space; remove it")
	}
	if strings.ContainsAny(encoded, "-_") {
		return Secret{}, errors.New("secret is URL-safe base64; standard base64, with + and / for - and _, is needed")
	}
	if len(encoded)%4 != 0 {
		return Secret{}, errors.New("secret is base64 without its padding; add = until its length, without the prefix, is a multiple of 4")
	}
	key, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return Secret{}, errors.New("secret is no standard base64; " + secretForm)
	}
	if len(key) < minSecretBytes || len(key) > maxSecretBytes {
		return Secret{}, fmt.Errorf("secret has %d bytes; %s", len(key), secretForm)
	}
	m := &material{key: key, text: text}
	return Secret{hidden: &m}, nil
}

// refusePrefix says what a text that does not begin with whsec_ may be.
func refusePrefix(text string) error {
	switch {
	case text == "":
		return errors.New("secret is empty; " + secretForm)
	case strings.HasPrefix(text, "whsk_"), strings.HasPrefix(text, "whpk_"):
		return errors.New("secret is a key for asymmetric signatures (whsk_, whpk_), which are not supported; " + secretForm)
	default:
		return errors.New("secret does not begin with " + secretPrefix + "; " + secretForm)
	}
}

// GenerateSecret returns a new secret of 33 random bytes in the form that
// [ParseSecret] reads.
func GenerateSecret() string {
	key := make([]byte, newSecretBytes)
	// Read never fails: the runtime ends the process where there is no randomness.
	_, _ = rand.Read(key)
	return secretPrefix + base64.StdEncoding.EncodeToString(key)
}

// Live reports whether the secret can sign and verify at a time.
func (s Secret) Live(now time.Time) bool {
	return s.hidden != nil && (s.Until.IsZero() || now.Before(s.Until))
}

// reveal returns the key and its text; nil for the zero value.
func (s Secret) reveal() *material {
	if s.hidden == nil {
		return nil
	}
	return *s.hidden
}

// String returns "<secret>".
func (s Secret) String() string { return maskedSecret }

// GoString returns "<secret>".
func (s Secret) GoString() string { return maskedSecret }

// Format writes "<secret>" for every verb; without it %d would print the key.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, maskedSecret) }

// LogValue returns "<secret>".
func (s Secret) LogValue() slog.Value { return slog.StringValue(maskedSecret) }

// MarshalText returns "<secret>".
func (s Secret) MarshalText() ([]byte, error) { return []byte(maskedSecret), nil }

var (
	_ fmt.Formatter  = Secret{}
	_ slog.LogValuer = Secret{}
)
