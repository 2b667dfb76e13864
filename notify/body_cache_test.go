package notify

import (
	"errors"
	"strings"
	"testing"
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

func TestQueueErrorsAreNotForEver(t *testing.T) {
	t.Parallel()
	q := newMemQueue()
	position := q.commit("ops", "a")
	q.eventErr = errors.New("disk on fire")
	if _, err := newBodyCache(q, "").get(t.Context(), &Endpoint{}, position); !errors.Is(err, q.eventErr) || errors.Is(err, errBody) {
		t.Errorf("got %v", err)
	}
}
