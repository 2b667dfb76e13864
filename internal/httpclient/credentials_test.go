package httpclient

import (
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHeaderSecrets(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, value string
		want        []string
	}{
		{"x-api-key", "abc", []string{"abc"}},
		{"X-Team", "abc", nil},
		{"X-Team", "a-long-value", []string{"a-long-value"}},
		{"accept", "application/vnd.github+json", nil},
		{"content-language", "en-GB, en-US", nil},
		{"USER-AGENT", "something/1.2.3", nil},
		{"authorization", "Bearer tok_1", []string{"Bearer tok_1", "tok_1"}},
		{"Authorization", "Basic am9lOnB3", []string{"Basic am9lOnB3", "am9lOnB3", "joe:pw", "pw"}},
		{"Cookie", "a=one; b=two", []string{"a=one; b=two", "one", "two"}},
	} {
		if diff := cmp.Diff(tt.want, HeaderSecrets(tt.name, tt.value)); diff != "" {
			t.Errorf("%s: %s (-want +got):\n%s", tt.name, tt.value, diff)
		}
	}
}

func TestURLSecrets(t *testing.T) {
	t.Parallel()
	u, err := url.Parse("https://joe:p%40ss@h.example/hooks/T0/a%20long%20part?page=2&token=abc%2Fdef&bare-token-1&short")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name      string
		got, want []string
	}{
		{"userinfo", UserinfoSecrets(u), []string{"p@ss", "joe:p@ss"}},
		{"query", QuerySecrets(u), []string{"abc/def", "bare-token-1"}},
		{"path", PathSecrets(u), []string{"a long part"}},
		{"no userinfo", UserinfoSecrets(&url.URL{Host: "h"}), nil},
		{"no URL", UserinfoSecrets(nil), nil},
	} {
		if diff := cmp.Diff(tt.want, tt.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}
