package seal_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/pollwire/pollwire/internal/seal"
)

const key = "a key of the operator's, 32 bytes long"

func TestSealer(t *testing.T) {
	t.Parallel()
	s := seal.New(key, seal.Tokens)
	one, err := s.Seal("name", "refresh-secret")
	if err != nil {
		t.Fatal(err)
	}
	two, err := s.Seal("name", "refresh-secret")
	if err != nil || bytes.Equal(one, two) {
		t.Errorf("two seals are equal, error %v", err)
	}
	if got, err := seal.New(key, seal.Tokens).Open("name", one); got != "refresh-secret" || err != nil {
		t.Errorf("open = %q, %v", got, err)
	}
	if _, err := s.Open("other", one); !errors.Is(err, seal.ErrSealed) {
		t.Errorf("under another name: %v", err)
	}
	if _, err := seal.New(key+".", seal.Tokens).Open("name", one); !errors.Is(err, seal.ErrSealed) {
		t.Errorf("with another key: %v", err)
	}
	if _, err := seal.New(key, seal.Subscriptions).Open("name", one); !errors.Is(err, seal.ErrSealed) {
		t.Errorf("for another purpose: %v", err)
	}
	for i := range one {
		changed := bytes.Clone(one)
		changed[i] ^= 1
		if _, err := s.Open("name", changed); !errors.Is(err, seal.ErrSealed) {
			t.Errorf("byte %d changed: %v", i, err)
		}
		if _, err := s.Open("name", one[:i]); !errors.Is(err, seal.ErrSealed) {
			t.Errorf("cut at %d: %v", i, err)
		}
	}
	if _, err := s.Seal("name", ""); err == nil {
		t.Error("nothing was sealed")
	}
}

// TestWhatWasSealedCanBeOpened: what databases hold stays readable.
func TestWhatWasSealedCanBeOpened(t *testing.T) {
	t.Parallel()
	for purpose, sealed := range map[seal.Purpose]string{
		seal.Tokens:        "018975c18da1cfb2476cdb311df11e195dc38eafd937c09ecb305ca7c0e408df8dc017",
		seal.Subscriptions: "015d1ef0122b0ca7479f314ade2fbc280ddcc698b10b9270f9009424060ef43614c806",
	} {
		raw, err := hex.DecodeString(sealed)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := seal.New(key, purpose).Open("name", raw); got != "secret" || err != nil {
			t.Errorf("%s: open = %q, %v", purpose, got, err)
		}
	}
}
