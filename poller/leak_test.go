package poller

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

// leaky are the secrets of leakySource. They hold what encoders change.
var leaky = []string{
	"bearer+s/ecret&1", "basic\"s/ecret<2", "header=s/ecret>3", "query?s/ecret'4", "cookie-secret-5", "userinfo%secret-6",
	"shared\\secret-7", "urlvalue secret/8",
}

func leakySource(rawURL string, auth Auth) *Source {
	u, err := url.Parse(rawURL)
	if err != nil {
		panic(err)
	}
	u.User = url.UserPassword("user", leaky[5])
	q := u.Query()
	q.Set("token", leaky[7])
	u.RawQuery = q.Encode()
	s := newSource(u.String())
	s.Request.Auth = auth
	s.Request.Header = http.Header{"X-Tenant": {leaky[2]}, "Cookie": {"sid=" + leaky[4] + "; theme=dark"}}
	return s
}

// echoes are texts in which a server may give secrets back.
func echoes() string {
	var b strings.Builder
	for _, s := range leaky {
		for _, form := range []string{
			s, url.QueryEscape(s), url.PathEscape(s), html.EscapeString(s), strconv.Quote(s),
			base64.StdEncoding.EncodeToString([]byte(s)), base64.RawURLEncoding.EncodeToString([]byte(s)),
		} {
			b.WriteString(form + " ")
		}
	}
	return b.String()
}

// shows returns the secret that a text shows in any form.
func shows(text string) string {
	for _, s := range leaky {
		for _, form := range []string{
			s, url.QueryEscape(s), url.PathEscape(s), html.EscapeString(s), strings.Trim(strconv.Quote(s), `"`),
			base64.RawStdEncoding.EncodeToString([]byte(s)), base64.RawURLEncoding.EncodeToString([]byte(s)),
		} {
			if strings.Contains(text, form) {
				return form
			}
		}
	}
	if strings.Contains(strings.ReplaceAll(text, "<secret", ""), "ecret") {
		return "a part of a secret"
	}
	return ""
}

// Whatever a server does with the secrets that it was sent, no failure shows
// them: not in its text, not in what it wraps, not in the log.
func TestFailuresLeakNoSecret(t *testing.T) {
	t.Parallel()
	echo := echoes()
	inHeader := strings.NewReplacer("\r", "", "\n", "").Replace(echo)
	failures := map[string]string{
		"error page":        "HTTP/1.1 403 Forbidden\r\nContent-Length: " + strconv.Itoa(len(echo)) + "\r\n\r\n" + echo,
		"cut error page":    "HTTP/1.1 500 Oops\r\nContent-Length: 100000\r\n\r\n" + echo,
		"gzip error page":   strings.Replace(withLength(zip(t, echo), "Content-Encoding: gzip\r\n"), "200 OK", "401 No", 1),
		"status text":       "HTTP/1.1 403 " + inHeader + "\r\nContent-Length: 0\r\n\r\n",
		"malformed status":  inHeader + "\r\n\r\n",
		"malformed version": "HTTP/x " + inHeader + "\r\n\r\n",
		"malformed header":  "HTTP/1.1 200 OK\r\n" + inHeader + "\r\n\r\n",
		"bad length":        "HTTP/1.1 200 OK\r\nContent-Length: " + inHeader + "\r\n\r\n",
		"bad encoding":      withLength("x", "Content-Encoding: "+inHeader+"\r\n"),
		"bad type":          withLength(echo, "Content-Type: "+inHeader+"\r\n"),
		"bad chunk":         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + inHeader + "\r\n",
		"transfer encoding": "HTTP/1.1 200 OK\r\nTransfer-Encoding: " + inHeader + "\r\n\r\n",
		"retry after":       "HTTP/1.1 429 Slow\r\nRetry-After: " + inHeader + "\r\nContent-Length: 0\r\n\r\n",
		"nothing":           "",
		"cut":               "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx",
		"too large":         withLength(strings.Repeat(echo, 100), ""),
		"empty":             withLength("", ""),
		"304":               "HTTP/1.1 304 Not Modified\r\n\r\n",
	}
	for _, secret := range leaky {
		escaped := url.QueryEscape(secret)
		for where, location := range map[string]string{
			"host": "http://" + url.PathEscape(secret) + ".invalid/", "path": "http://127.0.0.1:1/" + url.PathEscape(secret),
			"query": "http://127.0.0.1:1/?k=" + escaped, "key": "http://127.0.0.1:1/?" + escaped + "=1",
			"userinfo": "http://" + url.PathEscape(secret) + "@127.0.0.1:1/", "scheme": "ftp://" + url.PathEscape(secret) + "/",
			"own path": "/" + url.PathEscape(secret), "raw": secret,
		} {
			failures["redirect "+where+" "+secret] = "HTTP/1.1 302 Found\r\nLocation: " + location + "\r\nContent-Length: 0\r\n\r\n"
		}
	}
	auths := []Auth{
		Bearer{Token: leaky[0]},
		Basic{Username: "u", Password: leaky[1]},
		nil,
		APIKey{Name: "key", Value: leaky[3], In: InQuery},
	}
	for name, answer := range failures {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := rawServer(t, func() string { return answer })
			for _, auth := range auths {
				s := leakySource(at, auth)
				if name == "bad type" {
					s.Request.ContentType = "application/json"
				}
				assertLeaksNothing(t, s)
			}
		})
	}
}

func assertLeaksNothing(t *testing.T, s *Source) {
	t.Helper()
	s.Request.MaxBodySize = 10_000
	s.Request.FollowRedirects = s.Request.Auth != nil
	var log bytes.Buffer
	f := newFetcher(t, FetcherOptions{Secrets: leaky})
	o, err := f.Fetch(t.Context(), s, State{})
	fe := mustFail(t, o, err)
	slog.New(slog.NewTextHandler(&log, nil)).Warn("poll failed", "err", err)
	for e := error(fe); e != nil; e = errors.Unwrap(e) {
		fmt.Fprintf(&log, "%v\n", e)
	}
	if form := shows(log.String()); form != "" {
		line, _, _ := strings.Cut(log.String(), "\n")
		t.Errorf("%T: %q shows in %s", s.Request.Auth, form, line)
	}
}

// The credentials of the source itself are known without being listed.
func TestFailuresMaskCredentialsOfSource(t *testing.T) {
	t.Parallel()
	tests := []struct {
		auth    Auth
		header  http.Header
		url     string
		secrets []string
	}{
		{auth: Bearer{Token: "tok-hidden"}, secrets: []string{"tok-hidden"}},
		{auth: Basic{Username: "name", Password: "pw-hidden"}, secrets: []string{"pw-hidden", "bmFtZTpwdy1oaWRkZW4"}},
		{auth: APIKey{Name: "X-K", Value: "key-hidden"}, secrets: []string{"key-hidden"}},
		{auth: APIKey{Name: "k", Value: "key-hidden", In: InQuery}, secrets: []string{"key-hidden"}},
		{header: http.Header{"Authorization": {"Token tok-hidden"}}, secrets: []string{"tok-hidden"}},
		{header: http.Header{"Authorization": {"Basic bmFtZTpwdy1oaWRkZW4="}}, secrets: []string{"pw-hidden", "bmFtZTpwdy1oaWRkZW4"}},
		{header: http.Header{"Cookie": {"a=1; sid=sid-hidden"}}, secrets: []string{"sid-hidden"}},
		{header: http.Header{"x-api-key": {"k-hid"}}, secrets: []string{"k-hid"}},
		{header: http.Header{"X-Anything": {"any-hidden"}}, secrets: []string{"any-hidden"}},
		{url: "http://user:pw-hidden@api.example/", secrets: []string{"pw-hidden"}},
		{url: "http://api.example/?sig=sig-hidden", secrets: []string{"sig-hidden"}},
	}
	for _, tt := range tests {
		f := newFetcher(t, FetcherOptions{RoundTripper: fakeNetwork(func(*http.Request) (*http.Response, error) {
			return fakeAnswer(401, "you sent "+strings.Join(tt.secrets, " and "), nil), nil
		})})
		s := newSource("http://api.example/")
		if tt.url != "" {
			s = newSource(tt.url)
		}
		s.Request.Auth, s.Request.Header = tt.auth, tt.header
		o, err := f.Fetch(t.Context(), s, State{})
		fe := mustFail(t, o, err)
		for _, secret := range tt.secrets {
			if strings.Contains(fe.Error(), secret) {
				t.Errorf("%v %v: %q shows in %q", tt.auth, tt.header, secret, fe)
			}
		}
		if !strings.Contains(fe.Error(), "you sent <secret>") {
			t.Errorf("%v %v: %q", tt.auth, tt.header, fe)
		}
	}
}

// What only describes the request is no secret, and stays readable.
func TestFailuresKeepHarmlessWords(t *testing.T) {
	t.Parallel()
	f := newFetcher(t, FetcherOptions{RoundTripper: fakeNetwork(func(*http.Request) (*http.Response, error) {
		return fakeAnswer(406, "application/json is not available, version 2 neither, page 100 neither", nil), nil
	})})
	s := newSource("http://api.example/?per_page=100")
	s.Request.Header = http.Header{"Accept": {"application/json"}, "X-Version": {"2"}}
	o, err := f.Fetch(t.Context(), s, State{})
	fe := mustFail(t, o, err)
	if want := "answered 406 Not Acceptable: application/json is not available, version 2 neither, page 100 neither"; fe.Err.Error() != want {
		t.Errorf("error %q, want %q", fe.Err, want)
	}
}

// Whatever the API and the token's server do with what they were sent, it shows
// in no failure: neither what was configured nor what was granted.
func TestTokensLeakNowhere(t *testing.T) {
	t.Parallel()
	type echoing struct {
		name   string
		answer func(path, sent string) *http.Response
	}
	grant := `{"access_token": "access-hidden", "refresh_token": "refresh-hidden-2", "token": {"value": "access-hidden"}}`
	refuse := func(code int) func(path, sent string) *http.Response {
		return func(path, sent string) *http.Response {
			if path == "/token" {
				return fakeAnswer(200, grant, nil)
			}
			return fakeAnswer(code, sent+" access-hidden", nil)
		}
	}
	for _, tt := range []echoing{
		{"the API refuses", refuse(403)},
		{"the API refuses the token", refuse(401)},
		{"the token's server refuses", func(_, sent string) *http.Response { return fakeAnswer(401, sent, nil) }},
		{"the token's server refuses in form", func(_, sent string) *http.Response {
			text, _ := json.Marshal(map[string]string{"error": "invalid_client", "error_description": sent})
			return fakeAnswer(400, string(text), nil)
		}},
		{"the token's server fails", func(_, sent string) *http.Response { return fakeAnswer(500, sent, nil) }},
		{"the token's server redirects", func(_, sent string) *http.Response {
			return fakeAnswer(302, "", http.Header{"Location": {"https://x.example/" + url.PathEscape(sent)}})
		}},
		{"the network fails", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, auth := range []Auth{
				OAuth2ClientCredentials{
					TokenURL: "https://l.example/token", ClientID: "id", ClientSecret: "client-hidden+/",
					Params: url.Values{"password": {"param-hidden"}},
				},
				OAuth2RefreshToken{TokenURL: "https://l.example/token", ClientID: "id", ClientSecret: "client-hidden+/", RefreshToken: "refresh-hidden-1"},
				OAuth2RefreshToken{TokenURL: "https://l.example/token", ClientID: "id", RefreshToken: "refresh-hidden-1"},
				Login{
					URL: "https://l.example/token?k=query-hidden", Header: http.Header{"X-Api-Key": {"header-hidden"}},
					Body: []byte(`{"user": "joe", "credentials": {"password": "login-hidden"}}`), TokenPath: "token.value",
				},
				Login{URL: "https://l.example/token", Body: []byte("user=joe&password=login-hidden%21"), TokenPath: "token.value"},
			} {
				network := fakeNetwork(func(r *http.Request) (*http.Response, error) {
					body, _ := io.ReadAll(r.Body)
					form, _ := url.ParseQuery(string(body))
					_, password, _ := r.BasicAuth()
					sent := strings.Join([]string{r.URL.String(), r.Header.Get("Authorization"), r.Header.Get("X-Api-Key"), password, string(body), fmt.Sprint(form)}, " ")
					if tt.answer == nil {
						return nil, errors.New("read " + sent)
					}
					if _, ok := auth.(OAuth2RefreshToken); ok && r.URL.Path == "/orders" {
						sent += " refresh-hidden-1 refresh-hidden-2"
					}
					return tt.answer(r.URL.Path, sent), nil
				})
				f := newFetcher(t, FetcherOptions{RoundTripper: network, Tokens: newTokens(t, new(memoryStore))})
				s := newSource("https://api.example/orders")
				s.Request.Auth = auth
				o, err := f.Fetch(t.Context(), s, State{})
				fe := mustFail(t, o, err)
				var out strings.Builder
				slog.New(slog.NewTextHandler(&out, nil)).Warn("poll failed", "err", err)
				for e := error(fe); e != nil; e = errors.Unwrap(e) {
					fmt.Fprintf(&out, "%v %+v\n", e, e)
				}
				if strings.Contains(out.String(), "hidden") {
					t.Errorf("%T: a secret shows in %s", auth, out.String())
				}
			}
		})
	}
}
