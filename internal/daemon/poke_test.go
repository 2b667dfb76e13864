package daemon_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const pokeSecret = "poke-secret-0123456789"

// poke sends a poke as a provider does that can only be given a URL, and
// returns the status of the answer.
func (r *running) poke(t *testing.T, source, secret string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
		"http://"+r.Addr()+"/poke/"+source+"?secret="+secret, strings.NewReader(`{"event":"order.created"}`))
	if err != nil {
		t.Fatal(err)
	}
	res, err := (&http.Client{Timeout: patience}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}

// TestAPokeIsAPoll: it is told what the poll sees, not what the poke says.
func TestAPokeIsAPoll(t *testing.T) {
	t.Parallel()
	a, h := newAPI(t, `{"data":[]}`), newHooks(t)
	d := startDaemon(t, orders(a, h, "    poke: {secret: "+pokeSecret+"}\n"))
	d.baseline(t, "orders")
	a.says(`{"data":[{"id":7}]}`)
	if status := d.poke(t, "orders", pokeSecret); status != http.StatusAccepted {
		t.Fatalf("answered %d", status)
	}
	h.await(t, "7", kind("created"))
}

// TestAPokeDuringAPollLeadsToAnother: what the poll under way saw is older.
func TestAPokeDuringAPollLeadsToAnother(t *testing.T) {
	t.Parallel()
	a, h := newAPI(t, `{"data":[]}`), newHooks(t)
	hold, entered := make(chan chan struct{}, 1), make(chan struct{})
	gate := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		a.mu.Lock()
		body := a.body
		a.mu.Unlock()
		select {
		case release := <-hold:
			close(entered)
			<-release
		default:
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, body) // the client may have gone
	}))
	t.Cleanup(gate.Close)
	a.url = gate.URL
	d := startDaemon(t, orders(a, h, "    poke: {secret: "+pokeSecret+"}\n"))
	d.baseline(t, "orders")

	release := make(chan struct{})
	hold <- release
	d.poll(t, "orders")
	awaited(t, entered)
	a.says(`{"data":[{"id":7}]}`)
	for range 5 {
		if status := d.poke(t, "orders", pokeSecret); status != http.StatusAccepted {
			t.Errorf("answered %d", status)
		}
	}
	close(release)
	h.await(t, "7", kind("created"))
}

// TestOnlySomeSourcesCanBePoked: those that are enabled and have a secret.
func TestOnlySomeSourcesCanBePoked(t *testing.T) {
	t.Parallel()
	a, h := newAPI(t, `{"data":[]}`), newHooks(t)
	for name, extra := range map[string]string{
		"disabled":       "    poke: {secret: " + pokeSecret + "}\n    enabled: false\n",
		"without a poke": "",
		"other secret":   "    poke: {secret: " + pokeSecret + "-2}\n",
	} {
		d := startDaemon(t, orders(a, h, extra))
		if status := d.poke(t, "orders", pokeSecret); status != http.StatusNotFound {
			t.Errorf("%s: answered %d", name, status)
		}
	}
	d := startDaemon(t, "server: {listen: \"127.0.0.1:0\", token: the-token-of-the-api}\n"+orders(a, h, "    poke: {secret: "+pokeSecret+"}\n"))
	if status := d.poke(t, "orders", pokeSecret); status != http.StatusAccepted {
		t.Errorf("with a token of the API: answered %d", status)
	}
}
