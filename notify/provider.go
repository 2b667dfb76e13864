package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The headers of other providers, as [Provider] signs.
const (
	headerGitHub = "X-Hub-Signature-256"
	headerStripe = "Stripe-Signature"
)

// sign adds the signature of a provider to a header. Its key is the text of a
// whsec_ secret, prefix included, as bytes: a receiver of that provider's keys
// its HMAC with the text that it was given, and has nothing to decode. Keys of
// other kinds are not shared and sign nothing here. Without any that does, the
// error is [ErrNoSecret]: the receiver would refuse what it cannot verify.
func (p Provider) sign(header http.Header, at time.Time, body []byte, secrets []Secret) error {
	var keys []string
	for _, s := range secrets {
		if s.isShared(at) {
			keys = append(keys, s.reveal().text)
		}
	}
	if len(keys) == 0 {
		return fmt.Errorf("%w: also_sign %s takes one that begins with %s", ErrNoSecret, p, secretPrefix)
	}
	switch p {
	case GitHub:
		header[headerGitHub] = []string{signGitHub(keys[0], body)}
	case Stripe:
		header[headerStripe] = []string{signStripe(keys, at, body)}
	default:
		return fmt.Errorf("sign for %q: no such provider", string(p))
	}
	return nil
}

// signGitHub is "sha256=" and the HMAC-SHA256 of the body in lower-case
// hexadecimal. There is room for one signature, so the first live secret makes it.
func signGitHub(key string, body []byte) string {
	h := hmac.New(sha256.New, []byte(key))
	h.Write(body)
	return "sha256=" + hexSum(h)
}

// signStripe is "t=", the time in Unix seconds, and for each secret ",v1=" with
// the HMAC-SHA256 of that time, a dot and the body, in lower-case hexadecimal.
func signStripe(keys []string, at time.Time, body []byte) string {
	timestamp := strconv.FormatInt(at.Unix(), 10)
	var out strings.Builder
	out.WriteString("t=" + timestamp)
	for _, key := range keys {
		h := hmac.New(sha256.New, []byte(key))
		h.Write([]byte(timestamp + "."))
		h.Write(body)
		out.WriteString(",v1=" + hexSum(h))
	}
	return out.String()
}

func hexSum(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }
