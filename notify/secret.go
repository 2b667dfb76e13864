package notify

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/pollwire/pollwire/internal/httpclient"
)

const (
	secretPrefix   = "whsec_"
	privatePrefix  = "whsk_"
	publicPrefix   = "whpk_"
	minSecretBytes = 24
	maxSecretBytes = 64
	newSecretBytes = 33 // a multiple of 3, so that its base64 needs no padding
	maskedSecret   = httpclient.Masked
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

// material is what a secret holds: the key that is shared with the receiver, or
// else a pair of keys of which the private one may be missing.
type material struct {
	shared  []byte
	private ed25519.PrivateKey
	public  ed25519.PublicKey
	// text is what all of it was parsed from, which answers and errors are
	// searched for.
	text string
}

// ParseSecret reads a secret in one of the two forms of Standard Webhooks:
// "whsec_" and the padded standard base64 of 24 to 64 bytes, which is shared with
// the receiver, or "whsk_" and that of the 64 bytes of an Ed25519 private key
// (its seed and its public key, RFC 8032, section 5.1.5), of which the receiver
// needs the public one only. Its errors say what is wrong with the text without
// repeating any of it.
func ParseSecret(text string) (Secret, error) {
	m := &material{text: text}
	var err error
	switch {
	case strings.HasPrefix(text, secretPrefix):
		m.shared, err = parseShared(text)
	case strings.HasPrefix(text, privatePrefix):
		if m.private, err = parsePrivate(text); err == nil {
			m.public, _ = m.private.Public().(ed25519.PublicKey)
		}
	default:
		err = refusePrefix(text)
	}
	if err != nil {
		return Secret{}, err
	}
	return Secret{hidden: &m}, nil
}

// ParseVerifier reads what a receiver verifies with: besides what [ParseSecret]
// reads, "whpk_" and the padded standard base64 of the 32 bytes of an Ed25519
// public key, with which nothing can be signed.
func ParseVerifier(text string) (Secret, error) {
	if !strings.HasPrefix(text, publicPrefix) {
		return ParseSecret(text)
	}
	key, err := decodeKey(text, publicPrefix, "public key")
	switch {
	case err != nil:
		return Secret{}, err
	case len(key) == ed25519.PrivateKeySize:
		return Secret{}, errors.New("public key has 64 bytes, as many as a private key (" + privatePrefix + "): a receiver must not have that")
	case len(key) != ed25519.PublicKeySize:
		return Secret{}, fmt.Errorf("public key has %d bytes; it must be "+publicPrefix+" and the padded standard base64 of 32 bytes", len(key))
	}
	m := &material{public: key, text: text}
	return Secret{hidden: &m}, nil
}

// parseShared reads the key of a whsec_ secret.
func parseShared(text string) ([]byte, error) {
	key, err := decodeKey(text, secretPrefix, "secret")
	switch {
	case err != nil:
		return nil, err
	case len(key) < minSecretBytes || len(key) > maxSecretBytes:
		return nil, fmt.Errorf("secret has %d bytes; %s", len(key), secretForm)
	}
	return key, nil
}

// parsePrivate reads the key of a whsk_ secret.
func parsePrivate(text string) (ed25519.PrivateKey, error) {
	key, err := decodeKey(text, privatePrefix, "private key")
	switch {
	case err != nil:
		return nil, err
	case len(key) == ed25519.SeedSize:
		return nil, errors.New("private key has 32 bytes, which is its seed alone or a public key; the whole of it has 64: its seed, then its public key")
	case len(key) != ed25519.PrivateKeySize:
		return nil, fmt.Errorf("private key has %d bytes; it must be "+privatePrefix+" and the padded standard base64 of 64 bytes", len(key))
	}
	private := ed25519.PrivateKey(key)
	if !private.Equal(ed25519.NewKeyFromSeed(private.Seed())) {
		return nil, errors.New("private key is not one: its second half is not the public key of its first; it was put together or pasted wrongly")
	}
	return private, nil
}

// decodeKey decodes what follows a prefix. what names it in errors.
func decodeKey(text, prefix, what string) ([]byte, error) {
	encoded := strings.TrimPrefix(text, prefix)
	// The decoder skips line breaks, other libraries do not.
	if strings.ContainsAny(encoded, " \t\r\n") {
		return nil, errors.New(what + " contains white space; remove it")
	}
	if strings.HasPrefix(encoded, secretPrefix) || strings.HasPrefix(encoded, privatePrefix) || strings.HasPrefix(encoded, publicPrefix) {
		return nil, errors.New(what + " has its prefix twice; remove one")
	}
	if strings.ContainsAny(encoded, "-_") {
		return nil, errors.New(what + " is URL-safe base64; standard base64, with + and / for - and _, is needed")
	}
	if len(encoded)%4 != 0 {
		return nil, errors.New(what + " is base64 without its padding, or cut; add = until its length, without the prefix, is a multiple of 4")
	}
	key, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return nil, fmt.Errorf("%s is no standard base64; after %s only letters, digits, + and / may stand, and = at the end", what, prefix)
	}
	return key, nil
}

// refusePrefix says what a text may be that begins with no known prefix.
func refusePrefix(text string) error {
	switch {
	case text == "":
		return errors.New("secret is empty; " + secretForm)
	case strings.HasPrefix(text, publicPrefix):
		return errors.New("secret is a public key (" + publicPrefix + "), which verifies and cannot sign: receivers have it; here its private key (" + privatePrefix + ") is needed")
	case strings.TrimSpace(text) != text:
		return errors.New("secret contains white space; remove it")
	case strings.Trim(text, `"'`) != text:
		return errors.New("secret stands in quotes that are part of it; remove them")
	case strings.HasPrefix(text, "-----BEGIN"):
		return errors.New("secret is a key in PEM; " + privatePrefix + " and the padded standard base64 of the 64 bytes of an Ed25519 key is needed")
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

// Live reports whether the secret is used at a time.
func (s Secret) Live(now time.Time) bool {
	return s.hidden != nil && (s.Until.IsZero() || now.Before(s.Until))
}

// Public returns the public key of a whsk_ or whpk_ secret, in the form that
// [ParseVerifier] reads. It is no secret: receivers verify with it. For others
// it returns the empty string.
func (s Secret) Public() string {
	m := s.reveal()
	if m == nil || m.public == nil {
		return ""
	}
	return publicPrefix + base64.StdEncoding.EncodeToString(m.public)
}

// signs reports whether anything can be signed with the secret at a time.
func (s Secret) signs(now time.Time) bool {
	return s.Live(now) && (s.reveal().shared != nil || s.reveal().private != nil)
}

// isShared reports whether the secret is live and one that the receiver has too.
func (s Secret) isShared(now time.Time) bool { return s.Live(now) && s.reveal().shared != nil }

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
