package daemon_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/server/client"
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
	page := awaited(t, got)
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

// retriever polls a URL for a JSON list as the trigger Retrieve Poll of Zapier does:
// it knows nothing but Basic authentication, reads one page, newest first, keeps the
// ids that it has seen, and takes what is new from the oldest on. See
// https://help.zapier.com/hc/en-us/articles/8496274719757-Trigger-Zaps-from-polling-webhooks
type retriever struct {
	url, password string
	seen          map[string]bool
}

// poll returns the subjects of what is new. The first time there is none.
func (r *retriever) poll(t *testing.T) (subjects []string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("zapier", r.password)
	res, err := (&http.Client{Timeout: 30 * time.Second}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var page struct {
		Events []struct{ ID, Subject string }
	}
	if err := json.NewDecoder(res.Body).Decode(&page); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %v", res.Status, err)
	}
	first := r.seen == nil
	if first {
		r.seen = make(map[string]bool)
	}
	for _, e := range page.Events {
		if !r.seen[e.ID] && !first {
			subjects = append(subjects, e.Subject)
		}
		r.seen[e.ID] = true
	}
	slices.Reverse(subjects)
	return subjects
}

// TestLogIsAPollingTrigger: a tool that polls for JSON, newest first, gets every
// event once, in order.
func TestLogIsAPollingTrigger(t *testing.T) {
	t.Parallel()
	a, h := newAPI(t, `{"data":[]}`), newHooks(t)
	const token = "a-token-of-the-api"
	d := startDaemon(t, `server: {listen: "127.0.0.1:0", token: `+token+"}\n"+orders(a, h, ""))
	c, err := client.New(client.Options{URL: "http://" + d.Addr(), Token: token})
	if err != nil {
		t.Fatal(err)
	}
	d.client = c
	d.baseline(t, "orders")
	zap := &retriever{url: "http://" + d.Addr() + "/v1/events?order=newest&limit=3&source=orders", password: token}
	var items, want []string
	for n := range 7 {
		if n == 2 {
			zap.poll(t) // it is turned on, and tells nothing of the two that there are
		}
		items = append(items, fmt.Sprintf(`{"id":%d}`, n))
		a.says(`{"data":[` + strings.Join(items, ",") + `]}`)
		d.poll(t, "orders")
		h.await(t, fmt.Sprint(n), kind("created"))
		want = append(want, fmt.Sprint(n))
		if n == 4 || n == 6 {
			first := map[int]int{4: 2, 6: 5}[n]
			if got := zap.poll(t); !slices.Equal(got, want[first:]) {
				t.Errorf("after order %d it got %v, want %v", n, got, want[first:])
			}
			if again := zap.poll(t); len(again) > 0 {
				t.Errorf("then %v again", again)
			}
		}
	}
}
