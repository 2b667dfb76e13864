package poller

import "testing"

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
