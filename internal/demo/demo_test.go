package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pollwire/pollwire/internal/receiver"
)

// patience is how long a test waits for what must come.
const patience = 3 * time.Minute

// until is a writer that calls a function as soon as it has been given a text.
type until struct {
	mu   sync.Mutex
	all  bytes.Buffer
	text string
	once func()
}

func (u *until) Write(p []byte) (int, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	n, err := u.all.Write(p)
	if u.once != nil && strings.Contains(u.all.String(), u.text) {
		u.once()
		u.once = nil
	}
	return n, err
}

// TestRun ends the demo when the third webhook has come, and looks what is left.
func TestRun(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	out, log := &until{text: "#3 shop.order.", once: cancel}, &bytes.Buffer{}
	if err := Run(ctx, Options{Version: "test", Out: out, Log: log, Seed: 7, Interval: 50 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(context.Cause(ctx), context.Canceled) {
		t.Errorf("no third webhook in %v", patience)
	}
	text := out.all.String()
	if log.Len() > 0 {
		t.Errorf("logged:\n%s", log)
	}
	if !regexp.MustCompile(`\nWebhooks: [1-9]\d* verified, 0 refused\. `).MatchString(text) {
		t.Errorf("printed:\n%s", text)
	}
	if !regexp.MustCompile(`\n  the dashboard  http://127\.0\.0\.1:\d+/\n`).MatchString(text) {
		t.Errorf("the dashboard is not named:\n%s", text)
	}
	for line := range strings.Lines(text) {
		if len([]rune(line)) > 110 {
			t.Errorf("a line is too long: %s", line)
		}
	}
	left, err := os.ReadDir(os.TempDir())
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	goroutinesEnd(t, before)
}

// goroutinesEnd waits until no more goroutines run than before.
func goroutinesEnd(t *testing.T, before int) {
	t.Helper()
	timeout := time.After(patience)
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for runtime.NumGoroutine() > before {
		select {
		case <-again.C:
		case <-timeout:
			stacks := make([]byte, 1<<20)
			t.Fatalf("goroutines are left:\n%s", stacks[:runtime.Stack(stacks, true)])
		}
	}
}

// book is what the shop's API answers.
func book(t *testing.T, s *shop) map[int]order {
	t.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/orders", nil))
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("%d %v", w.Code, w.Header())
	}
	var answer struct{ Orders []order }
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatal(err)
	}
	orders := make(map[int]order)
	for _, o := range answer.Orders {
		o.ViewedAt = time.Time{}
		orders[o.ID] = o
	}
	if len(orders) != len(answer.Orders) {
		t.Fatalf("an id is there twice:\n%s", w.Body)
	}
	return orders
}

// TestShop: each thing that happens changes exactly one order, and is what it
// is said to be; a seed makes it happen again; the book stays small.
func TestShop(t *testing.T) {
	t.Parallel()
	s, twin := newShop(5), newShop(5)
	before := book(t, s)
	for range 500 {
		said := s.change()
		if again := twin.change(); again != said {
			t.Fatalf("the same seed says %q and %q", said, again)
		}
		after := book(t, s)
		changed := 0
		for id := 1001; id < s.nextID; id++ {
			if !cmp.Equal(before[id], after[id]) {
				changed++
				if !strings.Contains(said, fmt.Sprintf("order %d", id)) {
					t.Errorf("order %d changed, but it is said: %s", id, said)
				}
			}
		}
		if changed != 1 {
			t.Errorf("%d orders changed: %s", changed, said)
		}
		if len(after) < 2 || len(after) > 8 {
			t.Errorf("%d orders", len(after))
		}
		before = after
	}
}

func TestScreen(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, body, prints string
		err                error
	}{
		{
			name:   "created",
			body:   `{"type":"shop.order.created","subject":"1001","sequence":"0012","data":{"change":"created","after":{"id":1001}}}`,
			prints: "webhook  #12 shop.order.created 1001  verified\n",
		},
		{
			name: "updated",
			body: `{"type":"shop.order.updated","subject":"1001","sequence":"0013","data":{"change":"updated",
				"before":{"status":"paid","n":1,"items":[1]},"after":{"status":"packed","n":2,"items":[2,3]},"changed":["/status","/n","/items/0","/items/1"]}}`,
			prints: "webhook  #13 shop.order.updated 1001  status paid → packed, n 1 → 2, 1 more  verified\n",
		},
		{name: "no JSON", body: "?", prints: "webhook  decode webhook: "},
		{name: "refused", err: os.ErrInvalid, prints: "webhook  refused: invalid argument\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			s := newScreen(&out, false)
			s.webhook(&receiver.Webhook{Body: []byte(tc.body), Err: tc.err})
			if !strings.Contains(out.String(), tc.prints) {
				t.Errorf("printed %q, want %q", out.String(), tc.prints)
			}
		})
	}
}

func TestScreenCounts(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	s := newScreen(&out, true)
	s.webhook(&receiver.Webhook{Body: []byte(`{}`)})
	s.webhook(&receiver.Webhook{Err: os.ErrInvalid})
	s.webhook(&receiver.Webhook{Body: []byte(`{}`)})
	s.goodbye()
	if text := out.String(); !strings.Contains(text, "Webhooks: 2 verified, 1 refused.") || !strings.Contains(text, "\x1b[31mwebhook\x1b[0m") {
		t.Errorf("printed %q", text)
	}
}
