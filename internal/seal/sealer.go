// Package seal encrypts secrets that have to be stored, under the operator's
// storage.encryption_key. It knows neither what they are for nor where they are
// kept.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
)

// version is the first byte of what is sealed.
const version = 1

// ErrSealed says that what was sealed was changed, or by another key.
var ErrSealed = errors.New("it was sealed by another key, or is damaged")

// Purpose keeps what is sealed for one thing from being opened for another:
// each has a key of its own, derived from the operator's. It is part of what is
// stored, so that it must never change.
type Purpose string

// The purposes.
const (
	// Tokens are refresh tokens that replaced the configured ones.
	Tokens Purpose = "pollwire sealed tokens v1"
	// Subscriptions are URLs and secrets that were registered over the API.
	Subscriptions Purpose = "pollwire sealed subscriptions v1"
)

// Sealer encrypts secrets: AES-256-GCM under a key that HKDF-SHA-256 (RFC 5869)
// derives from the operator's, with the purpose as its info. The name under
// which a secret is stored is authenticated with it, so that none can be put in
// the place of another. The form is the version, a random nonce of 12 bytes, and
// the ciphertext with its tag. Its methods may be called concurrently.
type Sealer struct{ aead cipher.AEAD }

// New returns a sealer for a key, which should be at least 32 bytes of text.
func New(key string, purpose Purpose) *Sealer {
	derived, err := hkdf.Key(sha256.New, []byte(key), nil, string(purpose), 32)
	if err != nil {
		panic(err) // 32 bytes can be derived
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		panic(err) // 32 bytes are a key
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err) // AES has blocks of 16 bytes
	}
	return &Sealer{aead}
}

// Seal encrypts a secret that is stored under a name. An empty one is an error.
func (s *Sealer) Seal(name, secret string) ([]byte, error) {
	if secret == "" {
		return nil, errors.New("nothing to seal")
	}
	return s.aead.Seal([]byte{version}, nil, []byte(secret), []byte(name)), nil //nolint:gosec // it makes its own nonce, and takes none
}

// Open gives back what Seal took, or fails with [ErrSealed].
func (s *Sealer) Open(name string, sealed []byte) (string, error) {
	if len(sealed) == 0 || sealed[0] != version {
		return "", ErrSealed
	}
	secret, err := s.aead.Open(nil, nil, sealed[1:], []byte(name))
	if err != nil || len(secret) == 0 {
		return "", ErrSealed
	}
	return string(secret), nil
}
