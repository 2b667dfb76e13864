package daemon_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/httpclient/httpclienttest"
	"github.com/pollwire/pollwire/internal/receiver"
	"github.com/pollwire/pollwire/internal/server"
)

// TestReloadNamesWhatItTouched, and asks and tells by it.
func TestReloadNamesWhatItTouched(t *testing.T) {
	t.Parallel()
	a := newAPI(t, `{"v":1,"w":1}`)
	h := newHooks(t)
	d, f := startReloadable(t, "sources:\n"+sourceOf("same", a.url, "")+sourceOf("edited", a.url, "")+sourceOf("gone", a.url, "")+
		"endpoints:\n"+endpointOf(h, "ops", "")+endpointOf(h, "old", ""))
	for _, name := range []string{"same", "edited", "gone"} {
		d.baseline(t, name)
	}
	done := d.reload(t, f, "sources:\n"+sourceOf("edited", a.url, ", detect: {ignore: [w]}")+sourceOf("new", a.url, "")+sourceOf("same", a.url, "")+
		"endpoints:\n"+endpointOf(h, "ops", ", payload: thin")+endpointOf(h, "fresh", ""))
	want := server.Reload{
		Number: 1, Begun: 1, At: done.At, OK: true,
		Added: []string{"endpoint/fresh", "source/new"}, Changed: []string{"endpoint/ops", "source/edited"}, Removed: []string{"endpoint/old", "source/gone"},
	}
	if fmt.Sprintf("%+v", done) != fmt.Sprintf("%+v", want) || time.Since(*done.At) > time.Minute {
		t.Errorf("reload %+v, want %+v", done, want)
	}
	if _, err := d.client.Source(t.Context(), "gone"); err == nil {
		t.Error("a source that is gone is there")
	}
	a.says(`{"v":2,"w":2}`)
	d.poll(t, "edited")
	d.poll(t, "same")
	e := h.await(t, "", func(e receiver.Envelope) bool { return e.Source == "/sources/edited" })
	if !slices.Equal(e.Data.Changed, []string{"/v"}) {
		t.Errorf("told %+v", e)
	}
	h.await(t, "", func(e receiver.Envelope) bool { return e.Source == "/sources/same" })
	// What was removed is there with all it had when it is back.
	d.reload(t, f, "sources:\n"+sourceOf("gone", a.url, "")+"endpoints:\n"+endpointOf(h, "ops", ""))
	d.poll(t, "gone")
	e = h.await(t, "", func(e receiver.Envelope) bool { return e.Source == "/sources/gone" })
	if string(e.Data.Before) != `{"v":1,"w":1}` || e.Sequence != "00000000000000000001" {
		t.Errorf("told %+v", e)
	}
}

// TestBadReloadChangesNothing: whatever is wrong is said with its place and the way
// out, and the daemon goes on as it was.
func TestBadReloadChangesNothing(t *testing.T) {
	t.Parallel()
	a := newAPI(t, `{"v":1}`)
	h := newHooks(t)
	good := "sources:\n" + sourceOf("thing", a.url, "") + "endpoints:\n" + endpointOf(h, "ops", "")
	d, f := startReloadable(t, good)
	d.baseline(t, "thing")
	template := `  - {name: t, format: template, url: "https://chat.example.com/", template: {body: "{{"}}` + "\n"
	number := 0
	for name, test := range map[string]struct{ head, text, want string }{
		"syntax":       {f.head, good + "nonsense: 1\n", "test.yaml:7:1: nonsense: "},
		"source":       {f.head, "sources:\n" + sourceOf("thing", "ftp://x", ""), "request.url: the URL must begin with https:// or http://"},
		"template":     {f.head, good + template, "endpoints[1].template.body: tried on"},
		"database":     {strings.Replace(f.head, "pollwire.db", "other.db", 1), good, "storage.dsn: a running daemon stays with its database; restart pollwire"},
		"key":          {strings.Replace(f.head, "an-encryption", "another-encryption", 1), good, "storage.encryption_key: "},
		"address":      {strings.Replace(f.head, ":0\"", ":1\"", 1), good, "server.listen: "},
		"form of logs": {f.head + "log: {format: json}\n", good, "log.format: the log of a running daemon"},
	} {
		f.mu.Lock()
		head := f.head
		f.head = test.head
		f.mu.Unlock()
		f.write(test.text)
		number++
		done, err := d.client.Reload(t.Context())
		if err != nil || done.OK || !done.BadConfiguration || done.Number != number || !strings.Contains(strings.Join(done.Errors, "\n"), test.want) {
			t.Errorf("%s: %+v, %v, want %s", name, done, err, test.want)
		}
		if strings.Contains(fmt.Sprint(done.Errors), "encryption-key-of") {
			t.Errorf("%s: it tells a secret: %s", name, done.Errors)
		}
		if last, err := d.client.LastReload(t.Context(), 0, 0); err != nil || fmt.Sprint(last.Errors) != fmt.Sprint(done.Errors) {
			t.Errorf("%s: last %+v, %v", name, last, err)
		}
		f.mu.Lock()
		f.head = head
		f.mu.Unlock()
	}
	a.says(`{"v":2}`)
	d.poll(t, "thing")
	h.await(t, "", kind("updated"))
}

// TestReloadRenamesASource with all that it had: its state, its numbers, its pause
// and what waits.
func TestReloadRenamesASource(t *testing.T) {
	t.Parallel()
	a := newAPI(t, `{"v":1}`)
	h := newHooks(t)
	d, f := startReloadable(t, "sources:\n"+sourceOf("old", a.url, "")+"endpoints:\n"+endpointOf(h, "ops", ", order: source"))
	d.baseline(t, "old")
	if _, err := d.client.ChangeEndpoint(t.Context(), "ops", server.Pause); err != nil {
		t.Fatal(err)
	}
	a.says(`{"v":2}`)
	d.poll(t, "old")
	d.awaitSequence(t, "old", 1)
	if _, err := d.client.ChangeSource(t.Context(), "old", server.PauseSource); err != nil {
		t.Fatal(err)
	}
	done := d.reload(t, f, "sources:\n"+sourceOf("new", a.url, ", formerly: old")+"endpoints:\n"+endpointOf(h, "ops", ", order: source"))
	if !slices.Equal(done.Added, []string{"source/new"}) || !slices.Equal(done.Removed, []string{"source/old"}) {
		t.Errorf("reload %+v", done)
	}
	s, err := d.client.Source(t.Context(), "new")
	if err != nil || !s.Paused || s.Sequence != 1 {
		t.Errorf("source %+v, %v", s, err)
	}
	if _, err := d.client.ChangeSource(t.Context(), "new", server.ResumeSource); err != nil {
		t.Fatal(err)
	}
	a.says(`{"v":3}`)
	d.poll(t, "new")
	d.awaitSequence(t, "new", 2)
	if _, err := d.client.ChangeEndpoint(t.Context(), "ops", server.Resume); err != nil {
		t.Fatal(err)
	}
	e := h.await(t, "", func(e receiver.Envelope) bool { return e.Source == "/sources/new" })
	if string(e.Data.Before) != `{"v":2}` || e.Sequence != "00000000000000000002" || h.count() != 2 {
		t.Errorf("told %s", h.dump())
	}
	// A second reload finds nothing to do.
	if done := d.reload(t, f, f.text); len(done.Added)+len(done.Changed)+len(done.Removed) > 0 {
		t.Errorf("reload %+v", done)
	}
}

// awaitSequence polls the API until a source has made so many changes.
func (r *running) awaitSequence(t *testing.T, source string, n int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		s, err := r.client.Source(ctx, source)
		if err != nil {
			t.Fatal(err)
		}
		if s.Sequence >= n {
			return
		}
	}
}

// TestReloadChangesSettings: the token, the secrets of pokes, the URL in links, the
// level of the log, and what subscriptions may name.
func TestReloadChangesSettings(t *testing.T) {
	t.Parallel()
	a := newAPI(t, `{"v":1}`)
	h := newHooks(t)
	var links atomic.Int32
	reading := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if strings.Contains(string(body), `"url":"https://two.example.com/v1/events/`) {
			links.Add(1)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		h.handler.ServeHTTP(w, r)
	}))
	t.Cleanup(reading.Close)
	h.url = reading.URL
	text := func(token, public, poke, level string) string {
		return fmt.Sprintf("server: {listen: \"127.0.0.1:0\", token: %s, public_url: %q}\nlog: {level: %s}\nsources:\n", token, public, level) +
			sourceOf("thing", a.url, ", poke: {secret: "+poke+"}") + "endpoints:\n" + endpointOf(h, "ops", "")
	}
	d, f := startReloadable(t, text("token-one", "https://one.example.com", "poke-secret-number-one", "info"))
	d.baseline(t, "thing")
	d.reload(t, f, text("token-two", "https://two.example.com", "poke-secret-number-two", "debug"))
	if _, err := d.client.Sources(t.Context()); err == nil {
		t.Error("the old token is still good")
	}
	poke := func(secret string) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+d.Addr()+"/poke/thing", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+secret)
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return resp.StatusCode
	}
	if got := poke("poke-secret-number-one"); got != http.StatusNotFound {
		t.Errorf("the old secret: %d", got)
	}
	a.says(`{"v":2}`)
	if got := poke("poke-secret-number-two"); got != http.StatusAccepted {
		t.Errorf("the new secret: %d", got)
	}
	h.await(t, "", kind("updated"))
	if got := links.Load(); got != 1 {
		t.Errorf("%d links to the new address were told", got)
	}
}

// TestReloadLeavesPollsUnderWayAlone: one that is slow is heard to its end, and not
// made again.
func TestReloadLeavesPollsUnderWayAlone(t *testing.T) {
	t.Parallel()
	asked, answer := make(chan string, 10), make(chan string)
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.URL.Path
		fmt.Fprint(w, <-answer)
	}))
	t.Cleanup(slow.Close)
	h := newHooks(t)
	config := func(edited string) string {
		return "sources:\n" + sourceOf("same", slow.URL+"/same", ", detect: {first_poll: emit}") + sourceOf("edited", slow.URL+edited, ", detect: {first_poll: emit}") +
			"endpoints:\n" + endpointOf(h, "ops", "")
	}
	d, f := startReloadable(t, config("/before"))
	for range 2 { // the first polls of both
		awaited(t, asked)
	}
	d.reload(t, f, config("/after"))
	answer <- `{"v":1}`
	answer <- `{"v":1}`
	if path := awaited(t, asked); path != "/after" {
		t.Errorf("asked for %s, want what the source asks for now", path)
	}
	answer <- `{"v":"of the new request"}`
	e := h.await(t, "", func(e receiver.Envelope) bool { return e.Source == "/sources/edited" })
	if string(e.Data.After) != `{"v":"of the new request"}` {
		t.Errorf("told %s", e.Data.After)
	}
	e = h.await(t, "", func(e receiver.Envelope) bool { return e.Source == "/sources/same" })
	if string(e.Data.After) != `{"v":1}` || len(asked) > 0 {
		t.Errorf("told %s, and asked %d times again", e.Data.After, len(asked))
	}
}

// TestReloadReadsAuthoritiesAgain, those of sources and of endpoints, where the
// files hold others.
func TestReloadReadsAuthoritiesAgain(t *testing.T) {
	t.Parallel()
	ca, stranger := httpclienttest.NewAuthority(t), httpclienttest.NewAuthority(t)
	a := newAPI(t, `{"v":1}`)
	h := newHooks(t)
	upstream := ca.Serve(t, "api", time.Now().Add(time.Hour), 0, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.ServeHTTP(w, r) }))
	hooks := ca.Serve(t, "hooks", time.Now().Add(time.Hour), 0, h.handler)
	h.url = hooks.URL
	text := "sources:\n" + fmt.Sprintf("  - {name: thing, schedule: \"@yearly\", detect: {first_poll: emit}, retry: {max_attempts: 1}, request: {url: %q, tls: {ca_file: %q}}}\n", upstream.URL, stranger.File) +
		"endpoints:\n" + endpointOf(h, "ops", fmt.Sprintf(", tls: {ca_file: %q}", stranger.File))
	d, f := startReloadable(t, text)
	preview, err := d.client.Preview(t.Context(), "thing")
	if err != nil || !strings.Contains(preview.Reason, "unknown authority") {
		t.Fatalf("%+v, %v", preview, err)
	}
	if test, err := d.client.TestEndpoint(t.Context(), "ops"); err != nil || !strings.Contains(test.Attempt.Error, "unknown authority") {
		t.Fatalf("%+v, %v", test, err)
	}
	renewed, err := os.ReadFile(ca.File)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(stranger.File, renewed, 0o600); err != nil {
		t.Fatal(err)
	}
	done := d.reload(t, f, text)
	if !slices.Equal(done.Changed, []string{"endpoint/ops", "source/thing"}) {
		t.Errorf("reload %+v", done)
	}
	d.poll(t, "thing")
	h.await(t, "", kind("created"))
}
