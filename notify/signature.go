package notify

import (
	"crypto/ed25519"
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

// The versions of a signature: by a shared key, and by a private one.
const (
	hmacVersion    = "v1,"
	ed25519Version = "v1a,"
)

// maxSignatures is how many signatures of a request are looked at: a sender has
// a few secrets, and each one that is looked at costs time.
const maxSignatures = 32

// Sign returns the webhook-signature of a body that is posted at a time: one
// signature for each secret that is live then, in their order, separated by
// spaces: "v1," and the base64 of an HMAC-SHA256 by a whsec_ secret, "v1a," and
// that of an Ed25519 signature (RFC 8032) by a whsk_ one. Without a live secret
// that can sign it returns the empty string.
func Sign(id string, at time.Time, body []byte, secrets []Secret) string {
	var signed [128]byte
	out := signed[:0]
	timestamp := strconv.FormatInt(at.Unix(), 10)
	for _, s := range secrets {
		if !s.signs(at) {
			continue
		}
		if len(out) > 0 {
			out = append(out, ' ')
		}
		if s.isShared(at) {
			sum := s.sum(id, timestamp, body)
			out = append(out, hmacVersion...)
			out = base64.StdEncoding.AppendEncode(out, sum[:])
			continue
		}
		signature := ed25519.Sign(s.reveal().private, content(id, timestamp, body))
		out = append(out, ed25519Version...)
		out = base64.StdEncoding.AppendEncode(out, signature)
	}
	return string(out)
}

// Verify checks that a request was signed with one of the secrets that are
// live now, and less than tolerance away from now; five minutes are usual. Of a
// whsk_ or whpk_ secret its public key verifies. It fails with [ErrNoSignature],
// [ErrTimestamp] or [ErrSignature]. What it says of a signature takes the same
// time for every wrong one.
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
	list := strings.Fields(signatures)
	list = list[:min(len(list), maxSignatures)]
	for _, s := range secrets {
		switch {
		case !s.Live(now):
		case s.isShared(now) && s.signed(id, timestamp, body, list):
			return nil
		case !s.isShared(now) && signedBy(s.reveal().public, content(id, timestamp, body), list):
			return nil
		}
	}
	return ErrSignature
}

// signed reports whether one of the signatures is that of the shared secret.
// Those of other versions are passed over.
func (s Secret) signed(id, timestamp string, body []byte, signatures []string) bool {
	sum := s.sum(id, timestamp, body)
	want := base64.StdEncoding.AppendEncode(nil, sum[:])
	found := false
	for _, signature := range signatures {
		encoded, ok := strings.CutPrefix(signature, hmacVersion)
		if ok && hmac.Equal([]byte(encoded), want) {
			found = true
		}
	}
	return found
}

// signedBy reports whether one of the signatures is that of the private key of
// a public one.
func signedBy(key ed25519.PublicKey, content []byte, signatures []string) bool {
	for _, signature := range signatures {
		encoded, ok := strings.CutPrefix(signature, ed25519Version)
		if !ok {
			continue
		}
		raw, err := base64.StdEncoding.Strict().DecodeString(encoded)
		if err == nil && ed25519.Verify(key, content, raw) {
			return true
		}
	}
	return false
}

// content is what Standard Webhooks signs: id, timestamp and body, separated by
// dots.
func content(id, timestamp string, body []byte) []byte {
	out := make([]byte, 0, len(id)+len(timestamp)+len(body)+2)
	out = append(append(append(append(out, id...), '.'), timestamp...), '.')
	return append(out, body...)
}

// sum is the HMAC of the content, without a copy of the body.
func (s Secret) sum(id, timestamp string, body []byte) (sum [sha256.Size]byte) {
	var prefix [96]byte
	head := append(append(append(append(prefix[:0], id...), '.'), timestamp...), '.')
	h := hmac.New(sha256.New, s.reveal().shared)
	h.Write(head)
	h.Write(body)
	h.Sum(sum[:0])
	return sum
}
