package store

import (
	"encoding/json"
	"fmt"
	"time"
)

// Subscription is an endpoint that was registered over the API.
type Subscription struct {
	// ID is "sub_" and a ULID. It is the name of the endpoint, too.
	ID string
	// Sealed holds the URL and the secret, encrypted before they come here.
	Sealed []byte
	// Sources are the names of the sources whose events are told, none for all.
	Sources []string
	// Events are the patterns of event types that are told, none for all changes.
	Events []string
	// Filter is an expression, empty for none.
	Filter    string
	CreatedAt time.Time
}

// EncodeLists gives Sources and Events as engines store them: JSON arrays of
// strings, never null.
func (s *Subscription) EncodeLists() (sources, events string, err error) {
	encoded := make([][]byte, 2)
	for i, names := range [][]string{s.Sources, s.Events} {
		if encoded[i], err = json.Marshal(append([]string{}, names...)); err != nil {
			return "", "", err
		}
	}
	return string(encoded[0]), string(encoded[1]), nil
}

// DecodeLists sets Sources and Events to what EncodeLists gave.
func (s *Subscription) DecodeLists(sources, events string) error {
	if err := json.Unmarshal([]byte(sources), &s.Sources); err != nil {
		return fmt.Errorf("decode sources of %s: %w", s.ID, err)
	}
	if err := json.Unmarshal([]byte(events), &s.Events); err != nil {
		return fmt.Errorf("decode events of %s: %w", s.ID, err)
	}
	return nil
}

// EndInSteps ends a subscription in steps, of which each is a transaction that looks
// at up to batch deliveries, and returns how many it made dead: it goes on until
// one has found fewer. The first step is told that it is.
func EndInSteps(batch int64, step func(first bool) (found, dead int64, err error)) (dead int64, err error) {
	for first := true; ; first = false {
		found, ended, err := step(first)
		if err != nil {
			return dead, err
		}
		dead += ended
		if found < batch {
			return dead, nil
		}
	}
}
