package recipe_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"time"
)

// quota is a fake that says in each answer what is left of its limit, in headers
// whose names begin with a prefix: X-RateLimit-.
type quota struct {
	*fake
	prefix string
	// free says that answers which say "not modified" are not counted.
	free bool
}

// ServeHTTP implements http.Handler.
func (q quota) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set(q.prefix+"Limit", strconv.Itoa(q.requests))
	w.Header().Set(q.prefix+"Remaining", strconv.Itoa(max(0, q.requests-q.spent()-1)))
	w.Header().Set(q.prefix+"Reset", strconv.FormatInt(time.Now().Add(q.per).Unix(), 10))
	q.fake.ServeHTTP(w, r)
	if q.free && w.(*httptest.ResponseRecorder).Code == http.StatusNotModified {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.asked = q.asked[:len(q.asked)-1]
	}
}

// spent is how many requests have been counted.
func (q quota) spent() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.asked)
}
