package subscription_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/pollwire/pollwire/internal/subscription"
	"github.com/pollwire/pollwire/notify"
)

func TestBadRequests(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	many := make([]string, 101)
	for i := range many {
		many[i] = fmt.Sprint("shop.", i)
	}
	for _, tc := range []struct {
		request subscription.Request
		want    string
	}{
		{subscription.Request{}, "url: it is missing"},
		{subscription.Request{URL: "hooks.example.com/top-secret"}, "url: it must begin with https:// or http://"},
		{subscription.Request{URL: "ftp://hooks.example.com/top-secret"}, "url: it must begin with https:// or http://"},
		{subscription.Request{URL: "https:///top-secret"}, "url: it has no host"},
		{subscription.Request{URL: "https://:443/top-secret"}, "url: it has no host"},
		{subscription.Request{URL: "https://hooks.example.com/%zz-top-secret"}, "url: this is no URL"},
		{subscription.Request{URL: "https://hooks.example.com/top secret"}, "url: this is no URL"},
		{subscription.Request{URL: "https://hooks.example.com/top-secret\r\nHost: x"}, "url: this is no URL"},
		{subscription.Request{URL: hook + "#top-secret"}, "url: it has a fragment (#)"},
		{subscription.Request{URL: hook + strings.Repeat("x", 2048)}, "url: it is longer than 2048 bytes"},
		{subscription.Request{URL: hook, Sources: []string{"orders", "nope"}}, `sources: there is no source "nope"`},
		{subscription.Request{URL: hook, Sources: []string{strings.Repeat("é", 100)}}, `sources: there is no source "` + strings.Repeat("é", 40) + `…"`},
		{subscription.Request{URL: hook, Events: []string{""}}, `events: "": it is empty`},
		{subscription.Request{URL: hook, Events: []string{"shop.[a"}}, `events: "shop.[a": a pattern is an event type in lower case`},
		{subscription.Request{URL: hook, Events: []string{"Shop.*"}}, `events: "Shop.*": a pattern is an event type in lower case`},
		{subscription.Request{URL: hook, Events: []string{strings.Repeat("a", 257)}}, `it is longer than 256 bytes`},
		{subscription.Request{URL: hook, Events: many}, "sources and events may name 100 each"},
		{subscription.Request{URL: hook, Filter: "item.total >"}, "filter: something is missing at its end (at character "},
		{subscription.Request{URL: hook, Filter: "key"}, "filter: it gives a text, and must give true or false"},
		{subscription.Request{URL: hook, Filter: "document.x"}, "filter: unknown name document"},
		{subscription.Request{URL: hook, Secret: "top-secret"}, "secret: secret does not begin with whsec_"},
		{subscription.Request{URL: hook, Secret: "whsec_dG9wLXNlY3JldA=="}, "secret: secret has 10 bytes"},
	} {
		_, err := b.Add(t.Context(), tc.request)
		var invalid *subscription.Invalid
		if !errors.As(err, &invalid) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("error %v, want %s", err, tc.want)
		}
		if strings.Contains(fmt.Sprint(err), "top-secret") || strings.Contains(fmt.Sprint(err), "dG9w") {
			t.Errorf("the error leaks: %v", err)
		}
	}
	if len(b.List()) != 0 || len(b.receivers.checked) != 0 {
		t.Errorf("listed %v, asked %v", b.List(), b.receivers.checked)
	}
}

func TestGoodRequests(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	secret := notify.GenerateSecret()
	for url, want := range map[string]string{
		"https://hooks.example.com":               "https://hooks.example.com",
		"http://hooks.example.com:8080/":          "http://hooks.example.com:8080",
		"https://hooks.example.com/?a=%20b":       "https://hooks.example.com/...",
		"https://[2001:4860::1]/x":                "https://[2001:4860::1]/...",
		"https://user:pass@hooks.example.com/%23": "https://hooks.example.com/...",
	} {
		added := b.mustAdd(t, subscription.Request{URL: url, Secret: secret, Events: []string{"*", "pollwire.source.*"}})
		if added.URL != want || added.Secret != secret {
			t.Errorf("%s is shown as %s, with secret %v", url, added.URL, added.Secret == secret)
		}
	}
}

// FuzzRequest: whatever is asked for is taken as it is or refused, and is the
// same after a restart.
func FuzzRequest(f *testing.F) {
	f.Add(hook, "orders", "shop.*", "item.total > 7")
	f.Add("http://a", "", "", "")
	f.Add("https://[::1%25eth0]/", "prices", "*", "true")
	f.Add("http://0\xed", "", "0", "")
	f.Add("https://user:p%40ss@a/?b#c", "nope", "[", "key")
	f.Fuzz(func(t *testing.T, url, source, pattern, filter string) {
		b := newBench(t)
		q := subscription.Request{URL: url, Filter: filter}
		if source != "" {
			q.Sources = []string{source}
		}
		if pattern != "" {
			q.Events = []string{pattern}
		}
		added, err := b.Add(t.Context(), q)
		var invalid *subscription.Invalid
		if err != nil {
			if !errors.As(err, &invalid) || len(b.store.rows) > 0 {
				t.Fatalf("error %v, rows %v", err, b.store.rows)
			}
			return
		}
		b.restart(t)
		if live := b.live(); len(live) != 1 || live[0].URL != url || added.Problem != "" {
			t.Fatalf("live %+v of %+v", live, added)
		}
		if again, err := b.Add(t.Context(), q); err != nil || again.Created || again.ID != added.ID {
			t.Fatalf("again %+v, %v", again, err)
		}
	})
}
