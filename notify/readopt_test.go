package notify

import (
	"strings"
	"testing"
	"testing/synctest"
)

// TestAdoptForgetsEvents: a queue that has failed over may have another event at a
// position that was told before. What is posted after an adoption is what is there.
func TestAdoptForgetsEvents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), &receiver{}
		position := q.commit("ops", "a")
		r := leasedRig(q, rec, testEndpoint(t, "ops"))
		r.mustStart(t)
		defer r.mustStop(t)
		r.mustAdopt(t, "ops")
		synctest.Wait()
		r.mustRelease(t, "ops")

		q.mu.Lock()
		e := q.events[position]
		e.ID, e.Data = "evt_another", []byte(`{"another":true}`)
		q.events[position] = e
		q.state[1] = Waiting
		q.mu.Unlock()
		r.mustAdopt(t, "ops")
		synctest.Wait()
		posts := rec.seen()
		if len(posts) != 2 || posts[1].id != "evt_another" || !strings.Contains(posts[1].body, "another") {
			t.Errorf("got %v", posts)
		}
	})
}

// TestBodyOfAnotherEdition: a body of an event that was read before all was forgotten
// is not kept.
func TestBodyOfAnotherEdition(t *testing.T) {
	t.Parallel()
	q := newMemQueue()
	position := q.commit("ops", "a")
	c, ops := newBodyCache(q, ""), testEndpoint(t, "ops")
	event, edition := q.events[position], c.edited()
	c.forget()
	key := bodyKey{position, ops.manner()}
	if _, err := c.render(&ops, key, &event, edition); err != nil {
		t.Fatal(err)
	}
	if c.cached(key) != nil {
		t.Error("kept")
	}
}
