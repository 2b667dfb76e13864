package notify

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"
)

func TestContentType(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		endpoint    Endpoint
		alone, many string
	}{
		{Endpoint{}, "application/json", "application/json"},
		{Endpoint{Format: FormatStandard}, "application/json", "application/json"},
		{Endpoint{Format: FormatCloudEvents}, "application/cloudevents+json; charset=utf-8", "application/cloudevents-batch+json"},
	} {
		if got := tc.endpoint.ContentType(false); got != tc.alone {
			t.Errorf("%q: one event is posted as %s, want %s", tc.endpoint.Format, got, tc.alone)
		}
		if got := tc.endpoint.ContentType(true); got != tc.many {
			t.Errorf("%q: a batch is posted as %s, want %s", tc.endpoint.Format, got, tc.many)
		}
	}
}

// TestBatchIsACloudEventsBatch: an array even of one, each of its members as it
// would be posted alone.
func TestBatchIsACloudEventsBatch(t *testing.T) {
	t.Parallel()
	e := &Endpoint{Format: FormatCloudEvents, Batch: Batch{MaxEvents: 3}}
	for n := range 4 {
		var bodies [][]byte
		for i := range n {
			event := exampleEvent()
			event.ID += string(rune('a' + i))
			body, err := Render(e, event, "")
			if err != nil {
				t.Fatal(err)
			}
			bodies = append(bodies, body)
		}
		var batch []cloudevents.Event
		body := RenderBatch(e, bodies)
		if err := json.Unmarshal(body, &batch); err != nil || len(batch) != n {
			t.Fatalf("%d events became %s: %v", n, body, err)
		}
		for i, event := range batch {
			if err := event.Validate(); err != nil || !strings.HasSuffix(event.ID(), string(rune('a'+i))) {
				t.Errorf("member %d: %v, id %s", i, err, event.ID())
			}
		}
	}
}

// TestDispatcherPostsInTheFormat of each endpoint, with its content type.
func TestDispatcherPostsInTheFormat(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), &receiver{}
		standard, events := testEndpoint(t, "standard"), testEndpoint(t, "events")
		events.Format = FormatCloudEvents
		events.Payload.Fields = []string{"x"}
		position := q.commit("standard", "a")
		q.tell(position, "events", "a")
		r := newRig(q, rec, standard, events)
		r.mustStart(t)
		defer r.mustStop(t)
		synctest.Wait()
		posts := rec.seen()
		if len(posts) != 2 {
			t.Fatalf("%d posts, want one for each endpoint", len(posts))
		}
		for _, p := range posts {
			contentType, data := "application/json", `"data":{"n":1}}`
			if p.endpoint == "events" {
				contentType, data = "application/cloudevents+json; charset=utf-8", `"data":{"omitted":["n"]}}`
			}
			if got := p.header.Values("Content-Type"); len(got) != 1 || got[0] != contentType || !strings.HasSuffix(p.body, data) {
				t.Errorf("%s got %v with %s", p.endpoint, got, p.body)
			}
		}
	})
}

// TestWhatCannotBeRenderedIsDead at once, with the reason, and its lane goes on.
func TestWhatCannotBeRenderedIsDead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), &receiver{}
		e := testEndpoint(t, "ops")
		e.MaxBody = 400
		large := q.commit("ops", "a")
		event := q.events[large]
		event.Subject = strings.Repeat("k", 400)
		q.events[large] = event
		small := q.commit("ops", "a")
		r := newRig(q, rec, e)
		r.mustStart(t)
		defer r.mustStop(t)
		synctest.Wait()
		if got := rec.positions(); len(got) != 1 || got[0] != small {
			t.Errorf("posted %v, want only the small one", got)
		}
		outcomes := q.outcomesOf(large)
		if len(outcomes) != 1 || outcomes[0].State != Dead || !strings.Contains(outcomes[0].Attempt.Error, "max_body allows 400") {
			t.Errorf("outcomes %+v, want it dead with the reason", outcomes)
		}
	})
}
