package poller

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// credentials are the values of the source that give access.
func (t *template) credentials() []string {
	r := &t.source.Request
	var secrets []string
	for _, auth := range []Auth{r.Auth, t.auth} {
		if holder, ok := auth.(secretHolder); ok {
			secrets = append(secrets, holder.Secrets()...)
		}
	}
	secrets = append(secrets, r.Route.secrets()...)
	if u, err := url.Parse(r.URL); err == nil && u.User != nil {
		password, _ := u.User.Password()
		secrets = append(secrets, password, u.User.Username()+":"+password)
	}
	for name, values := range r.Header {
		for _, v := range values {
			secrets = append(secrets, headerSecrets(http.CanonicalHeaderKey(name), v)...)
		}
	}
	return secrets
}

// minHeaderSecret is the length from which a header's value is taken for a
// secret although its name does not say so.
const minHeaderSecret = 8

// secretName matches names of headers that hold a secret.
var secretName = regexp.MustCompile(`(?i)auth|key|token|secret|pass|session|sign|credential`)

// headerSecrets returns what may be a secret in a configured header: anything,
// but for short values and the headers that only describe what is asked for.
func headerSecrets(name, value string) []string {
	switch {
	case strings.HasPrefix(name, "Accept"), strings.HasPrefix(name, "Content-"), strings.HasPrefix(name, "If-"):
		return nil
	}
	switch name {
	case "User-Agent", "Cache-Control", "Pragma", "Prefer", "Range", "Host":
		return nil
	case "Authorization", "Proxy-Authorization":
		return authorizationSecrets(value)
	case "Cookie":
		secrets := []string{value}
		for c := range strings.SplitSeq(value, ";") {
			_, v, _ := strings.Cut(c, "=")
			secrets = append(secrets, v)
		}
		return secrets
	}
	if len(value) < minHeaderSecret && !secretName.MatchString(name) {
		return nil
	}
	return []string{value}
}

func authorizationSecrets(value string) []string {
	secrets := []string{value}
	scheme, rest, _ := strings.Cut(value, " ")
	secrets = append(secrets, rest)
	if strings.EqualFold(scheme, "Basic") {
		if pair, err := base64.StdEncoding.DecodeString(rest); err == nil {
			_, password, _ := strings.Cut(string(pair), ":")
			secrets = append(secrets, string(pair), password)
		}
	}
	return secrets
}

// minQueryValue is the length from which a query value is masked wherever it
// turns up; shorter ones are page sizes and the like.
const minQueryValue = 6

// queryValues are the values of a URL's query that are masked in errors.
func queryValues(u *url.URL) []string {
	var values []string
	for pair := range strings.SplitSeq(u.RawQuery, "&") {
		_, v, _ := strings.Cut(pair, "=")
		if u, err := url.QueryUnescape(v); err == nil {
			v = u
		}
		if len(v) >= minQueryValue {
			values = append(values, v)
		}
	}
	return values
}
