package notify

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// receiverFor starts a server and returns an endpoint for it.
func receiverFor(t *testing.T, handler http.HandlerFunc) Endpoint {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	e := testEndpoint(t, "ops")
	e.URL = server.URL + "/secret-path-of-the-hook?token=secret-query-token"
	e.Timeout = 10 * time.Second
	return e
}

// ownSender returns a sender whose connections end with the test.
func ownSender(t *testing.T) *Sender {
	t.Helper()
	s := NewSender(SenderOptions{Version: "1.2.3"})
	t.Cleanup(s.Close)
	return s
}

var testMessage = Message{ID: "evt_1", Body: []byte(`{"n":1}`), Number: 3, Replay: true}

func TestSendPostsAVerifiableWebhook(t *testing.T) {
	t.Parallel()
	var got *http.Request
	var body []byte
	e := receiverFor(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, "thank you")
	})
	e.Header = http.Header{
		"X-Api-Key": {"a-configured-key"}, "content-type": {"text/plain"}, "webhook-id": {"forged"}, "Host": {"virtual.example.com"},
	}
	e.URL = strings.Replace(e.URL, "http://", "http://user:pa%20ss@", 1)
	attempt, verdict := ownSender(t).Send(t.Context(), &e, testMessage)
	if verdict != (Verdict{Action: Deliver}) || attempt.Status != 202 || attempt.Error != "" || string(attempt.Response) != "thank you" {
		t.Fatalf("Send gave %+v, %+v", attempt, verdict)
	}
	if attempt.Number != 3 || attempt.At.IsZero() || attempt.Duration <= 0 {
		t.Errorf("attempt %+v", attempt)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/json", "User-Agent": "pollwire/1.2.3", "Webhook-Id": "evt_1",
		"Pollwire-Attempt": "3", "Pollwire-Endpoint": "ops", "Pollwire-Replay": "true", "X-Api-Key": "a-configured-key",
	} {
		if values := got.Header.Values(name); len(values) != 1 || values[0] != want {
			t.Errorf("header %s is %q, want %q", name, values, want)
		}
	}
	user, password, _ := got.BasicAuth()
	if got.Method != http.MethodPost || got.Host != "virtual.example.com" || user != "user" || password != "pa ss" {
		t.Errorf("got %s to %s as %s:%s", got.Method, got.Host, user, password)
	}
	official, err := standardwebhooks.NewWebhook(vectorSecret)
	if err != nil {
		t.Fatal(err)
	}
	if err := official.Verify(body, got.Header); err != nil {
		t.Errorf("the official library says %v", err)
	}
	if !bytes.Equal(body, testMessage.Body) {
		t.Errorf("posted %s", body)
	}
}

func TestSendFollowsNoRedirect(t *testing.T) {
	t.Parallel()
	for _, code := range []int{300, 301, 302, 303, 304, 307, 308} {
		var posts atomic.Int32
		e := receiverFor(t, func(w http.ResponseWriter, _ *http.Request) {
			posts.Add(1)
			if code != http.StatusNotModified {
				w.Header().Set("Location", "/login?next=secret-path-of-the-hook")
			}
			w.WriteHeader(code)
		})
		attempt, verdict := ownSender(t).Send(t.Context(), &e, testMessage)
		if verdict != (Verdict{Action: Retry, Counts: true}) || attempt.Status != code || posts.Load() != 1 {
			t.Errorf("%d: %+v, %+v after %d posts", code, attempt, verdict, posts.Load())
		}
		want := `/login?next=…"`
		if code == http.StatusNotModified {
			want = "no Location"
		}
		if !strings.Contains(attempt.Error, want) || strings.Contains(attempt.Error, "secret-") {
			t.Errorf("%d: the error is %q, want %q in it", code, attempt.Error, want)
		}
	}
}

func TestSendTakesNoLongerThanItsTimeout(t *testing.T) {
	t.Parallel()
	trickle := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(status)
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, "x")
				w.(http.Flusher).Flush()
				select {
				case <-time.After(20 * time.Millisecond):
				case <-r.Context().Done():
				}
			}
		}
	}
	for name, tc := range map[string]struct {
		handler http.HandlerFunc
		status  int
		action  Action
		err     string
	}{
		"slow header":        {func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body); <-r.Context().Done() }, 0, Retry, "no answer within"},
		"slow body":          {trickle(500), 500, Retry, "answered 500"},
		"slow body of a 200": {trickle(200), 200, Deliver, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := receiverFor(t, tc.handler)
			e.Timeout = 200 * time.Millisecond
			attempt, verdict := ownSender(t).Send(t.Context(), &e, testMessage)
			if attempt.Status != tc.status || verdict.Action != tc.action || !strings.Contains(attempt.Error, tc.err) {
				t.Errorf("Send gave %+v, %+v", attempt, verdict)
			}
			if attempt.Duration > 5*time.Second {
				t.Errorf("it took %s", attempt.Duration)
			}
		})
	}
}

func TestSendReadsALimitedPartOfAnEndlessAnswer(t *testing.T) {
	t.Parallel()
	e := receiverFor(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
		chunk := bytes.Repeat([]byte("x"), 4<<10)
		for r.Context().Err() == nil {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	attempt, verdict := ownSender(t).Send(t.Context(), &e, testMessage)
	if attempt.Status != 502 || verdict.Action != Retry || len(attempt.Response) != maxKeptBytes || attempt.Duration > 5*time.Second {
		t.Errorf("Send kept %d bytes of a %d after %s, verdict %+v", len(attempt.Response), attempt.Status, attempt.Duration, verdict)
	}
}

// rawReceiver answers each connection with some bytes and then resets it.
func rawReceiver(t *testing.T, answer string) Endpoint {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			buf := make([]byte, 4096)
			_, _ = conn.Read(buf)
			_, _ = io.WriteString(conn, answer)
			if answer == "" {
				_ = conn.(*net.TCPConn).SetLinger(0)
			}
			conn.Close()
		}
	}()
	e := testEndpoint(t, "ops")
	e.URL = "http://" + listener.Addr().String() + "/secret-path-of-the-hook"
	return e
}

func TestSendSurvivesBrokenConnections(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer string
		status int
		action Action
	}{
		"reset before the answer":  {"", 0, Retry},
		"no HTTP":                  {"SSH-2.0-OpenSSH\r\n", 0, Retry},
		"cut in the header":        {"HTTP/1.1 200 OK\r\nContent-Le", 0, Retry},
		"cut in the body":          {"HTTP/1.1 500 Oops\r\nContent-Length: 100\r\n\r\nhalf", 500, Retry},
		"cut in the body of a 200": {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", 200, Deliver},
		"broken chunk":             {"HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 500, Retry},
		"endless header":           {"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 1<<20), 0, Retry},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := rawReceiver(t, tc.answer)
			attempt, verdict := ownSender(t).Send(t.Context(), &e, testMessage)
			if attempt.Status != tc.status || verdict.Action != tc.action {
				t.Errorf("Send gave %+v, %+v", attempt, verdict)
			}
			if (attempt.Error == "") != (tc.action == Deliver) || strings.Contains(attempt.Error, "secret-path") {
				t.Errorf("the error is %q", attempt.Error)
			}
			if strings.HasSuffix(tc.answer, "half") && string(attempt.Response) != "half" {
				t.Errorf("kept %q of the answer", attempt.Response)
			}
		})
	}
}

func TestSendReusesItsConnection(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, maxKeptBytes + 1, maxAnswerBytes - 1} {
		var conns atomic.Int32
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(bytes.Repeat([]byte("x"), size))
		}))
		server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				conns.Add(1)
			}
		}
		server.Start()
		t.Cleanup(server.Close)
		e := testEndpoint(t, "ops")
		e.URL = server.URL
		s := ownSender(t)
		for range 5 {
			if attempt, verdict := s.Send(t.Context(), &e, testMessage); verdict.Action != Deliver {
				t.Fatalf("Send gave %+v", attempt)
			}
		}
		if n := conns.Load(); n != 1 {
			t.Errorf("%d connections for five answers of %d bytes, want 1", n, size)
		}
	}
}

func TestSendInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	e := receiverFor(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		cancel()
		<-r.Context().Done()
	})
	if attempt, verdict := ownSender(t).Send(ctx, &e, testMessage); verdict != (Verdict{Action: Drop}) {
		t.Errorf("Send gave %+v, %+v; want it dropped", attempt, verdict)
	}
}

func TestSendRefusesWhatItCannotPost(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*Endpoint)
		want   Verdict
		err    string
	}{
		"no secret":      {func(e *Endpoint) { e.Secrets = nil }, Verdict{}, "no secret is live"},
		"bad URL":        {func(e *Endpoint) { e.URL = "http://h/secret\x7fpath" }, Verdict{Counts: true, Away: true}, "the URL cannot be read"},
		"no host":        {func(e *Endpoint) { e.URL = "secretpath" }, Verdict{Counts: true, Away: true}, "no host"},
		"no such scheme": {func(e *Endpoint) { e.URL = "gopher://h/secretpath" }, Verdict{Counts: true, Away: true}, "gopher://h:"},
		"bad header":     {func(e *Endpoint) { e.Header = http.Header{"X": {"secretpath\n"}} }, Verdict{Counts: true, Away: true}, "header"},
	} {
		e := testEndpoint(t, "ops")
		tc.change(&e)
		attempt, verdict := ownSender(t).Send(t.Context(), &e, testMessage)
		if verdict != tc.want || attempt.Status != 0 || !strings.Contains(attempt.Error, tc.err) {
			t.Errorf("%s: Send gave %+v, %+v", name, attempt, verdict)
		}
		if strings.Contains(attempt.Error, "secret") && tc.want.Counts {
			t.Errorf("%s: the error is %q", name, attempt.Error)
		}
	}
}

func TestSendCapsRetryAfter(t *testing.T) {
	t.Parallel()
	e := receiverFor(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "99999999")
	})
	e.Retry.MaxRetryAfter = time.Minute
	if _, verdict := ownSender(t).Send(t.Context(), &e, testMessage); verdict != (Verdict{Action: Deliver, Pause: time.Minute}) {
		t.Errorf("the verdict is %+v", verdict)
	}
}

// TestNothingLeaks has a receiver that throws back all that it was sent, in
// every place where we listen, and a transport that puts URLs into errors.
func TestNothingLeaks(t *testing.T) {
	t.Parallel()
	leaks := []string{"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "6Xb/dCcHpPea21PS1N9VY", "a-configured-key", "bearer-credentials", "secret-path", "secret-query", "pass&word", "pass%26word", "key-in-the-template"}
	echo := receiverFor(t, func(w http.ResponseWriter, r *http.Request) {
		everything := fmt.Sprint(vectorSecret, " ", vectorPrivate, " ", r.URL, " ", r.URL.Query(), " ", r.Header, " pass&word pass%26word key-in-the-template")
		w.Header().Set("Location", r.URL.String())
		w.WriteHeader(http.StatusTemporaryRedirect)
		// The limit of what is kept cuts through a secret.
		pad := strings.Repeat("x", maxKeptBytes-len(everything)-20)
		_, _ = io.WriteString(w, everything+pad+strings.Repeat(vectorSecret, 3))
	})
	echo.URL = strings.Replace(echo.URL, "http://", "http://user:pass%26word@", 1)
	broken := rawReceiver(t, "")
	refusing := echo
	refusing.URL = "http://127.0.0.1:1/secret-path?token=secret-query-token"
	naming := NewSender(SenderOptions{Transport: namingTransport{}})
	own := ownSender(t)
	for name, tc := range map[string]struct {
		sender   *Sender
		endpoint Endpoint
	}{"echo": {own, echo}, "broken": {own, broken}, "refusing": {own, refusing}, "naming": {naming, echo}} {
		tc.endpoint.Secrets = append(tc.endpoint.Secrets, mustSecret(t, vectorPrivate))
		tc.endpoint.Mask = []string{"key-in-the-template"}
		tc.endpoint.Header = http.Header{"X-Api-Key": {"a-configured-key"}, "Authorization": {"Bearer bearer-credentials"}}
		attempt, _ := tc.sender.Send(t.Context(), &tc.endpoint, testMessage)
		if attempt.Error == "" {
			t.Errorf("%s: no error", name)
		}
		if name == "echo" && !bytes.Contains(attempt.Response, []byte("<secret>")) {
			t.Errorf("%s: nothing was masked in %q", name, attempt.Response)
		}
		for _, leak := range leaks {
			if strings.Contains(attempt.Error, leak) {
				t.Errorf("%s: %q is in the error %q", name, leak, attempt.Error)
			}
			if bytes.Contains(attempt.Response, []byte(leak)) {
				t.Errorf("%s: %q is in the answer that is kept: %.300q", name, leak, attempt.Response)
			}
		}
		if bytes.Contains(attempt.Response, []byte("whsec_M")) {
			t.Errorf("%s: a part of the secret is kept", name)
		}
	}
}

// namingTransport fails with all that it knows.
type namingTransport struct{}

func (namingTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	return nil, fmt.Errorf("cannot post to %s (%s, %s): %v", r.URL, r.URL.Path, r.URL.RequestURI(), r.Header)
}
