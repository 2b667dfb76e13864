package poller

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
)

const (
	// sealLabel is the info of HKDF, so that the operator's key serves nothing
	// but this under what is derived for it.
	sealLabel = "pollwire sealed tokens v1"
	// sealVersion is the first byte of what is sealed.
	sealVersion = 1
)

// errSealed says that what was sealed was changed, or by another key.
var errSealed = errors.New("it was sealed by another key, or is damaged")

// sealer encrypts secrets that have to be stored: AES-256-GCM under a key that
// HKDF-SHA-256 (RFC 5869) derives from the operator's. The name under which a
// secret is stored is authenticated with it, so that none can be put in the
// place of another. The form is the version, a random nonce of 12 bytes, and
// the ciphertext with its tag.
type sealer struct{ aead cipher.AEAD }

func newSealer(key string) *sealer {
	derived, err := hkdf.Key(sha256.New, []byte(key), nil, sealLabel, 32)
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
	return &sealer{aead}
}

// seal encrypts a secret that is stored under a name.
func (s *sealer) seal(name, secret string) ([]byte, error) {
	if secret == "" {
		return nil, errors.New("nothing to seal")
	}
	return s.aead.Seal([]byte{sealVersion}, nil, []byte(secret), []byte(name)), nil //nolint:gosec // it makes its own nonce, and takes none
}

// open gives back what seal took.
func (s *sealer) open(name string, sealed []byte) (string, error) {
	if len(sealed) == 0 || sealed[0] != sealVersion {
		return "", fmt.Errorf("open sealed token: %w", errSealed)
	}
	secret, err := s.aead.Open(nil, nil, sealed[1:], []byte(name))
	if err != nil || len(secret) == 0 {
		return "", fmt.Errorf("open sealed token: %w", errSealed)
	}
	return string(secret), nil
}
