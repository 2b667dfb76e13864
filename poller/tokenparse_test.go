package poller

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"
)

func TestParseToken(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", maxToken+1)
	for _, tt := range []struct {
		body string
		want parsedToken
	}{
		{`{"access_token":"t","token_type":"Bearer","expires_in":3600,"refresh_token":"r"}`, parsedToken{tokenAnswer: tokenAnswer{"t", "r", time.Hour}}},
		{`{"access_token":"t","token_type":"bearer","expires_in":"3600"}`, parsedToken{tokenAnswer: tokenAnswer{"t", "", time.Hour}}},
		{`{"access_token":"t","expires_in":0.5}`, parsedToken{tokenAnswer: tokenAnswer{"t", "", time.Second / 2}}},
		{`{"access_token":"t","token_type":null,"refresh_token":null}`, parsedToken{tokenAnswer: tokenAnswer{access: "t"}}},
		{`{"access_token":"t","expires_in":-1}`, parsedToken{tokenAnswer: tokenAnswer{access: "t"}}},
		{`{"access_token":"t","expires_in":0}`, parsedToken{tokenAnswer: tokenAnswer{access: "t"}}},
		{`{"access_token":"t","expires_in":1e300}`, parsedToken{tokenAnswer: tokenAnswer{"t", "", maxLifetime}}},
		{`{"access_token":"t","expires_in":"soon"}`, parsedToken{tokenAnswer: tokenAnswer{access: "t"}}},
		{`{"access_token":"t","expires_in":"NaN"}`, parsedToken{tokenAnswer: tokenAnswer{access: "t"}}},
		{`{"access_token":"t","expires_in":[1]}`, parsedToken{tokenAnswer: tokenAnswer{access: "t"}}},
		{`{"error":"invalid_grant","error_description":"no"}`, parsedToken{code: "invalid_grant", description: "no"}},
		{`{"error":"bad","access_token":""}`, parsedToken{code: "bad"}},
		{`{"access_token":"a\nb"}`, parsedToken{wrong: "its token cannot be sent in a header: it holds a line break, a control character or a space at its end"}},
		{`{"access_token":"a "}`, parsedToken{wrong: "its token cannot be sent in a header: it holds a line break, a control character or a space at its end"}},
		{`{"access_token":""}`, parsedToken{wrong: "it holds no token"}},
		{`{"access_token":"` + long + `"}`, parsedToken{wrong: "its token is too long for a header"}},
		{`{"access_token":7}`, parsedToken{wrong: "it holds no access_token"}},
		{`{}`, parsedToken{wrong: "it holds no access_token"}},
		{`{"access_token":"t","token_type":"mac"}`, parsedToken{wrong: `its token_type is "mac", and only bearer is understood`}},
		{`[]`, parsedToken{wrong: "it is no JSON object"}},
		{`{"access_token":"t"`, parsedToken{wrong: "it is no JSON object"}},
		{`<html>`, parsedToken{wrong: "it is no JSON object"}},
		{``, parsedToken{wrong: "it is no JSON object"}},
	} {
		if got := parseToken([]byte(tt.body)); got != tt.want {
			t.Errorf("%.60s gives %+v, want %+v", tt.body, got, tt.want)
		}
	}
}

func TestLifetimeOf(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		`3600`: time.Hour, `"60"`: time.Minute, `-5`: 0, `null`: 0, `"x"`: 0, `true`: 0, `{}`: 0,
		`1767326645`: time.Hour, `"1767326645"`: time.Hour, `1767326645000`: time.Hour, `1767323045`: 0, `1000000001`: 0,
		`"2026-01-02T04:04:05Z"`: time.Hour, `"2026-01-02T04:04:05+01:00"`: 0, `"2026-01-02T05:04:05+01:00"`: time.Hour, `1e18`: maxLifetime,
	} {
		if got := lifetimeOf(gjson.Parse(text), now); got != want {
			t.Errorf("%s gives %s, want %s", text, got, want)
		}
	}
}

func TestLoginParse(t *testing.T) {
	t.Parallel()
	l := Login{TokenPath: "data.0.token", Lifetime: time.Minute}
	for body, want := range map[string]string{
		`{"data":[{"token":"t"}]}`:      "",
		`{"data":[{"token":12345678}]}`: "",
		`{"data":[]}`:                   "it holds no token at data.0.token (token_path)",
		`{"data":[{"token":{}}]}`:       "it holds no token at data.0.token (token_path)",
		`{"data":[{"token":"a\r\nb"}]}`: "its token cannot be sent in a header: it holds a line break, a control character or a space at its end",
		`<html>`:                        "it is no JSON",
	} {
		answer, wrong := l.parse([]byte(body), time.Now())
		if wrong != want || (want == "") != (answer.access != "" && answer.lifetime == time.Minute) {
			t.Errorf("%s gives %+v, %q", body, answer, wrong)
		}
	}
}

// FuzzParseToken holds what is granted to fit a header, and to end.
func FuzzParseToken(f *testing.F) {
	for _, seed := range []string{
		`{"access_token":"t","token_type":"Bearer","expires_in":3600,"refresh_token":"r"}`,
		`{"error":"invalid_client","error_description":"x"}`, `{"access_token":"\u0000"}`, `{"access_token":"t","expires_in":"1e999"}`, `[1]`, `<html>`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		p := parseToken(body)
		granted := p.access != ""
		if granted == (p.wrong != "" || p.code != "") {
			t.Errorf("%q is neither granted nor refused: %+v", body, p)
		}
		if p.lifetime < 0 || p.lifetime > maxLifetime {
			t.Errorf("%q has the lifetime %s", body, p.lifetime)
		}
		if granted {
			req := &http.Request{Header: http.Header{"Authorization": {"Bearer " + p.access}}}
			if err := req.Header.Write(discard{t}); err != nil {
				t.Error(err)
			}
		}
		if p.wrong == "it is no JSON object" && json.Valid(body) && body[0] == '{' {
			t.Errorf("%q is an object", body)
		}
		login, wrong := Login{}.parse(body, time.Unix(1e9, 0))
		if (login.access == "") == (wrong == "") || login.lifetime < 0 || login.lifetime > maxLifetime {
			t.Errorf("%q as a login: %+v %q", body, login, wrong)
		}
	})
}

// discard refuses a header that was written on more than one line.
type discard struct{ t *testing.T }

func (d discard) Write(p []byte) (int, error) {
	if strings.ContainsAny(strings.TrimSuffix(string(p), "\r\n"), "\r\n\x00") {
		d.t.Errorf("header %q", p)
	}
	return len(p), nil
}
