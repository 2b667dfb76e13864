package realtest

import (
	"net/http"
	"testing"

	"github.com/pollwire/pollwire/internal/server"
)

// TestRabbitMQ watches the queues of a broker: those that fill up are told, and what
// goes on below that is not.
func TestRabbitMQ(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	b.declare(t, "orders")
	b.declare(t, "calm")
	set := map[string]string{"RABBITMQ_URL": b.url, "RABBITMQ_USER": "guest", "RABBITMQ_PASSWORD": "guest", "RABBITMQ_READY": "2"}
	w := start(t, subject{name: "rabbitmq", set: set})
	w.wantFirst(t, "rabbitmq-queues")
	b.await(t, "calm", 0)
	w.wantPoll(t, "rabbitmq-queues", server.PollUnchanged)

	b.publish(t, "calm", 2)
	b.publish(t, "orders", 3)
	b.await(t, "calm", 2)
	b.await(t, "orders", 3)
	w.wantPoll(t, "rabbitmq-queues", server.PollChanged)
	if e := w.await(t, "rabbitmq.queue.created", ""); textOf(e.Data.After, "name") != "orders" || textOf(e.Data.After, "messages_ready") != "3" {
		t.Errorf("the queue is told as %s", e.Data.After)
	}
	b.publish(t, "orders", 1) // it waits already
	b.await(t, "orders", 4)
	w.poll(t, "rabbitmq-queues")
	b.drain(t, "orders", 2)
	b.await(t, "orders", 2)
	w.wantPoll(t, "rabbitmq-queues", server.PollChanged)
	if e := w.await(t, "rabbitmq.queue.deleted", ""); textOf(e.Data.Before, "name") != "orders" {
		t.Errorf("the queue that is worked off is told as %s", e.Data.Before)
	}
	b.remove(t, "calm")
	b.declare(t, "fresh") // It has no figures for a while.
	w.wantPoll(t, "rabbitmq-queues", server.PollUnchanged)
	w.wantTold(t, 2)

	set["RABBITMQ_PASSWORD"] = "wrong"
	wrong := start(t, subject{name: "rabbitmq", set: set})
	wrong.next(t, "rabbitmq-queues", 0)
	wrong.wantFailed(t, "rabbitmq-queues", http.StatusText(http.StatusUnauthorized))
}
