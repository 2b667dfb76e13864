package notify

import (
	"bytes"
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

const (
	// minTokenBytes is the least length of a part of the URL, or of a header
	// value, that is searched for in answers: shorter ones occur by chance.
	minTokenBytes = 8
	// maxErrorBytes bounds the error of an attempt.
	maxErrorBytes = 1 << 10
	// maxLocationBytes bounds what is shown of a Location header.
	maxLocationBytes = 256
)

// mask removes the secrets of an endpoint from what others say.
type mask struct {
	// origin is all of the endpoint's URL that may be shown.
	origin string
	// hidden are the forms in which the URL itself is not shown.
	hidden []string
	// tokens are secrets, the longest first, so that one that contains another
	// is found whole.
	tokens []string
	// parts are the path segments and query values of the URL.
	parts []string
}

func newMask(e *Endpoint) *mask {
	m := &mask{origin: "its URL"}
	for _, s := range e.Secrets {
		if secret := s.reveal(); secret != nil {
			_, encoded, _ := strings.Cut(secret.text, "_")
			m.tokens = append(m.tokens, secret.text, encoded)
		}
	}
	for _, values := range e.Header {
		for _, value := range values {
			m.addHeaderValue(value)
		}
	}
	m.addURL(e.URL)
	for _, token := range slices.Clone(m.tokens) {
		// Receivers that echo a request often do it as a URL or a form.
		if escaped := url.QueryEscape(token); escaped != token {
			m.tokens = append(m.tokens, escaped)
		}
	}
	m.tokens = slices.DeleteFunc(m.tokens, func(s string) bool { return len(s) < minTokenBytes })
	longestFirst(m.tokens)
	return m
}

// addHeaderValue adds a configured header, and its credentials alone where a
// scheme such as Bearer stands before them.
func (m *mask) addHeaderValue(value string) {
	m.tokens = append(m.tokens, value)
	if _, credentials, ok := strings.Cut(value, " "); ok {
		m.tokens = append(m.tokens, credentials)
	}
}

func (m *mask) addURL(raw string) {
	m.hidden = append(m.hidden, raw)
	u, err := url.Parse(raw)
	if err != nil {
		return
	}
	m.origin = u.Scheme + "://" + u.Host
	m.hidden = append(m.hidden, u.String(), u.RequestURI(), u.Path, u.EscapedPath(), u.RawQuery)
	m.hidden = slices.DeleteFunc(m.hidden, func(s string) bool { return len(s) < 2 })
	longestFirst(m.hidden)
	m.parts = append(m.parts, strings.Split(u.Path, "/")...)
	for _, values := range u.Query() {
		m.parts = append(m.parts, values...)
	}
	m.parts = slices.DeleteFunc(m.parts, func(s string) bool { return s == "" })
	m.tokens = append(m.tokens, m.parts...)
	if password, ok := u.User.Password(); ok {
		m.tokens = append(m.tokens, password)
	}
}

func longestFirst(s []string) {
	slices.SortFunc(s, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
}

// err returns the text of an error with neither secrets nor the URL in it.
func (m *mask) err(err error) string {
	text := err.Error()
	for _, hidden := range m.hidden {
		text = strings.ReplaceAll(text, hidden, "…")
	}
	for _, token := range m.tokens {
		text = strings.ReplaceAll(text, token, maskedSecret)
	}
	return clip(fmt.Sprintf("post to %s: %s", m.origin, text), maxErrorBytes)
}

// body returns the first limit bytes of an answer with the secrets in them
// masked. A secret that the limit would cut in two is masked whole.
func (m *mask) body(answer []byte, limit int) []byte {
	if len(answer) == 0 {
		return nil
	}
	kept := make([]byte, 0, min(len(answer), limit))
	for i := 0; i < len(answer) && i < limit && len(kept) < limit; {
		if n := m.tokenAt(answer[i:]); n > 0 {
			kept = append(kept, maskedSecret...)
			i += n
			continue
		}
		kept = append(kept, answer[i])
		i++
	}
	return kept[:min(len(kept), limit)]
}

// tokenAt returns the length of the secret that the text begins with, or 0.
func (m *mask) tokenAt(text []byte) int {
	for _, token := range m.tokens {
		if text[0] == token[0] && bytes.HasPrefix(text, []byte(token)) {
			return len(token)
		}
	}
	return 0
}

// location shows where a redirect leads, without its query and without any
// part that the endpoint's own URL has: a redirect to https, say, would repeat
// the whole secret path.
func (m *mask) location(header, from string) string {
	if header == "" {
		return "no Location"
	}
	base, err := url.Parse(from)
	if err != nil {
		return "an unreadable Location"
	}
	to, err := base.Parse(header)
	if err != nil || to.Host == "" {
		return "an unreadable Location"
	}
	segments := strings.Split(to.Path, "/")
	for i, segment := range segments {
		if m.holdsPart(segment) {
			segments[i] = "…"
		}
	}
	shown := to.Scheme + "://" + to.Host + strings.Join(segments, "/")
	if to.RawQuery != "" {
		shown += "?…"
	}
	for _, token := range m.tokens {
		shown = strings.ReplaceAll(shown, token, maskedSecret)
	}
	return "Location " + fmt.Sprintf("%q", clip(shown, maxLocationBytes))
}

func (m *mask) holdsPart(segment string) bool {
	return slices.ContainsFunc(m.parts, func(part string) bool { return strings.Contains(segment, part) })
}

// clip cuts a text to at most limit bytes, at the boundary of a character.
func clip(text string, limit int) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit-len("…")], "") + "…"
}
