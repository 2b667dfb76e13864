package daemon_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/server"
)

// TestLogIsPulled by one that waits for what comes, by one that was away, and as
// an endpoint would be told it.
func TestLogIsPulled(t *testing.T) {
	t.Parallel()
	a, h := newAPI(t, `{"data":[]}`), newHooks(t)
	yaml := orders(a, h, "") + "  - {name: few, url: \"" + h.url + "/few\", secrets: [\"" + h.secret + "\"], enabled: false, events: [\"*.deleted\"]}\n"
	d := startDaemon(t, yaml)
	d.baseline(t, "orders")
	got := make(chan *server.EventPage)
	go func() {
		page, err := d.client.Events(t.Context(), &server.EventQuery{Source: "orders", Wait: time.Minute})
		if err != nil {
			t.Error(err)
		}
		got <- page
	}()
	a.says(`{"data":[{"id":1}]}`)
	d.poll(t, "orders")
	told := h.await(t, "1", kind("created"))
	page := <-got
	if page == nil || len(page.Events) != 1 || page.Events[0].Cursor != told.ID {
		t.Fatalf("page %+v", page)
	}
	// Who knows the last webhook-id goes on from there.
	for _, after := range []string{told.ID, page.Next} {
		next, err := d.client.Events(t.Context(), &server.EventQuery{After: after})
		if err != nil || len(next.Events) != 0 || next.Next != page.Next {
			t.Errorf("after %s: %+v, %v", after, next, err)
		}
	}
	for name, want := range map[string]int{"you": 1, "few": 0} {
		page, err := d.client.Events(t.Context(), &server.EventQuery{Endpoint: name})
		if err != nil || len(page.Events) != want {
			t.Errorf("%s: %+v, %v", name, page, err)
		}
	}
	_, err := d.client.Events(t.Context(), &server.EventQuery{Endpoint: "nobody"})
	wantProblem(t, "nobody's log", err, http.StatusNotFound, `no endpoint "nobody"`)
	_, err = d.client.Events(t.Context(), &server.EventQuery{After: "x"})
	wantProblem(t, "no cursor", err, http.StatusBadRequest, "is no cursor")
	_, err = d.client.Events(t.Context(), &server.EventQuery{After: "99"})
	wantProblem(t, "cursor of another log", err, http.StatusGone, "begin anew")
}
