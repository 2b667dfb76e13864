package poller

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestQuote: what a short answer says is shown beside the reason, but no secret,
// and nothing of a long one.
func TestQuote(t *testing.T) {
	t.Parallel()
	reason := errors.New("it lacks data")
	for answer, want := range map[string]string{
		`{"ok":false,"error":"not_in_channel"}`:             `it lacks data; the answer begins: {"ok":false,"error":"not_in_channel"}`,
		"{\"error\":\n \"tok-hidden is no token\"}":         `it lacks data; the answer begins: {"error": "`,
		`{"data":"` + strings.Repeat("x", 300) + `"}`:       `it lacks data; the answer begins: {"data":"` + strings.Repeat("x", 200-len(`{"data":"`)),
		`{"data":"` + strings.Repeat("x", maxSaying) + `"}`: "it lacks data",
	} {
		f := newFetcher(t, FetcherOptions{RoundTripper: handlerNetwork(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, answer)
		})})
		s := newSource("http://api.example/")
		s.Request.Auth = Bearer{Token: "tok-hidden"}
		o := mustFetch(t, f, s, State{})
		got := o.Quote(reason)
		if !errors.Is(got, reason) || !strings.HasPrefix(got.Error(), want) || strings.Contains(got.Error(), "tok-hidden") || len(got.Error()) > 250 {
			t.Errorf("%.60s: %v, want %s", answer, got, want)
		}
		o.Release()
		if got := o.Quote(reason); got.Error() != reason.Error() {
			t.Errorf("an answer that was given back is quoted: %v", got)
		}
	}
	if got := (&Observation{Body: []byte("{}")}).Quote(reason); got.Error() != reason.Error() {
		t.Errorf("an answer of nobody is quoted: %v", got)
	}
}

// TestQuoteIsNoOtherFailure: the log hears of the same failure once, whatever ID the
// API gives to each request.
func TestQuoteIsNoOtherFailure(t *testing.T) {
	t.Parallel()
	f := newFetcher(t, FetcherOptions{RoundTripper: handlerNetwork(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `{"ok":false,"id":"`+r.URL.RawQuery+`"}`)
	})})
	var kinds []string
	for _, id := range []string{"ab-1", "cd-2"} {
		o := mustFetch(t, f, newSource("http://api.example/?"+id), State{})
		kinds = append(kinds, kindOf(o.Quote(errors.New("it lacks data"))))
		o.Release()
	}
	if kinds[0] != kinds[1] || kinds[0] != "it lacks data" {
		t.Errorf("they are told apart: %q", kinds)
	}
}
