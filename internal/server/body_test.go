package server

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// FuzzReadBody: whatever is taken is one JSON object, and is read as
// encoding/json reads it.
func FuzzReadBody(f *testing.F) {
	for _, seed := range []string{"", "{}", `{"preview":true}`, `{"preview":true}x`, `{"preview":1}`, `{"a":1}`, "[]", "null", " {} ", `{"preview":true,"preview":false}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		type request struct {
			Preview bool `json:"preview"`
		}
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json; charset=utf-8")
		var got request
		if bad := readBody(httptest.NewRecorder(), r, &got); bad != nil {
			if bad.status < 400 || bad.status > 499 || bad.detail == "" {
				t.Errorf("refused with %+v", bad)
			}
			return
		}
		if strings.Trim(body, " \t\r\n\v\f\u0085\u00a0") == "" || strings.TrimSpace(body) == "" {
			return
		}
		var want request
		if err := json.Unmarshal([]byte(strings.TrimSpace(body)), &want); err != nil || got != want {
			t.Errorf("took %q as %+v, encoding/json as %+v: %v", body, got, want, err)
		}
	})
}

func FuzzHostname(f *testing.F) {
	for _, seed := range []string{"", "localhost", "LOCALHOST.:80", "[::1]:80", "::1", "[", "a:b:c", "127.0.0.1:0", "[fe80::1%25eth0]:1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, host string) {
		got := hostname(host)
		if again := hostname(got); again != got && !strings.ContainsAny(host, ":.[]") {
			t.Errorf("hostname(%q) = %q, of which it makes %q", host, got, again)
		}
		if strings.ToLower(got) != got {
			t.Errorf("hostname(%q) = %q", host, got)
		}
	})
}
