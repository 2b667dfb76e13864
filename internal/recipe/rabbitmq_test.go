package recipe_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

// TestRabbitMQ holds the recipe against
// https://www.rabbitmq.com/docs/http-api-reference.
func TestRabbitMQ(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	api := newFake(t, 60, time.Minute, basic("monitor", "rabbit-1"), answer{
		status: http.StatusUnauthorized, header: http.Header{"Www-Authenticate": {`Basic realm="RabbitMQ Management"`}},
		body: `{"error":"not_authorized","reason":"Login failed"}`,
	})
	api.untagged = true
	queue := func(vhost, name string, ready int) object {
		return object{"vhost": vhost, "name": name, "type": "classic", "state": "running", "consumers": 2, "messages_ready": ready, "messages_unacknowledged": 1}
	}
	var queues []object
	for n := range 520 {
		queues = append(queues, queue("/", fmt.Sprintf("queue-%03d", n), n)) // none has too many
	}
	queues = append(queues, queue("/", "slow", 5000), queue("shop", "slow", 6000), queue("shop", "stuck", 7000))
	fresh := queue("/", "fresh", 0)
	delete(fresh, "messages_ready") // figures appear some time after a queue
	queues = append(queues, fresh)
	api.handle("GET /api/queues", func(r *http.Request) any {
		api.wantQuery(r, "page_size", "500")
		api.wantQuery(r, "columns", "vhost,name,type,state,consumers,messages_ready,messages_unacknowledged")
		number := api.number(r, "page")
		items, more := page(queues, 500*(number-1), 500)
		api.paged("queues", 500*(number-1), more)
		if number < 1 || len(items) == 0 {
			return answer{status: http.StatusBadRequest, body: `{"error":"page_out_of_range","reason":"Page out of range, page: 9 page size: 500"}`}
		}
		return object{
			"items": items, "page": number, "page_size": 500, "page_count": (len(queues) + 499) / 500,
			"filtered_count": len(queues), "item_count": len(items), "total_count": len(queues),
		}
	})
	find := func(vhost, name string) object {
		for _, q := range queues {
			if q["vhost"] == vhost && q["name"] == name {
				return q
			}
		}
		return nil
	}
	tr := trial{
		set:   map[string]string{"RABBITMQ_USER": "monitor", "RABBITMQ_PASSWORD": "rabbit-1"},
		hosts: map[string]http.Handler{"localhost:15671": api},
		dull: api.do(func() {
			find("/", "slow")["messages_ready"], find("/", "slow")["messages_unacknowledged"] = 4000, 900
			find("/", "queue-001")["messages_ready"] = 999
			find("/", "queue-001")["consumers"] = 0
		}),
		untold: api.do(func() { find("shop", "slow")["consumers"] = 1 }),
		change: api.do(func() {
			find("/", "queue-001")["messages_ready"] = 1001
			find("/", "slow")["messages_ready"] = 1000
			find("shop", "stuck")["consumers"] = 0
			find("shop", "slow")["state"] = "flow"
		}),
		told: []string{`rabbitmq.queue.created ["/","queue-001"]`, `rabbitmq.queue.deleted ["/","slow"]`, `rabbitmq.queue.updated ["shop","stuck"]`, `rabbitmq.queue.updated ["shop","slow"]`},
		sick: []sickness{
			api.ill("a server that starts", "503", answer{status: http.StatusServiceUnavailable, body: `{"error":"service_unavailable","reason":"..."}`}),
			api.ill("a user without the tag", "401", answer{status: http.StatusUnauthorized, body: `{"error":"not_authorised","reason":"Not management user"}`}),
		},
	}
	try(t, "rabbitmq", tr)
	inWorld(t, "rabbitmq", tr, func(t *testing.T, w *world) {
		full := []object{find("/", "queue-002"), find("/", "queue-003"), find("/", "queue-001"), find("shop", "slow"), find("shop", "stuck")}
		var told []string
		api.do(func() {
			for _, q := range full {
				q["messages_ready"] = 2000
				told = append(told, fmt.Sprintf("rabbitmq.queue.deleted [%q,%q]", q["vhost"], q["name"]))
			}
		})()
		w.round()
		api.do(func() {
			for _, q := range full {
				q["messages_ready"] = 0
			}
		})()
		w.round()
		w.wantTold(t, "the end of all", told...)
		w.wantFailures(t, "the end of all", "")
	})
	tryDenied(t, "rabbitmq", tr, "RABBITMQ_PASSWORD", "rabbit-2", "401")
}
