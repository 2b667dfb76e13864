package daemon_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/daemon"
	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/server/client"
	"github.com/pollwire/pollwire/notify"
)

// TestEndpointsAreSteered over the API, and nothing secret of them is told.
func TestEndpointsAreSteered(t *testing.T) {
	t.Parallel()
	a, h := newAPI(t, `{"data":[]}`), newHooks(t)
	yaml := orders(a, h, "") + "  - {name: chat, url: \"" + h.url + "/services/TOPSECRET?key=TOPSECRET\", secrets: [\"" + h.secret + "\"], enabled: false}\n"
	d := startDaemon(t, yaml)
	d.baseline(t, "orders")
	e, err := d.client.ChangeEndpoint(t.Context(), "you", server.Pause)
	if err != nil || !e.Paused || !e.Enabled {
		t.Fatalf("pause: %+v, %v", e, err)
	}
	a.says(`{"data":[{"id":1}]}`)
	d.poll(t, "orders")
	d.unchanged(t, "orders")
	list, err := d.client.Endpoints(t.Context())
	if err != nil || len(list) != 2 {
		t.Fatalf("endpoints %+v: %v", list, err)
	}
	chat, you := list[0], list[1]
	if you.Waiting != 1 || you.WaitingSince == nil || you.Breaker != notify.BreakerClosed || you.URL != h.url {
		t.Errorf("you: %+v", you)
	}
	if chat.Enabled || chat.Reason == "" || chat.URL != h.url {
		t.Errorf("chat: %+v", chat)
	}
	if told, err := json.Marshal(list); err != nil || strings.Contains(string(told), "TOPSECRET") {
		t.Errorf("told %s, %v", told, err)
	}

	page, err := d.client.Deliveries(t.Context(), client.DeliveryQuery{State: "waiting", Endpoint: "you"})
	if err != nil || len(page.Deliveries) != 1 {
		t.Fatalf("deliveries %+v: %v", page, err)
	}
	waits := page.Deliveries[0]
	if e, err = d.client.ChangeEndpoint(t.Context(), "you", server.Resume); err != nil || e.Paused {
		t.Fatalf("resume: %+v, %v", e, err)
	}
	first := h.await(t, "1", kind("created"))
	if first.ID != waits.Event {
		t.Errorf("told %s, want %s", first.ID, waits.Event)
	}
	page, err = d.client.Deliveries(t.Context(), client.DeliveryQuery{Event: waits.Event})
	if err != nil || len(page.Deliveries) != 2 || page.Deliveries[1].ID != waits.ID {
		t.Errorf("deliveries of the event %+v: %v", page, err)
	}
	_, err = d.client.ChangeEndpoint(t.Context(), "nobody", server.Pause)
	wantProblem(t, "pause nobody", err, http.StatusNotFound, `no endpoint "nobody"`)
}

// TestEndpointIsTested whatever its deliveries wait for.
func TestEndpointIsTested(t *testing.T) {
	t.Parallel()
	a, h := newAPI(t, `{"data":[]}`), newHooks(t)
	refused := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "no such hook", http.StatusNotFound)
	}))
	defer refused.Close()
	d := startDaemon(t, orders(a, h, "")+"  - {name: lost, url: \""+refused.URL+"\", secrets: [\""+h.secret+"\"], enabled: false}\n")
	if _, err := d.client.ChangeEndpoint(t.Context(), "you", server.Pause); err != nil {
		t.Fatal(err)
	}
	test, err := d.client.TestEndpoint(t.Context(), "you")
	if err != nil || test.Attempt.Error != "" || test.Attempt.Status/100 != 2 {
		t.Fatalf("test %+v: %v", test, err)
	}
	h.mu.Lock()
	if len(h.told) != 1 || h.told[0].ID != test.ID || h.told[0].Type != notify.TypePing {
		t.Errorf("told %+v", h.told)
	}
	h.mu.Unlock()
	test, err = d.client.TestEndpoint(t.Context(), "lost")
	if err != nil || test.Attempt.Status != http.StatusNotFound || test.Attempt.Error == "" || !strings.Contains(test.Attempt.Response, "no such hook") {
		t.Errorf("test %+v: %v", test, err)
	}
	_, err = d.client.TestEndpoint(t.Context(), "nobody")
	wantProblem(t, "test nobody", err, http.StatusNotFound, `no endpoint "nobody"`)
}

// refusing is the URL of a receiver that refuses everything until it is well, and
// then takes it as hooks do.
func refusing(t *testing.T, h *hooks) (well *atomic.Bool, url string) {
	t.Helper()
	well = new(atomic.Bool)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !well.Load() {
			http.Error(w, "not today", http.StatusBadRequest)
			return
		}
		h.handler.ServeHTTP(w, r)
	}))
	t.Cleanup(receiver.Close)
	return well, receiver.URL
}

// TestDeadDeliveryIsToldAgain, by itself and by a replay.
func TestDeadDeliveryIsToldAgain(t *testing.T) {
	t.Parallel()
	a, h := newAPI(t, `{"data":[]}`), newHooks(t)
	well, url := refusing(t, h)
	yaml := strings.Replace(orders(a, h, ""), h.url, url, 1)
	yaml = strings.Replace(yaml, "[10ms, 10ms, 1h]", "[1ms]", 1)
	d := startDaemon(t, yaml)
	d.baseline(t, "orders")
	a.says(`{"data":[{"id":1}]}`)
	d.poll(t, "orders")
	dead := awaitDelivery(t, d, "dead")
	shown, err := d.client.Delivery(t.Context(), dead.ID)
	if err != nil || len(shown.Tried) != 2 || shown.Tried[0].Status != http.StatusBadRequest || !strings.Contains(shown.Tried[0].Response, "not today") {
		t.Fatalf("delivery %+v: %v", shown, err)
	}
	well.Store(true)
	again, err := d.client.RetryDelivery(t.Context(), dead.ID)
	if err != nil || again.ID == dead.ID || !again.Replay || again.Event != dead.Event {
		t.Fatalf("retry %+v: %v", again, err)
	}
	if told := h.await(t, "1", kind("created")); told.ID != dead.Event {
		t.Errorf("told %s", told.ID)
	}
	replay, err := d.client.StartReplay(t.Context(), &server.ReplayRequest{Endpoint: "you", Source: "orders"})
	if err != nil {
		t.Fatal(err)
	}
	if replay, err = d.client.Replay(t.Context(), replay.ID); err != nil || replay.Endpoint != "you" {
		t.Errorf("replay %+v: %v", replay, err)
	}
	_, err = d.client.Replay(t.Context(), "rpl_none")
	wantProblem(t, "no replay", err, http.StatusNotFound, `no replay "rpl_none"`)
	_, err = d.client.StartReplay(t.Context(), &server.ReplayRequest{Endpoint: "nobody"})
	wantProblem(t, "replay to nobody", err, http.StatusUnprocessableEntity, `there is no endpoint "nobody"`)
	_, err = d.client.StartReplay(t.Context(), &server.ReplayRequest{Source: "nothing"})
	wantProblem(t, "replay of nothing", err, http.StatusUnprocessableEntity, `there is no source "nothing"`)
	_, err = d.client.Delivery(t.Context(), 99)
	wantProblem(t, "no delivery", err, http.StatusNotFound, "no delivery")
}

// TestWaitingDeliveryIsRetried when the operator asks for it, and one that it
// waits for is named.
func TestWaitingDeliveryIsRetried(t *testing.T) {
	t.Parallel()
	a, h := newAPI(t, `{"data":[]}`), newHooks(t)
	well, url := refusing(t, h)
	yaml := strings.Replace(orders(a, h, ""), h.url, url, 1)
	yaml = strings.Replace(yaml, "[10ms, 10ms, 1h]", "[1h]", 1)
	dir := daemon.MustMigrate(t)
	d := restartDaemon(t, dir, yaml)
	d.baseline(t, "orders")
	a.says(`{"data":[{"id":1},{"id":2}]}`)
	d.poll(t, "orders")
	var waits []server.Delivery
	for len(waits) != 2 || waits[1].Posts == 0 {
		page, err := d.client.Deliveries(t.Context(), client.DeliveryQuery{State: "waiting"})
		if err != nil {
			t.Fatal(err)
		}
		waits = page.Deliveries
	}
	first, second := waits[1], waits[0]
	_, err := d.client.RetryDelivery(t.Context(), second.ID)
	wantProblem(t, "retry of one behind another", err, http.StatusConflict, fmt.Sprintf("behind delivery %d: retry that one", first.ID))
	well.Store(true)
	again, err := d.client.RetryDelivery(t.Context(), first.ID)
	if err != nil || again.ID != first.ID || again.Replay {
		t.Fatalf("retry %+v: %v", again, err)
	}
	h.await(t, first.Subject, kind("created"))
	h.await(t, second.Subject, kind("created"))

	stopDaemon(t, d.Daemon)
	d = restartDaemon(t, dir, strings.Replace(yaml, "name: you", "name: other", 1))
	_, err = d.client.RetryDelivery(t.Context(), first.ID)
	wantProblem(t, "retry to an endpoint that is gone", err, http.StatusConflict, `no endpoint "you" any more`)
}

// awaitDelivery asks until there is a delivery in a state.
func awaitDelivery(t *testing.T, d *running, state string) server.Delivery {
	t.Helper()
	var found server.Delivery
	eventually(t, func() error {
		page, err := d.client.Deliveries(t.Context(), client.DeliveryQuery{State: state})
		must(t, err)
		if len(page.Deliveries) == 0 {
			return fmt.Errorf("no delivery is %s", state)
		}
		found = page.Deliveries[0]
		return nil
	})
	return found
}

// TestFailingEndpointSaysWhy from its first failure on, before others are told.
func TestFailingEndpointSaysWhy(t *testing.T) {
	t.Parallel()
	a, h := newAPI(t, `{"data":[]}`), newHooks(t)
	well, url := refusing(t, h)
	yaml := strings.Replace(orders(a, h, ""), h.url, url, 1)
	// What fails waits until it is told to go: else it could be told by itself before.
	d := startDaemon(t, strings.Replace(yaml, "[10ms, 10ms, 1h]", "[1h]", 1))
	d.baseline(t, "orders")
	a.says(`{"data":[{"id":1}]}`)
	d.poll(t, "orders")
	stands := func(wanted func(e *server.Endpoint) bool) {
		t.Helper()
		eventually(t, func() error {
			list, err := d.client.Endpoints(t.Context())
			if err != nil || len(list) != 1 {
				t.Fatalf("%+v, %v", list, err)
			}
			if !wanted(&list[0]) {
				return fmt.Errorf("endpoint %+v", list[0])
			}
			return nil
		})
	}
	stands(func(e *server.Endpoint) bool { return e.FailingSince != nil && e.Reason == "answered 400 Bad Request" })
	well.Store(true)
	if _, err := d.client.RetryDelivery(t.Context(), awaitDelivery(t, d, "waiting").ID); err != nil {
		t.Fatal(err)
	}
	stands(func(e *server.Endpoint) bool { return e.FailingSince == nil && e.Reason == "" })
}

// TestGoneDisablesByADeliveryOnly: a test disables nothing, and does not say so.
func TestGoneDisablesByADeliveryOnly(t *testing.T) {
	t.Parallel()
	a, h := newAPI(t, `{"data":[]}`), newHooks(t)
	gone := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) }))
	t.Cleanup(gone.Close)
	d := startDaemon(t, strings.Replace(orders(a, h, ""), h.url, gone.URL, 1))
	d.baseline(t, "orders")
	test, err := d.client.TestEndpoint(t.Context(), "you")
	if err != nil || test.Attempt.Error != "answered 410 Gone" {
		t.Errorf("test: %+v, %v", test, err)
	}
	if list, err := d.client.Endpoints(t.Context()); err != nil || !list[0].Enabled {
		t.Errorf("after the test: %+v, %v", list, err)
	}
	a.says(`{"data":[{"id":1}]}`)
	d.poll(t, "orders")
	eventually(t, func() error {
		waits := awaitDelivery(t, d, "waiting")
		if waits.Last == nil {
			return fmt.Errorf("delivery %+v", waits)
		}
		if waits.Last.Error != "answered 410 Gone: the endpoint is disabled" {
			t.Errorf("last attempt: %+v", waits.Last)
		}
		return nil
	})
}

// TestWhatIsHeldBackSaysSo: a retry, or a replay, to an endpoint that is not posted
// to is no silent wait.
func TestWhatIsHeldBackSaysSo(t *testing.T) {
	t.Parallel()
	a, h := newAPI(t, `{"data":[]}`), newHooks(t)
	d := startDaemon(t, orders(a, h, "")+"  - {name: off, url: \""+h.url+"\", secrets: [\""+h.secret+"\"], enabled: false}\n")
	d.baseline(t, "orders")
	a.says(`{"data":[{"id":1}]}`)
	d.poll(t, "orders")
	h.await(t, "1", kind("created"))
	told := awaitDelivery(t, d, "delivered")
	if shown, err := d.client.Delivery(t.Context(), told.ID); err != nil || shown.Held != "" {
		t.Errorf("delivered: %+v, %v", shown, err)
	}
	for change, want := range map[server.EndpointChange]string{
		server.Pause:   `endpoint "you" is paused: its deliveries wait until 'pollwire resume endpoint/you'`,
		server.Disable: `endpoint "you" is disabled (disabled by the operator): its deliveries wait until 'pollwire enable endpoint/you'`,
	} {
		if _, err := d.client.ChangeEndpoint(t.Context(), "you", change); err != nil {
			t.Fatal(err)
		}
		again, err := d.client.RetryDelivery(t.Context(), told.ID)
		if err != nil {
			t.Fatal(err)
		}
		if again.Held != want {
			t.Errorf("retry: %q, want %q", again.Held, want)
		}
		replay, err := d.client.StartReplay(t.Context(), &server.ReplayRequest{Endpoint: "you"})
		if err != nil || len(replay.Held) != 1 || replay.Held[0] != want {
			t.Errorf("replay: %+v, %v", replay, err)
		}
		for _, change := range []server.EndpointChange{server.Enable, server.Resume} {
			if _, err := d.client.ChangeEndpoint(t.Context(), "you", change); err != nil {
				t.Fatal(err)
			}
		}
		for deadline := time.Now().Add(patience); ; {
			if shown, err := d.client.Delivery(t.Context(), again.ID); err != nil || shown.State == notify.Delivered {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("not told again")
			}
		}
	}
	replay, err := d.client.StartReplay(t.Context(), &server.ReplayRequest{})
	if err != nil || len(replay.Held) != 1 || !strings.Contains(replay.Held[0], `endpoint "off" has enabled: false`) {
		t.Errorf("replay to all: %+v, %v", replay, err)
	}
}
