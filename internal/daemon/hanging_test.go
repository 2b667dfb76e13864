package daemon

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"
)

// patience is how long a test waits for what must come, on a machine that has much
// else to do.
const patience = 2 * time.Minute

// awaited is what must come from a channel.
func awaited[T any](t *testing.T, from <-chan T) (got T) {
	t.Helper()
	select {
	case got = <-from:
	case <-time.After(patience):
		t.Fatal("what must come has not come")
	}
	return got
}

// hanging is a peer that takes requests and never answers.
type hanging struct {
	*httptest.Server
	asked chan string // paths
}

func newHanging(t *testing.T) *hanging {
	t.Helper()
	h := &hanging{asked: make(chan string, 100)}
	h.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then the server notices that the client has gone
		h.asked <- r.URL.Path
		<-r.Context().Done() // the client has gone
	}))
	t.Cleanup(h.Close)
	return h
}

// await returns when all these paths have been asked for.
func (h *hanging) await(t *testing.T, paths ...string) {
	t.Helper()
	for timeout := time.After(patience); len(paths) > 0; {
		select {
		case got := <-h.asked:
			paths = slices.DeleteFunc(paths, func(p string) bool { return p == got })
		case <-timeout:
			t.Fatalf("%v were never asked for", paths)
		}
	}
}
