package realtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// broker is a private RabbitMQ server with its management API, on loopback
// ports of its own.
type broker struct {
	url    string // of the management API
	client *http.Client
}

// startBroker starts RabbitMQ from Debian's package.
func startBroker(t *testing.T) *broker {
	t.Helper()
	const server, epmd = "/usr/lib/rabbitmq/bin/rabbitmq-server", "/usr/bin/epmd"
	need(t, "Debian: rabbitmq-server", server, epmd)
	dir := t.TempDir()
	ports := freePorts(t, 4)
	write(t, dir, "rabbitmq.conf", fmt.Sprintf(`listeners.tcp.1 = 127.0.0.1:%d
management.tcp.ip = 127.0.0.1
management.tcp.port = %d
collect_statistics_interval = 500
`, ports[0], ports[1]))
	env := []string{
		"HOME=" + dir,
		"ERL_EPMD_ADDRESS=127.0.0.1",
		fmt.Sprintf("ERL_EPMD_PORT=%d", ports[3]),
		fmt.Sprintf("RABBITMQ_NODENAME=pollwire%d@localhost", ports[1]),
		fmt.Sprintf("RABBITMQ_DIST_PORT=%d", ports[2]),
		"RABBITMQ_MNESIA_BASE=" + filepath.Join(dir, "db"),
		"RABBITMQ_LOG_BASE=" + filepath.Join(dir, "log"),
		"RABBITMQ_LOGS=-",
		"RABBITMQ_CONFIG_FILE=" + filepath.Join(dir, "rabbitmq"),
		"RABBITMQ_ENABLED_PLUGINS_FILE=" + write(t, dir, "plugins", "[rabbitmq_management].\n"),
		"RABBITMQ_CONF_ENV_FILE=" + write(t, dir, "env", ""),
		"RABBITMQ_SERVER_START_ARGS=-kernel inet_dist_use_interface {127,0,0,1}",
	}
	startProcess(t, env, epmd)
	log := startProcess(t, env, server)

	b := &broker{url: fmt.Sprintf("http://127.0.0.1:%d", ports[1]), client: &http.Client{Timeout: patience}}
	deadline := time.After(patience)
	for b.try(t.Context(), http.MethodGet, "/api/overview", nil, nil) != nil {
		select {
		case <-time.After(200 * time.Millisecond):
		case <-deadline:
			t.Fatalf("RabbitMQ did not start in time:\n%s", log)
		}
	}
	return b
}

// try calls the management API.
func (b *broker) try(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, b.url+path, body)
	if err != nil {
		return err
	}
	req.SetBasicAuth("guest", "guest")
	req.Header.Set("Content-Type", "application/json")
	res, err := b.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		text, _ := io.ReadAll(res.Body)
		return fmt.Errorf("%s %s: %s: %s", method, path, res.Status, text)
	}
	if out == nil {
		_, err = io.Copy(io.Discard, res.Body)
		return err
	}
	return json.NewDecoder(res.Body).Decode(out)
}

func (b *broker) do(t *testing.T, method, path string, in, out any) {
	t.Helper()
	if err := b.try(t.Context(), method, path, in, out); err != nil {
		t.Fatal(err)
	}
}

func (b *broker) declare(t *testing.T, queue string) {
	t.Helper()
	b.do(t, http.MethodPut, "/api/queues/%2f/"+queue, map[string]any{"durable": true}, nil)
}

func (b *broker) remove(t *testing.T, queue string) {
	t.Helper()
	b.do(t, http.MethodDelete, "/api/queues/%2f/"+queue, nil, nil)
}

func (b *broker) publish(t *testing.T, queue string, messages int) {
	t.Helper()
	for range messages {
		b.do(t, http.MethodPost, "/api/exchanges/%2f/amq.default/publish", map[string]any{
			"properties": map[string]any{}, "routing_key": queue, "payload": strings.Repeat("x", 10), "payload_encoding": "string",
		}, nil)
	}
}

func (b *broker) drain(t *testing.T, queue string, messages int) {
	t.Helper()
	var got []any
	b.do(t, http.MethodPost, "/api/queues/%2f/"+queue+"/get", map[string]any{
		"count": messages, "ackmode": "ack_requeue_false", "encoding": "auto",
	}, &got)
	if len(got) != messages {
		t.Fatalf("drained %d messages of %s, not %d", len(got), queue, messages)
	}
}

// await waits until the figures say that so many messages of a queue are ready.
func (b *broker) await(t *testing.T, queue string, ready int) {
	t.Helper()
	eventually(t, func() error {
		var q struct {
			Ready *int `json:"messages_ready"`
		}
		b.do(t, http.MethodGet, "/api/queues/%2f/"+queue, nil, &q)
		if q.Ready == nil || *q.Ready != ready {
			return fmt.Errorf("queue %s has not %d messages yet", queue, ready)
		}
		return nil
	})
}
