package daemon_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pollwire/pollwire/internal/receiver"
)

// volatileQueueMembers are the members of RabbitMQ's queues that say how the
// broker feels, and not what the queue is or holds.
const volatileQueueMembers = `[
  backing_queue_status, consumer_capacity, consumer_utilisation, consumers, effective_policy_definition,
  exclusive_consumer_tag, garbage_collection, head_message_timestamp, idle_since, memory, message_bytes,
  message_bytes_paged_out, message_bytes_persistent, message_bytes_ram, message_bytes_ready,
  message_bytes_unacknowledged, message_stats, messages_details, messages_paged_out, messages_persistent,
  messages_ram, messages_ready, messages_ready_details, messages_ready_ram, messages_unacknowledged,
  messages_unacknowledged_details, messages_unacknowledged_ram, operator_policy, policy, recoverable_slaves,
  reductions, reductions_details, single_active_consumer_tag, state]`

// TestRabbitMQ watches a broker that none of us wrote: what is done to its
// queues is told, and nothing else.
func TestRabbitMQ(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	b.declare(t, "old")
	hooks := newHooks(t)
	d := startDaemon(t, fmt.Sprintf(`
sources:
  - name: queues
    schedule: "@every 200ms"
    request: {url: "%s/api/queues"}
    auth: {type: basic, username: guest, password: guest}
    items: {key: name}
    detect: {ignore: %s}
    event_type: rabbitmq.queue
endpoints:
  - {name: ops, url: "%s", secrets: ["%s"]}
`, b.url, volatileQueueMembers, hooks.url, hooks.secret))

	// The figures of a queue appear some time after its declaration: wait for
	// them, then let the broker idle.
	d.poll(t, "queues")
	b.publish(t, "old", 1)
	hooks.await(t, "old", messages("1"))
	b.declare(t, "orders")
	hooks.await(t, "orders", kind("created"))
	b.publish(t, "orders", 3)
	hooks.await(t, "orders", messages("3"))

	before := hooks.count()
	idle := time.After(5 * time.Second)
	<-idle
	if n := hooks.count() - before; n != 0 {
		t.Errorf("%d webhooks while the broker idled: %s", n, hooks.dump())
	}

	b.drain(t, "orders", 2)
	hooks.await(t, "orders", messages("1"))
	b.drain(t, "orders", 1)
	hooks.await(t, "orders", messages("0"))
	b.remove(t, "orders")
	hooks.await(t, "orders", kind("deleted"))
	checkQueueStory(t, hooks.of("orders"))
}

// checkQueueStory holds what was told of a queue against what was done to it:
// declared, filled with three, drained to one, to none, deleted. While it is
// filled any figure on the way may be seen.
func checkQueueStory(t *testing.T, told []receiver.Envelope) {
	t.Helper()
	var types []string
	var counts []string
	for _, e := range told {
		if len(types) == 0 || types[len(types)-1] != e.Type {
			types = append(types, e.Type)
		}
		if e.Data.Change != "updated" {
			continue
		}
		if !slices.Equal(e.Data.Changed, []string{"/messages"}) {
			t.Errorf("updated for %v", e.Data.Changed)
		}
		counts = append(counts, messagesIn(e.Data.After))
	}
	want := []string{"rabbitmq.queue.created", "rabbitmq.queue.updated", "rabbitmq.queue.deleted"}
	if d := cmp.Diff(want, types); d != "" {
		t.Errorf("types (-want +got):\n%s", d)
	}
	if story := strings.TrimPrefix(strings.Join(counts, " "), "0 "); !strings.HasSuffix(story, "3 1 0") || !slices.IsSorted(strings.Fields(strings.TrimSuffix(story, " 1 0"))) {
		t.Errorf("messages went through %s", story)
	}
}

func messagesIn(queue json.RawMessage) string {
	var q struct {
		Messages json.Number `json:"messages"`
	}
	if err := json.NewDecoder(bytes.NewReader(queue)).Decode(&q); err != nil {
		return err.Error()
	}
	return q.Messages.String()
}

// messages wants an event after which a queue holds so many messages.
func messages(count string) func(receiver.Envelope) bool {
	return func(e receiver.Envelope) bool {
		return e.Data.Change != "deleted" && messagesIn(e.Data.After) == count
	}
}

// kind wants an event of a kind.
func kind(change string) func(receiver.Envelope) bool {
	return func(e receiver.Envelope) bool { return e.Data.Change == change }
}
