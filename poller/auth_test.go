package poller

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestAuthorize(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name          string
		auth          Auth
		header, value string
		query         string
		wantErr       bool
	}{
		{"bearer", Bearer{Token: "t"}, "Authorization", "Bearer t", "a=1&b=%20", false},
		{"bearer empty", Bearer{}, "", "", "", true},
		{"basic", Basic{Username: "Aladdin", Password: "open sesame"}, "Authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "a=1&b=%20", false},
		{"basic colon", Basic{Username: "a:b", Password: "p"}, "", "", "", true},
		{"key default", APIKey{Name: "X-Key", Value: "v"}, "X-Key", "v", "a=1&b=%20", false},
		{"key header", APIKey{Name: "X-Key", Value: "v", In: InHeader}, "X-Key", "v", "a=1&b=%20", false},
		{"key query", APIKey{Name: "k", Value: "v w&x", In: InQuery}, "", "", "a=1&b=%20&k=v+w%26x", false},
		{"key replaces", APIKey{Name: "a", Value: "v", In: InQuery}, "", "", "b=%20&a=v", false},
		{"key no name", APIKey{Value: "v"}, "", "", "", true},
		{"key no value", APIKey{Name: "n", In: InQuery}, "", "", "", true},
		{"client credentials alone", OAuth2ClientCredentials{}, "", "", "", true},
		{"refresh token alone", OAuth2RefreshToken{}, "", "", "", true},
		{"login alone", Login{}, "", "", "", true},
		{"key elsewhere", APIKey{Name: "n", Value: "v", In: "cookie"}, "", "", "", true},
	}
	for _, tt := range tests {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://h/?a=1&b=%20", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		before := req.URL
		err = tt.auth.Authorize(t.Context(), req)
		if (err != nil) != tt.wantErr {
			t.Errorf("%s: %v", tt.name, err)
		}
		if tt.wantErr {
			continue
		}
		if tt.header != "" && req.Header.Get(tt.header) != tt.value {
			t.Errorf("%s: header %v", tt.name, req.Header)
		}
		if req.URL.RawQuery != tt.query || before.RawQuery != "a=1&b=%20" {
			t.Errorf("%s: query %q, and %q in the URL that others share", tt.name, req.URL.RawQuery, before.RawQuery)
		}
	}
}

func TestSetParamAlone(t *testing.T) {
	t.Parallel()
	if got := setParam("", "k", "v"); got != "k=v" {
		t.Errorf("setParam = %q", got)
	}
	if got := setParam("k=1&k=2&%zz=3", "k", "v"); got != "%zz=3&k=v" {
		t.Errorf("setParam = %q", got)
	}
}

// However credentials are printed, logged or dumped, they are not seen.
func TestAuthHidesItself(t *testing.T) {
	t.Parallel()
	auths := []Auth{
		Bearer{Token: "hunter2"},
		Basic{Username: "u", Password: "hunter2"},
		APIKey{Name: "n", Value: "hunter2"},
		APIKey{Name: "n", Value: "hunter2", In: InQuery},
		OAuth2ClientCredentials{TokenURL: "https://l.example/?k=hunter2", ClientID: "id", ClientSecret: "hunter2", Params: url.Values{"password": {"hunter2"}}},
		OAuth2RefreshToken{TokenURL: "https://joe:hunter2@l.example/", ClientID: "id", ClientSecret: "hunter2", RefreshToken: "hunter2"},
		Login{URL: "https://l.example/?k=hunter2", Header: http.Header{"X-Key": {"hunter2"}}, Body: []byte(`{"password":"hunter2"}`)},
	}
	for _, auth := range auths {
		var out bytes.Buffer
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
			fmt.Fprintf(&out, verb+"\n", auth)
			fmt.Fprintf(&out, verb+"\n", Request{Auth: auth})
			fmt.Fprintf(&out, verb+"\n", &Source{Request: Request{Auth: auth}})
		}
		for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
			slog.New(h).Info("asked", "auth", auth, "request", Request{Auth: auth})
		}
		dump, err := json.Marshal(struct{ Auth Auth }{auth})
		if err != nil {
			t.Fatal(err)
		}
		out.Write(dump)
		if strings.Contains(out.String(), "hunter2") || strings.Contains(out.String(), fmt.Sprintf("%x", "hunter2")) {
			t.Errorf("%T shows its secret:\n%s", auth, out.String())
		}
		if !strings.Contains(out.String(), hidden) {
			t.Errorf("%T does not say that it hides something", auth)
		}
		if holder, ok := auth.(secretHolder); !ok || !strings.Contains(strings.Join(holder.Secrets(), " "), "hunter2") {
			t.Errorf("%T does not tell its secrets to those who mask them", auth)
		}
	}
}
