package server

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
)

// tokens are the hashes of bearer tokens of which any will do; nil where none is
// asked for.
type tokens [][sha256.Size]byte

// newTokens leaves out those that are empty.
func newTokens(list ...string) (t tokens) {
	for _, token := range list {
		if token != "" {
			t = append(t, sha256.Sum256([]byte(token)))
		}
	}
	return t
}

// has says whether a request has one of the tokens, or needs none. It compares
// hashes, in constant time: neither a token's bytes nor its length show in how
// long a refusal takes.
func (t tokens) has(r *http.Request) bool {
	if t == nil {
		return true
	}
	sum := sha256.Sum256([]byte(credential(r)))
	found := 0
	for i := range t {
		found |= subtle.ConstantTimeCompare(sum[:], t[i][:])
	}
	return found == 1
}

// credential is the token that a request shows: that of [bearer], or, where it only
// reads, the password of Basic authentication (RFC 7617) by any name. Tools that
// poll know no other, such as Zapier; a browser, which would send a password along
// by itself, is never asked for one, and can change nothing by it.
func credential(r *http.Request) string {
	if _, password, ok := r.BasicAuth(); ok && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		return password
	}
	return bearer(r)
}

// bearer is the token of the Authorization header (RFC 6750, section 2.1),
// empty where it holds none.
func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}
