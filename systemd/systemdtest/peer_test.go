package systemdtest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const (
	clockToken = "a-token-for-the-clock"
	opsSecret  = "whsec_cG9sbHdpcmUgdGVzdCBzZWNyZXQgb2YgMzMgYnl0ZXM="
)

// peer is both ends of the bridge: an API whose answer is always new, and a
// receiver of webhooks.
type peer struct {
	hooks chan hook
}

// hook is a webhook that came, and what is wrong with it.
type hook struct{ err error }

func startPeer(t *testing.T) *peer {
	t.Helper()
	verifier, err := standardwebhooks.NewWebhook(opsSecret)
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{hooks: make(chan hook, 1)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /clock", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+clockToken {
			p.report(fmt.Errorf("asked with Authorization: %s", r.Header.Get("Authorization")))
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"now":%d}`, time.Now().UnixNano())
	})
	mux.HandleFunc("POST /hook", func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = verifier.Verify(body, r.Header)
		}
		p.report(err)
	})
	srv := &http.Server{Addr: "127.0.0.1:9101", Handler: mux}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := srv.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("serve: %v", err)
		}
	}()
	t.Cleanup(func() {
		_ = srv.Close()
		<-ended
	})
	return p
}

// report keeps what is wrong with a webhook, nil for a good one. Nobody may be
// waiting, and then the next one is as good.
func (p *peer) report(err error) {
	select {
	case p.hooks <- hook{err}:
	default:
	}
}

// await waits for a webhook that is sent from now on, and is signed well.
func (p *peer) await(t *testing.T) {
	t.Helper()
	select {
	case <-p.hooks: // An older one.
	default:
	}
	select {
	case h := <-p.hooks:
		if h.err != nil {
			t.Fatal(h.err)
		}
	case <-time.After(patience):
		t.Fatalf("no webhook in %v", patience)
	}
}
