package poller

import (
	"bytes"
	"errors"
	"testing"
)

func TestSealer(t *testing.T) {
	t.Parallel()
	s := newSealer(sealingKey)
	one, err := s.seal("name", "refresh-secret")
	if err != nil {
		t.Fatal(err)
	}
	two, err := s.seal("name", "refresh-secret")
	if err != nil || bytes.Equal(one, two) {
		t.Errorf("two seals are equal, error %v", err)
	}
	if got, err := newSealer(sealingKey).open("name", one); got != "refresh-secret" || err != nil {
		t.Errorf("open = %q, %v", got, err)
	}
	if _, err := s.open("other", one); !errors.Is(err, errSealed) {
		t.Errorf("under another name: %v", err)
	}
	if _, err := newSealer(sealingKey+".").open("name", one); !errors.Is(err, errSealed) {
		t.Errorf("with another key: %v", err)
	}
	for i := range one {
		changed := bytes.Clone(one)
		changed[i] ^= 1
		if _, err := s.open("name", changed); !errors.Is(err, errSealed) {
			t.Errorf("byte %d changed: %v", i, err)
		}
		if _, err := s.open("name", one[:i]); !errors.Is(err, errSealed) {
			t.Errorf("cut at %d: %v", i, err)
		}
	}
	if _, err := s.seal("name", ""); err == nil {
		t.Error("nothing was sealed")
	}
}
