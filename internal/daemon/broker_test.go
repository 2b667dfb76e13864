package daemon_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// broker is a private RabbitMQ server with its management API, on loopback
// ports of its own.
type broker struct {
	url    string // of the management API
	client *http.Client
}

// skip skips a test that cannot run here, or fails it where POLLWIRE_NO_SKIP
// says that it must run.
func skip(t *testing.T, reason string) {
	t.Helper()
	if os.Getenv("POLLWIRE_NO_SKIP") != "" {
		t.Fatal(reason)
	}
	t.Skip(reason)
}

// startBroker starts RabbitMQ from Debian's package.
func startBroker(t *testing.T) *broker {
	t.Helper()
	const server, epmd = "/usr/lib/rabbitmq/bin/rabbitmq-server", "/usr/bin/epmd"
	for _, program := range []string{server, epmd} {
		if _, err := os.Stat(program); err != nil {
			skip(t, "RabbitMQ is not installed (Debian: rabbitmq-server): "+err.Error())
		}
	}
	dir := t.TempDir()
	ports := freePorts(t, 4)
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("rabbitmq.conf", fmt.Sprintf(`listeners.tcp.1 = 127.0.0.1:%d
management.tcp.ip = 127.0.0.1
management.tcp.port = %d
collect_statistics_interval = 500
`, ports[0], ports[1]))
	env := append(os.Environ(),
		"HOME="+dir,
		"ERL_EPMD_ADDRESS=127.0.0.1",
		fmt.Sprintf("ERL_EPMD_PORT=%d", ports[3]),
		fmt.Sprintf("RABBITMQ_NODENAME=pollwire%d@localhost", ports[1]),
		fmt.Sprintf("RABBITMQ_DIST_PORT=%d", ports[2]),
		"RABBITMQ_MNESIA_BASE="+filepath.Join(dir, "db"),
		"RABBITMQ_LOG_BASE="+filepath.Join(dir, "log"),
		"RABBITMQ_LOGS=-",
		"RABBITMQ_CONFIG_FILE="+filepath.Join(dir, "rabbitmq"),
		"RABBITMQ_ENABLED_PLUGINS_FILE="+write("plugins", "[rabbitmq_management].\n"),
		"RABBITMQ_CONF_ENV_FILE="+write("env", ""),
		"RABBITMQ_SERVER_START_ARGS=-kernel inet_dist_use_interface {127,0,0,1}",
	)
	startProcess(t, env, epmd)
	log := startProcess(t, env, server)

	b := &broker{url: fmt.Sprintf("http://127.0.0.1:%d", ports[1]), client: &http.Client{Timeout: 10 * time.Second}}
	deadline := time.After(time.Minute)
	for b.try(t.Context(), http.MethodGet, "/api/overview", nil, nil) != nil {
		select {
		case <-time.After(200 * time.Millisecond):
		case <-deadline:
			t.Fatalf("RabbitMQ did not start within a minute:\n%s", log)
		}
	}
	return b
}

// startProcess runs a program until the test ends; what it prints is for the
// case that it does not start.
func startProcess(t *testing.T, env []string, program string) fmt.Stringer {
	t.Helper()
	output := new(printed)
	cmd := exec.CommandContext(context.Background(), program) // outlives the test's context, for a clean end
	cmd.Env, cmd.Stdout, cmd.Stderr = env, output, output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// The group, since the server is a shell script that starts the real one.
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
	})
	return output
}

// printed is what a process prints. It may be looked at meanwhile.
type printed struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (p *printed) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(b)
}

func (p *printed) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// freePorts returns loopback ports that nobody listens on.
func freePorts(t *testing.T, n int) []int {
	t.Helper()
	ports := make([]int, n)
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close() // after all have been taken
		ports[i] = l.Addr().(*net.TCPAddr).Port
	}
	return ports
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
