package httpclient

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// minHeaderSecret is the length from which a header's value is taken for a
// secret although its name does not say so.
const minHeaderSecret = 8

// secretName matches names that say of themselves that they hold a secret.
var secretName = regexp.MustCompile(`(?i)auth|key|token|secret|pass|session|sign|credential`)

// IsSecretName reports whether a header, parameter or member of that name says
// of itself that it holds a secret.
func IsSecretName(name string) bool { return secretName.MatchString(name) }

// HeaderSecrets returns what may be a secret in a configured header: anything,
// but for short values and the headers that only describe what is asked for or
// sent.
func HeaderSecrets(name, value string) []string {
	name = http.CanonicalHeaderKey(name)
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
	if len(value) < minHeaderSecret && !IsSecretName(name) {
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

// UserinfoSecrets returns what of a URL's user and password may be shown nowhere.
func UserinfoSecrets(u *url.URL) []string {
	if u == nil || u.User == nil {
		return nil
	}
	password, _ := u.User.Password()
	return []string{password, u.User.Username() + ":" + password}
}

// minQueryValue is the length from which a query value is masked wherever it
// turns up; shorter ones are page sizes and the like.
const minQueryValue = 6

// minPathSecret is the length from which a part of a path, or of a query without
// keys, may be a secret: shorter ones occur by chance.
const minPathSecret = 8

// QuerySecrets returns the values of a URL's query that are masked wherever they
// turn up, and what stands in it without a key, which may be a token as a whole.
func QuerySecrets(u *url.URL) []string {
	var values []string
	for pair := range strings.SplitSeq(u.RawQuery, "&") {
		_, v, valued := strings.Cut(pair, "=")
		least := minQueryValue
		if !valued {
			v, least = pair, minPathSecret
		}
		if u, err := url.QueryUnescape(v); err == nil {
			v = u
		}
		if len(v) >= least {
			values = append(values, v)
		}
	}
	return values
}

// PathSecrets returns the parts of a URL's path that are masked where the URL as
// a whole is a secret, such as that of a chat hook.
func PathSecrets(u *url.URL) []string {
	return slices.DeleteFunc(strings.Split(u.Path, "/"), func(s string) bool { return len(s) < minPathSecret })
}
