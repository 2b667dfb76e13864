package receiver_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/pollwire/pollwire/internal/receiver"
	"github.com/pollwire/pollwire/notify"
)

// deliver posts a body with headers, and returns the status and what the
// receiver handed over; nil for nothing.
func deliver(r *receiver.Receiver, seen *[]*receiver.Webhook, method, body string, header http.Header) (int, *receiver.Webhook) {
	*seen = nil
	req := httptest.NewRequest(method, "/", strings.NewReader(body))
	req.Header = header
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	if len(*seen) == 0 {
		return w.Code, nil
	}
	return w.Code, (*seen)[0]
}

// sign makes headers with the official library.
func sign(t *testing.T, secret, id string, at time.Time, body string) http.Header {
	t.Helper()
	official, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := official.Sign(id, at, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{}
	h.Set("webhook-id", id)
	h.Set("webhook-timestamp", strconv.FormatInt(at.Unix(), 10))
	h.Set("webhook-signature", signature)
	return h
}

func newReceiver(t *testing.T, secrets ...string) (*receiver.Receiver, *[]*receiver.Webhook) {
	t.Helper()
	var parsed []notify.Secret
	for _, text := range secrets {
		secret, err := notify.ParseSecret(text)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, secret)
	}
	var seen []*receiver.Webhook
	return receiver.New(parsed, func(w *receiver.Webhook) { seen = append(seen, w) }), &seen
}

func TestVerifies(t *testing.T) {
	t.Parallel()
	mine, wrong := notify.GenerateSecret(), notify.GenerateSecret()
	now := time.Now()
	const body = `{"a":1}`
	for _, tc := range []struct {
		name   string
		header http.Header
		body   string
		status int
		err    error
	}{
		{"right", sign(t, mine, "evt_1", now, body), body, 204, nil},
		{"tampered", sign(t, mine, "evt_1", now, body), `{"a":2}`, 401, notify.ErrSignature},
		{"another secret", sign(t, wrong, "evt_1", now, body), body, 401, notify.ErrSignature},
		{"old", sign(t, mine, "evt_1", now.Add(-6*time.Minute), body), body, 401, notify.ErrTimestamp},
		{"from the future", sign(t, mine, "evt_1", now.Add(6*time.Minute), body), body, 401, notify.ErrTimestamp},
		{"unsigned", http.Header{}, body, 401, notify.ErrNoSignature},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r, seen := newReceiver(t, mine)
			status, w := deliver(r, seen, http.MethodPost, tc.body, tc.header)
			if status != tc.status || w == nil || !errors.Is(w.Err, tc.err) || string(w.Body) != tc.body {
				t.Errorf("%d, %+v; want %d, %v", status, w, tc.status, tc.err)
			}
		})
	}
}

// TestRepeats: a repeat is an id that was accepted, not one that was refused.
func TestRepeats(t *testing.T) {
	t.Parallel()
	mine, wrong := notify.GenerateSecret(), notify.GenerateSecret()
	r, seen := newReceiver(t, mine)
	for i, step := range []struct {
		id, secret string
		repeat     bool
	}{
		{"a", wrong, false}, {"a", mine, false}, {"b", mine, false}, {"a", mine, true}, {"a", wrong, false}, {"b", mine, true},
	} {
		_, w := deliver(r, seen, http.MethodPost, "{}", sign(t, step.secret, step.id, time.Now(), "{}"))
		if w == nil || w.Repeat != step.repeat {
			t.Errorf("step %d: %+v, want repeat %t", i, w, step.repeat)
		}
	}
}

func TestWithoutSecrets(t *testing.T) {
	t.Parallel()
	r, seen := newReceiver(t)
	header := http.Header{"Webhook-Id": {"evt_1"}, "Pollwire-Attempt": {"3"}, "Pollwire-Replay": {"true"}}
	status, w := deliver(r, seen, http.MethodPost, "no json", header)
	if status != 204 || w == nil || w.Err != nil || w.ID != "evt_1" || w.Attempt != 3 || !w.Replay || w.Repeat {
		t.Errorf("%d, %+v", status, w)
	}
	if _, err := w.Envelope(); err == nil {
		t.Error("no json, but an envelope")
	}
}

func TestEnvelope(t *testing.T) {
	t.Parallel()
	w := receiver.Webhook{Body: []byte(`{"id":"evt_1","type":"t.updated","source":"/sources/s","subject":"k","sequence":"01",
		"data":{"change":"updated","before":{"n":9007199254740993},"after":null,"changed":["/n"],"hash":"h","previous_hash":null}}`)}
	e, err := w.Envelope()
	if err != nil {
		t.Fatal(err)
	}
	if e.ID != "evt_1" || e.Subject != "k" || e.Data.Change != "updated" || string(e.Data.Before) != `{"n":9007199254740993}` ||
		string(e.Data.After) != "null" || e.Data.Hash != "h" || e.Data.PreviousHash != "" {
		t.Errorf("%+v", e)
	}
}

// TestWhatIsNoWebhook is not handed over.
func TestWhatIsNoWebhook(t *testing.T) {
	t.Parallel()
	r, seen := newReceiver(t)
	if status, w := deliver(r, seen, http.MethodGet, "", http.Header{}); status != http.StatusMethodNotAllowed || w != nil {
		t.Errorf("GET: %d, %+v", status, w)
	}
	large := strings.Repeat("x", 32<<20+1)
	if status, w := deliver(r, seen, http.MethodPost, large, http.Header{}); status != http.StatusRequestEntityTooLarge || w != nil {
		t.Errorf("33 MB: %d, %+v", status, w)
	}
}
