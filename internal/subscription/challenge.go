package subscription

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/pollwire/pollwire/notify"
)

// challengeType is the type of the event that a challenge is sent as.
const challengeType = "pollwire.endpoint.challenge"

// challenge is a text that nobody can know who does not get what is posted to a
// URL. It is posted as any webhook is, signed too, with the text in its data.
type challenge struct {
	id, text string
	body     []byte
}

func newChallenge(subscription string) (*challenge, error) {
	c := &challenge{id: "test_" + newULID(), text: rand.Text()}
	data, err := json.Marshal(map[string]string{"name": subscription, "challenge": c.text})
	if err != nil {
		return nil, fmt.Errorf("encode challenge: %w", err)
	}
	// Nothing has happened, so there is nothing to link to.
	c.body, err = notify.Envelope(&notify.Event{
		ID: c.id, Type: challengeType, Source: subscription, Time: time.Now(), Alert: true, Data: data,
	}, "")
	return c, err
}

// echoed says whether an answer is the text, alone, as a JSON string, or as the
// member "challenge" of an object. What sends back all that it gets does not
// pass: there the text stands deeper.
func (c *challenge) echoed(answer []byte) bool {
	answer = bytes.TrimSpace(answer)
	if string(answer) == c.text {
		return true
	}
	var text string
	if json.Unmarshal(answer, &text) == nil {
		return text == c.text
	}
	var object struct {
		Challenge string `json:"challenge"`
	}
	return json.Unmarshal(answer, &object) == nil && object.Challenge == c.text
}

func newULID() string { return ulid.MustNew(ulid.Now(), rand.Reader).String() }
