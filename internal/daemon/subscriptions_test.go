package daemon_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/daemon"
	"github.com/pollwire/pollwire/internal/receiver"
	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/sqlite"
	"github.com/pollwire/pollwire/notify"
)

// subscribable is a configuration whose subscriptions may lead to loopback.
func subscribable(a *api, h *hooks, verify string) string {
	return fmt.Sprintf("server: {listen: \"127.0.0.1:0\", subscriptions: {verify: %s, allow_networks: [127.0.0.0/8]}}\n", verify) + orders(a, h, "")
}

// hook is the receiver of a subscription. While it has a status, it answers
// everything with that.
type hook struct {
	*hooks
	status atomic.Int32
	asked  atomic.Int32
}

func newHook(t *testing.T) *hook {
	t.Helper()
	h := &hook{hooks: newHooks(t)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.asked.Add(1)
		if status := int(h.status.Load()); status != 0 {
			w.WriteHeader(status)
			return
		}
		h.handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	h.url = server.URL + "/hooks/standard/12345/top-secret/"
	return h
}

// call asks the API and decodes what it says.
func (r *running) call(t *testing.T, method, path string, body, into any) (status int) {
	t.Helper()
	var sent bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&sent).Encode(body); err != nil {
			t.Fatal(err)
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+r.Addr()+path, &sent)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := (&http.Client{Timeout: patience}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(into); err != nil && (into != nil || err != io.EOF) {
		t.Fatalf("%s %s: %s: %v", method, path, res.Status, err)
	}
	return res.StatusCode
}

func (r *running) subscribe(t *testing.T, n server.NewSubscription) server.Subscription {
	t.Helper()
	var s server.Subscription
	if status := r.call(t, http.MethodPost, "/v1/subscriptions", n, &s); status != http.StatusCreated {
		t.Fatalf("status %d", status)
	}
	return s
}

// mustBeGone waits until there is no subscription of an ID.
func (r *running) mustBeGone(t *testing.T, id string) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for timeout := time.After(patience); ; {
		var answer json.RawMessage
		if r.call(t, http.MethodGet, "/v1/subscriptions/"+id, nil, &answer) == http.StatusNotFound {
			return
		}
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatalf("it is still there: %s", answer)
		}
	}
}

// inStore runs something with the database of a daemon that has stopped.
func inStore(t *testing.T, dir string, do func(s store.Store)) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(dir, "pollwire.db"), Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	do(s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// nothingLeft checks that nothing is kept of a subscription but its history.
func nothingLeft(t *testing.T, dir string) {
	t.Helper()
	inStore(t, dir, func(s store.Store) {
		names, err := s.EndpointNames(t.Context(), "sub_")
		if err != nil || len(names) > 0 {
			t.Errorf("left of %v, error %v", names, err)
		}
		rows, err := s.Subscriptions(t.Context())
		if err != nil || len(rows) > 0 {
			t.Errorf("left %v, error %v", rows, err)
		}
	})
}

// TestSubscription goes all the way: made over the API, told, told after a
// restart, and ended by the receiver's 410.
func TestSubscription(t *testing.T) {
	t.Parallel()
	a, other, h := newAPI(t, `{"data":[]}`), newHooks(t), newHook(t)
	dir := daemon.MustMigrate(t)
	d := restartDaemon(t, dir, subscribable(a, other, "none"))
	d.baseline(t, "orders")
	made := d.subscribe(t, server.NewSubscription{
		URL: h.url, Sources: []string{"orders"}, Events: []string{"shop.order.*"}, Filter: "item.total > 10", Secret: h.secret,
	})
	if made.Secret != h.secret || !strings.HasSuffix(made.URL, "/...") {
		t.Errorf("made %+v", made)
	}

	a.says(`{"data":[{"id":1,"total":5},{"id":2,"total":50}]}`)
	d.poll(t, "orders")
	h.await(t, "2", kind("created"))
	other.await(t, "1", kind("created"))

	stopDaemon(t, d.Daemon)
	d = restartDaemon(t, dir, subscribable(a, other, "none"))
	a.says(`{"data":[{"id":1,"total":5},{"id":2,"total":60}]}`)
	d.poll(t, "orders")
	h.await(t, "2", kind("updated"))
	if h.count() != 2 {
		t.Errorf("told:\n%s", h.dump())
	}

	h.status.Store(http.StatusGone)
	a.says(`{"data":[{"id":1,"total":5},{"id":2,"total":70}]}`) // one attempt: none is under way any more once it is gone
	d.poll(t, "orders")
	d.mustBeGone(t, made.ID)
	asked := h.asked.Load()
	h.status.Store(0)
	a.says(`{"data":[{"id":2,"total":80}]}`)
	d.poll(t, "orders")
	other.await(t, "2", func(e receiver.Envelope) bool { return string(e.Data.After) == `{"id":2,"total":80}` })
	stopDaemon(t, d.Daemon)
	nothingLeft(t, dir)

	d = restartDaemon(t, dir, subscribable(a, other, "none"))
	a.says(`{"data":[{"id":2,"total":90}]}`)
	d.poll(t, "orders")
	other.await(t, "2", func(e receiver.Envelope) bool { return string(e.Data.After) == `{"id":2,"total":90}` })
	d.mustBeGone(t, made.ID)
	stopDaemon(t, d.Daemon)
	if h.asked.Load() != asked || h.count() != 2 {
		t.Errorf("asked %d times after %d, told:\n%s", h.asked.Load(), asked, h.dump())
	}
	if alerts := other.of(made.ID); len(alerts) > 0 {
		t.Errorf("others were told of it: %v", alerts)
	}
	nothingLeft(t, dir)
}

// TestSubscriptionIsDeleted while it cannot be reached: what waits for it is
// dead.
func TestSubscriptionIsDeleted(t *testing.T) {
	t.Parallel()
	a, other, h := newAPI(t, `{"data":[]}`), newHooks(t), newHook(t)
	dir := daemon.MustMigrate(t)
	d := restartDaemon(t, dir, subscribable(a, other, "none"))
	d.baseline(t, "orders")
	made := d.subscribe(t, server.NewSubscription{URL: h.url})
	if _, err := notify.ParseSecret(made.Secret); err != nil {
		t.Errorf("secret: %v", err)
	}
	var again server.Subscription
	if status := d.call(t, http.MethodPost, "/v1/subscriptions", server.NewSubscription{URL: h.url}, &again); status != http.StatusOK || again.ID != made.ID || again.Secret != "" {
		t.Errorf("again: %d %+v", status, again)
	}
	var list struct{ Subscriptions []server.Subscription }
	if status := d.call(t, http.MethodGet, "/v1/subscriptions", nil, &list); status != http.StatusOK || len(list.Subscriptions) != 1 || list.Subscriptions[0].Secret != "" {
		t.Errorf("list: %d %+v", status, list)
	}
	h.status.Store(http.StatusInternalServerError)
	a.says(`{"data":[{"id":1},{"id":2}]}`)
	d.poll(t, "orders")
	other.await(t, "2", kind("created"))
	if status := d.call(t, http.MethodDelete, "/v1/subscriptions/"+made.ID, nil, nil); status != http.StatusNoContent {
		t.Errorf("delete: %d", status)
	}
	var problem server.Problem
	if status := d.call(t, http.MethodDelete, "/v1/subscriptions/"+made.ID, nil, &problem); status != http.StatusNotFound || !strings.Contains(problem.Detail, made.ID) {
		t.Errorf("delete again: %d %s", status, problem.Detail)
	}
	_, err := d.client.RetryDelivery(t.Context(), awaitDelivery(t, d, "dead").ID)
	wantProblem(t, "retry of what was for it", err, http.StatusConflict, "any more")
	stopDaemon(t, d.Daemon)
	stopDaemon(t, restartDaemon(t, dir, subscribable(a, other, "none")).Daemon)
	nothingLeft(t, dir)
}

// TestGoneBeforeACrash: the 410 was saved, and what follows from it was not done
// yet.
func TestGoneBeforeACrash(t *testing.T) {
	t.Parallel()
	a, other, h := newAPI(t, `{"data":[]}`), newHooks(t), newHook(t)
	dir := daemon.MustMigrate(t)
	d := restartDaemon(t, dir, subscribable(a, other, "none"))
	made := d.subscribe(t, server.NewSubscription{URL: h.url})
	stopDaemon(t, d.Daemon)
	inStore(t, dir, func(s store.Store) {
		err := s.SaveEndpointState(t.Context(), notify.EndpointState{
			Name: made.ID, Disabled: true, Reason: notify.ReasonGone, Since: time.Now(), Told: true, Untold: notify.EndpointDisabled,
		})
		if err != nil {
			t.Fatal(err)
		}
	})
	d = restartDaemon(t, dir, subscribable(a, other, "none"))
	d.mustBeGone(t, made.ID)
	stopDaemon(t, d.Daemon)
	stopDaemon(t, restartDaemon(t, dir, subscribable(a, other, "none")).Daemon)
	nothingLeft(t, dir)
}

// TestChallenge: a receiver that must echo, and does.
func TestChallenge(t *testing.T) {
	t.Parallel()
	a, other, h := newAPI(t, `{"data":[]}`), newHooks(t), newHook(t)
	d := startDaemon(t, subscribable(a, other, "challenge"))
	d.baseline(t, "orders")
	var problem server.Problem
	asked := server.NewSubscription{URL: h.url, Secret: h.secret}
	if status := d.call(t, http.MethodPost, "/v1/subscriptions", asked, &problem); status != http.StatusUnprocessableEntity || !strings.Contains(problem.Detail, "did not echo the challenge") {
		t.Errorf("one that does not echo: %d %s", status, problem.Detail)
	}
	h.status.Store(http.StatusNotFound)
	if status := d.call(t, http.MethodPost, "/v1/subscriptions", asked, &problem); status != http.StatusUnprocessableEntity ||
		!strings.Contains(problem.Detail, "answered 404 Not Found") || strings.Contains(problem.Detail, "top-secret") {
		t.Errorf("one that is not there: %d %s", status, problem.Detail)
	}
	h.status.Store(0)
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var event struct {
			Type string
			Data struct{ Challenge string }
		}
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = json.Unmarshal(body, &event)
		}
		if err != nil {
			t.Error(err)
		}
		if event.Type == "pollwire.endpoint.challenge" {
			fmt.Fprintf(w, `{"challenge":%q}`, event.Data.Challenge)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		h.handler.ServeHTTP(w, r)
	}))
	t.Cleanup(echo.Close)
	made := d.subscribe(t, server.NewSubscription{URL: echo.URL, Secret: h.secret})
	a.says(`{"data":[{"id":1}]}`)
	d.poll(t, "orders")
	h.await(t, "1", kind("created"))
	if status := d.call(t, http.MethodDelete, "/v1/subscriptions/"+made.ID, nil, nil); status != http.StatusNoContent {
		t.Errorf("delete: %d", status)
	}
}

// TestHostileURLs are refused, with the key that would open them.
func TestHostileURLs(t *testing.T) {
	t.Parallel()
	a, other, h := newAPI(t, `{"data":[]}`), newHooks(t), newHook(t)
	d := startDaemon(t, orders(a, other, ""))
	for url, want := range map[string]string{
		"http://169.254.169.254/latest/meta-data/":          "169.254.169.254 (cloud metadata)",
		"http://[::ffff:169.254.169.254]/latest/meta-data/": "169.254.169.254 (cloud metadata)",
		"http://[fd00:ec2::254]/latest/meta-data/":          "(cloud metadata)",
		"http://[64:ff9b::a9fe:a9fe]/":                      "169.254.169.254 (cloud metadata)",
		"http://[2002:7f00:1::]/":                           "127.0.0.1 (loopback)",
		"http://10.0.0.7:8080/":                             "10.0.0.7 (private)",
		"http://0.0.0.0/":                                   "0.0.0.0 (unspecified)",
		"http://localhost:1/":                               "(loopback)",
		h.url:                                               "127.0.0.1 (loopback)",
	} {
		var problem server.Problem
		status := d.call(t, http.MethodPost, "/v1/subscriptions", server.NewSubscription{URL: url}, &problem)
		if status != http.StatusUnprocessableEntity || !strings.Contains(problem.Detail, want) || !strings.Contains(problem.Detail, "server.subscriptions.allow_networks") {
			t.Errorf("%s: %d %s", url, status, problem.Detail)
		}
	}
	if h.asked.Load() != 0 {
		t.Error("it was asked")
	}
}
