package notify

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/httpclient/httpclienttest"
)

// turn is what a hostile receiver does with one attempt, and what is to come of it.
type turn struct {
	name string
	// resolves is what the name of the receiver leads to, empty for nothing; it is
	// only dialled where that is 127.0.0.1.
	resolves string
	// expired has the receiver show a certificate that is over.
	expired bool
	answer  http.HandlerFunc
	status  int
	counts  bool
	err     string
}

// script is every way in which an attempt is known to go wrong.
func script(t *testing.T) []turn {
	var bomb bytes.Buffer
	zip := gzip.NewWriter(&bomb)
	_, _ = zip.Write(make([]byte, 8<<20))
	_ = zip.Close()
	redirect := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "https://elsewhere.example.com/secret-path-of-the-hook")
			w.WriteHeader(status)
		}
	}
	wait := func(retryAfter func() string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", retryAfter())
			w.WriteHeader(http.StatusTooManyRequests)
		}
	}
	hang := func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}
	const here = "127.0.0.1"
	return []turn{
		{name: "no such name", counts: true, err: "no such host"},
		{name: "rebound to metadata", resolves: "169.254.169.254", counts: true, err: "169.254.169.254 (cloud metadata) is refused"},
		{name: "rebound to another host", resolves: "127.0.0.2", counts: true, err: `add "127.0.0.2/32" to server.subscriptions.allow_networks`},
		{name: "expired certificate", resolves: here, expired: true, counts: true, err: "certificate has expired"},
		{name: "302", resolves: here, answer: redirect(302), status: 302, counts: true, err: "redirects are not followed (Location \"https://elsewhere.example.com/…\")"},
		{name: "304", resolves: here, answer: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) }, status: 304, counts: true, err: "no Location"},
		{name: "429 in seconds", resolves: here, answer: wait(func() string { return "30" }), status: 429, err: "answered 429"},
		{name: "429 with a date", resolves: here, answer: wait(func() string { return time.Now().Add(time.Minute).UTC().Format(http.TimeFormat) }), status: 429, err: "answered 429"},
		{name: "500", resolves: here, answer: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, status: 500, counts: true, err: "answered 500"},
		{name: "slow header", resolves: here, answer: hang, counts: true, err: "no answer within"},
		{name: "slow body", resolves: here, answer: trickle(503), status: 503, counts: true, err: "answered 503"},
		{name: "endless body", resolves: here, answer: pour(t), status: 500, counts: true, err: "answered 500"},
		{name: "gzip bomb", resolves: here, answer: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = w.Write(bomb.Bytes())
		}, status: 500, counts: true, err: "answered 500"},
		{name: "reset before the answer", resolves: here, answer: reset(""), counts: true, err: "post to https://hooks.internal.:"},
		{name: "reset in the body", resolves: here, answer: reset("HTTP/1.1 502 Bad\r\nContent-Length: 100\r\n\r\nhalf"), status: 502, counts: true, err: "answered 502"},
	}
}

// trickle sends a body that never ends, a byte now and then.
func trickle(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		for r.Context().Err() == nil {
			_, _ = io.WriteString(w, "x")
			_ = http.NewResponseController(w).Flush()
			select {
			case <-time.After(100 * time.Millisecond):
			case <-r.Context().Done():
			}
		}
	}
}

// pour sends a body that never ends as fast as it is read.
func pour(t *testing.T) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		chunk := bytes.Repeat([]byte("x"), 16<<10)
		for n := 0; ; n += len(chunk) {
			if _, err := w.Write(chunk); err != nil {
				return
			}
			if n > 64<<20 {
				t.Error("the sender reads on and on")
				return
			}
		}
	}
}

// reset writes some bytes and resets the connection.
func reset(bytes string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		_, _ = io.WriteString(conn, bytes)
		if tcp, ok := conn.(*tls.Conn).NetConn().(*net.TCPConn); ok && bytes == "" {
			_ = tcp.SetLinger(0)
			_ = tcp.Close()
			return
		}
		_ = conn.(*tls.Conn).NetConn().Close()
	}
}

// hostile is a receiver that follows a script, then takes what it gets, and at
// last says that it is gone.
type hostile struct {
	t     *testing.T
	turns []turn // that reach it

	mu     sync.Mutex
	taken  int // turns
	shown  int // certificates
	posts  []string
	broken []string
}

// serve starts the receiver and returns an endpoint for it, on a name.
func (h *hostile) serve(ca *httpclienttest.Authority) Endpoint {
	load := func(end time.Time) tls.Certificate {
		certFile, keyFile := ca.Issue(h.t, "hooks.internal", end)
		pair, err := tls.LoadX509KeyPair(certFile, keyFile)
		if err != nil {
			h.t.Fatal(err)
		}
		return pair
	}
	good, expired := load(time.Now().Add(time.Hour)), load(time.Now().Add(-time.Hour))
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.TLS = &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.shown++
		if h.shown <= len(h.turns) && h.turns[h.shown-1].expired {
			h.taken++
			return &expired, nil
		}
		return &good, nil
	}}
	srv.StartTLS()
	h.t.Cleanup(srv.Close)
	e := testEndpoint(h.t, "ops")
	e.URL = strings.Replace(srv.URL, "127.0.0.1", "hooks.internal.", 1) + "/secret-path-of-the-hook"
	e.Foreign, e.AllowKey = true, "server.subscriptions.allow_networks"
	e.AllowNetworks = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	e.Route.CAFile = ca.File
	return e
}

func (h *hostile) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(nil))
	id := r.Header.Get(HeaderID)
	h.mu.Lock()
	if verified := Verify(r.Header, body, []Secret{mustSecret(h.t, vectorSecret)}, time.Now(), time.Minute); err != nil || verified != nil {
		h.broken = append(h.broken, id)
	}
	h.posts = append(h.posts, id)
	var answer http.HandlerFunc
	if h.taken < len(h.turns) {
		answer = h.turns[h.taken].answer
		h.taken++
	}
	h.mu.Unlock()
	// Each attempt resolves and dials anew.
	w.Header().Set("Connection", "close")
	switch {
	case answer != nil:
		answer(w, r)
	case id == "evt_3":
		w.WriteHeader(http.StatusGone)
	}
}

// A receiver that does its worst, one attempt after the other, gets every webhook
// in the end: in order, each attempt signed anew, and with the reason kept of each
// that went wrong.
func TestScriptedReceiver(t *testing.T) {
	t.Parallel()
	turns := script(t)
	h := &hostile{t: t}
	var names []netip.Addr
	for _, turn := range turns {
		addr := netip.Addr{}
		if turn.resolves != "" {
			addr = netip.MustParseAddr(turn.resolves)
		}
		names = append(names, addr)
		if turn.answer != nil || turn.expired {
			h.turns = append(h.turns, turn)
		}
	}
	names = append(names, netip.MustParseAddr("127.0.0.1"))
	e := h.serve(httpclienttest.NewAuthority(t))
	// Long enough for all that do answer, on a machine that has much else to do.
	e.Timeout, e.Order = 8*time.Second, OrderSource
	e.Retry = RetryPolicy{MaxRetryAfter: 20 * time.Millisecond}
	for range turns {
		e.Retry.Schedule = append(e.Retry.Schedule, time.Millisecond)
	}
	q := newMemQueue()
	first, second, third := q.commit("ops", "a"), q.commit("ops", "a"), q.commit("ops", "a")
	sender := NewSender(SenderOptions{resolver: resolver(names...)})
	t.Cleanup(sender.Close)
	gone := make(chan EndpointState, 64)
	d := NewDispatcher(DispatcherOptions{
		Queue: q, Sender: sender, OnFatal: func(err error) { t.Error(err) },
		Alert: func(_ context.Context, s EndpointState) error { gone <- s; return nil },
	})
	d.Apply([]Endpoint{e})
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for patience, over := time.After(5*time.Minute), false; !over; {
		select {
		case state := <-gone:
			over = state.Disabled
		case <-patience:
			t.Fatalf("the receiver never said that it is gone: %+v", q.outcomesOf(first))
		}
	}
	if err := d.Stop(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	checkScript(t, turns, q.outcomesOf(first))
	for id, want := range map[int64]State{first: Delivered, second: Delivered, third: Waiting} {
		if _, state := q.row(id); state != want {
			t.Errorf("delivery %d is %s, want %s", id, state, want)
		}
	}
	if got, want := strings.Join(h.posts, " "), strings.Repeat("evt_1 ", len(h.turns))+"evt_2 evt_3"; got != want {
		t.Errorf("posted %s, want %s", got, want)
	}
	if len(h.broken) > 0 {
		t.Errorf("%v did not verify", h.broken)
	}
}

// checkScript compares what was recorded of a delivery with its script.
func checkScript(t *testing.T, turns []turn, outcomes []Outcome) {
	t.Helper()
	if len(outcomes) != len(turns)+1 {
		t.Fatalf("%d attempts were recorded, want %d and one that is delivered", len(outcomes), len(turns))
	}
	counted := 0
	for i, turn := range turns {
		a := outcomes[i].Attempt
		if turn.counts {
			counted++
		}
		if a.Status != turn.status || !strings.Contains(a.Error, turn.err) || outcomes[i].State != Waiting || outcomes[i].Attempts != counted {
			t.Errorf("%s: recorded %d, %q, %s after %d attempts that count; want %d, %q after %d",
				turn.name, a.Status, a.Error, outcomes[i].State, outcomes[i].Attempts, turn.status, turn.err, counted)
		}
		if a.Number != i+1 || len(a.Response) > maxKeptBytes || a.Duration > time.Minute {
			t.Errorf("%s: attempt %d kept %d bytes after %s", turn.name, a.Number, len(a.Response), a.Duration)
		}
		if strings.Contains(a.Error, "secret-path") || bytes.Contains(a.Response, []byte("secret-path")) {
			t.Errorf("%s: the URL shows in %q", turn.name, a.Error)
		}
	}
	if last := outcomes[len(turns)]; last.State != Delivered || last.Attempts != counted {
		t.Errorf("the last attempt ends %s with %d that count", last.State, last.Attempts)
	}
}
