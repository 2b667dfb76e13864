package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The headers of Standard Webhooks.
const (
	HeaderID        = "Webhook-Id"
	HeaderTimestamp = "Webhook-Timestamp"
	HeaderSignature = "Webhook-Signature"
)

var (
	// ErrNoSignature says that a request lacks the id, timestamp or signature
	// header, so that it is no signed webhook.
	ErrNoSignature = errors.New("webhook-id, webhook-timestamp or webhook-signature is missing")
	// ErrTimestamp says that the timestamp is no number, or too far from now:
	// the request is old, repeated by somebody, or a clock is wrong.
	ErrTimestamp = errors.New("webhook-timestamp is not near the present time")
	// ErrSignature says that no signature matches: the body was altered, or
	// was signed with another secret.
	ErrSignature = errors.New("webhook-signature matches none of the secrets")
)

const signatureVersion = "v1,"

// Sign returns the webhook-signature of a body that is posted at a time: one
// signature for each secret that is live then, in their order, separated by
// spaces. Without a live secret it returns the empty string.
func Sign(id string, at time.Time, body []byte, secrets []Secret) string {
	var signed [128]byte
	out := signed[:0]
	timestamp := strconv.FormatInt(at.Unix(), 10)
	for _, s := range secrets {
		if !s.Live(at) {
			continue
		}
		if len(out) > 0 {
			out = append(out, ' ')
		}
		sum := s.sum(id, timestamp, body)
		out = append(out, signatureVersion...)
		out = base64.StdEncoding.AppendEncode(out, sum[:])
	}
	return string(out)
}

// Verify checks that a request was signed with one of the secrets that are
// live now, and less than tolerance away from now; five minutes are usual. It
// fails with [ErrNoSignature], [ErrTimestamp] or [ErrSignature]. What it says
// of a signature takes the same time for every wrong one.
func Verify(header http.Header, body []byte, secrets []Secret, now time.Time, tolerance time.Duration) error {
	id, timestamp, signatures := header.Get(HeaderID), header.Get(HeaderTimestamp), header.Get(HeaderSignature)
	if id == "" || timestamp == "" || signatures == "" {
		return ErrNoSignature
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return ErrTimestamp
	}
	// Sub saturates, so that an absurd timestamp is far away, not near.
	if away := now.Sub(time.Unix(seconds, 0)); away >= tolerance || away <= -tolerance {
		return ErrTimestamp
	}
	for _, s := range secrets {
		if s.Live(now) && s.signed(id, timestamp, body, signatures) {
			return nil
		}
	}
	return ErrSignature
}

// signed reports whether one of the signatures is that of the secret. Those of
// other versions are passed over.
func (s Secret) signed(id, timestamp string, body []byte, signatures string) bool {
	sum := s.sum(id, timestamp, body)
	want := base64.StdEncoding.AppendEncode(nil, sum[:])
	found := false
	for signature := range strings.SplitSeq(signatures, " ") {
		encoded, ok := strings.CutPrefix(signature, signatureVersion)
		if ok && hmac.Equal([]byte(encoded), want) {
			found = true
		}
	}
	return found
}

// sum is the HMAC of what Standard Webhooks signs: id, timestamp and body,
// separated by dots.
func (s Secret) sum(id, timestamp string, body []byte) (sum [sha256.Size]byte) {
	var prefix [96]byte
	head := append(append(append(append(prefix[:0], id...), '.'), timestamp...), '.')
	h := hmac.New(sha256.New, s.reveal().key)
	h.Write(head)
	h.Write(body)
	h.Sum(sum[:0])
	return sum
}
