package daemon_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// api is an upstream that answers what it is told to, and counts.
type api struct {
	url string

	mu          sync.Mutex
	status      int
	contentType string
	body        string
}

func newAPI(t *testing.T, body string) *api {
	t.Helper()
	a := &api{status: http.StatusOK, contentType: "application/json", body: body}
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	a.url = server.URL
	return a
}

func (a *api) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	w.Header().Set("Content-Type", a.contentType)
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.body) // the client may have gone
}

// says lets the API answer with another body.
func (a *api) says(body string) { a.answers(http.StatusOK, "application/json", body) }

func (a *api) answers(status int, contentType, body string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.status, a.contentType, a.body = status, contentType, body
}
