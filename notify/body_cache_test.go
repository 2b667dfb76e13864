package notify

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
)

func TestBodiesAreSharedAndBounded(t *testing.T) {
	t.Parallel()
	q := newMemQueue()
	big := `{"x":"` + strings.Repeat("x", maxCachedBytes/10) + `"}`
	for range 30 {
		id := q.commit("ops", "a")
		e := q.events[id]
		e.Data = []byte(big)
		q.events[id] = e
	}
	huge := q.commit("ops", "a")
	e := q.events[huge]
	e.Data = []byte(`{"x":"` + strings.Repeat("x", maxCachedBytes) + `"}`)
	q.events[huge] = e
	c, ops, others := newBodyCache(q, ""), testEndpoint(t, "ops"), testEndpoint(t, "others")
	for position := int64(1); position <= huge; position++ {
		first, err := c.get(t.Context(), &ops, position)
		if err != nil {
			t.Fatal(err)
		}
		again, err := c.get(t.Context(), &others, position)
		if err != nil {
			t.Fatal(err)
		}
		if shared := first == again; shared != (position != huge) {
			t.Errorf("event %d: shared is %v", position, shared)
		}
	}
	cached := func(position int64) *body { return c.cached(bodyKey{position, ops.manner()}) }
	if c.size > maxCachedBytes || len(c.byKey) != c.used.Len() || len(c.byKey) == 0 || cached(1) != nil || cached(30) == nil {
		t.Errorf("keeps %d bytes in %d bodies", c.size, len(c.byKey))
	}
}

// TestBodiesAreSharedByWhatTheyDependOn: endpoints that are told in different
// ways never get each other's body.
func TestBodiesAreSharedByWhatTheyDependOn(t *testing.T) {
	t.Parallel()
	q := newMemQueue()
	position := q.commit("ops", "a")
	c := newBodyCache(q, "")
	endpoints := []Endpoint{
		{},
		{Payload: Payload{Thin: true}},
		{Payload: Payload{Fields: []string{"n"}}},
		{Payload: Payload{Fields: []string{"n", "x"}}},
		{MaxBody: 1000},
	}
	seen := make(map[*body]int)
	for i := range endpoints {
		b, err := c.get(t.Context(), &endpoints[i], position)
		if err != nil {
			t.Fatal(err)
		}
		if j, ok := seen[b]; ok {
			t.Errorf("endpoints %d and %d share a body", j, i)
		}
		seen[b] = i
	}
	alike := Endpoint{Name: "other", Format: FormatCloudEvents, MaxInFlight: 3}
	b, err := c.get(t.Context(), &alike, position)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := seen[b]; !ok {
		t.Error("the CloudEvent, which has the same bytes, was made again")
	}
}

// TestLargeEventsTakeTurns: however many attempts are under way, only so many
// bodies of large events are made at once, and small ones wait for none of them.
func TestLargeEventsTakeTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		large, small := q.commit("ops", "a"), q.commit("ops", "b")
		e := q.events[large]
		e.Data = []byte(`{"change":"created","before":null,"after":"` + strings.Repeat("x", largeEvent) + `"}`)
		q.events[large] = e
		c := newBodyCache(q, "")
		for range maxLarge {
			c.large <- struct{}{}
		}
		made := make(chan error, 20)
		get := func(ctx context.Context, e *Endpoint) {
			_, err := c.get(ctx, e, large)
			made <- err
		}
		for i := range 10 {
			go get(t.Context(), &Endpoint{MaxBody: 1000 + int64(i%2)})
		}
		stopped, stop := context.WithCancel(t.Context())
		go get(stopped, &Endpoint{})
		synctest.Wait()
		if len(made) > 0 {
			t.Fatalf("%d bodies were made beyond the bound: %v", len(made), <-made)
		}
		if _, err := c.get(t.Context(), &Endpoint{}, small); err != nil {
			t.Error(err)
		}
		stop()
		if err := <-made; !errors.Is(err, context.Canceled) || errors.Is(err, errBody) {
			t.Errorf("stopped: %v", err)
		}
		<-c.large
		for range 10 {
			if err := <-made; err != nil {
				t.Error(err)
			}
		}
		if len(c.byKey) != 3 {
			t.Errorf("%d bodies are kept", len(c.byKey))
		}
	})
}

func TestQueueErrorsAreNotForEver(t *testing.T) {
	t.Parallel()
	q := newMemQueue()
	position := q.commit("ops", "a")
	q.eventErr = errors.New("disk on fire")
	if _, err := newBodyCache(q, "").get(t.Context(), &Endpoint{}, position); !errors.Is(err, q.eventErr) || errors.Is(err, errBody) {
		t.Errorf("got %v", err)
	}
}

// TestLinksFollowThePublicURL: bodies are made anew when it is another one.
func TestLinksFollowThePublicURL(t *testing.T) {
	t.Parallel()
	q := newMemQueue()
	position := q.commit("ops", "a")
	c, ops := newBodyCache(q, "https://one.example.com"), testEndpoint(t, "ops")
	for _, public := range []string{"https://one.example.com", "https://two.example.com", "https://two.example.com", ""} {
		c.link(public)
		b, err := c.get(t.Context(), &ops, position)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(string(b.bytes), public+"/v1/events/"); got != (public != "") {
			t.Errorf("%q: body %s", public, b.bytes)
		}
	}
}
