package poller

import (
	"strings"
	"testing"
)

func TestDescribe(t *testing.T) {
	t.Parallel()
	f := newFetcher(t, FetcherOptions{Secrets: []string{"from-outside"}})
	for url, want := range map[string]string{
		"http://api.example/orders?page=1":         "GET http://api.example/orders?page=…",
		"http://api.example/bot/from-outside/get":  "GET http://api.example/bot/<secret>/get",
		"http://api.example/bot/bearer-topsec/get": "GET http://api.example/bot/<secret>/get",
		"http://api.example/%zz":                   "GET",
	} {
		s := newSource(url)
		s.Name, s.Request.Auth = url, Bearer{Token: "bearer-topsec"}
		if got := f.Describe(s); got != want {
			t.Errorf("%s is shown as %s, want %s", url, got, want)
		}
	}
}

// What is shown follows the secrets that there are.
func TestDescribeFollowsTheSecrets(t *testing.T) {
	t.Parallel()
	f := newFetcher(t, FetcherOptions{})
	s := newSource("https://api.example.com/team-4711-hidden/orders")
	for _, step := range []struct {
		secrets []string
		hidden  bool
	}{{nil, false}, {nil, false}, {[]string{"team-4711-hidden"}, true}, {[]string{"other-secret"}, false}} {
		f.SetSecrets(step.secrets)
		for range 2 {
			if text := f.Describe(s); strings.Contains(text, "hidden") == step.hidden {
				t.Errorf("with the secrets %v: %s", step.secrets, text)
			}
		}
	}
}
