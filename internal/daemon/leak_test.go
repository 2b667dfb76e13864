package daemon_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/daemon"
	"github.com/pollwire/pollwire/notify"
)

// mark is in every secret of the test.
const mark = "topsecret"

// echo is a server of the worst manners: it fails, and tells whoever listens all
// that it was sent. What is below /good it answers, otherwise each time.
type echo struct{ answers atomic.Int64 }

func (e *echo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/good") {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"data": [{"id": 1, "v": %d}]}`, e.answers.Add(1))
		return
	}
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("Location", r.URL.String())
	w.WriteHeader(http.StatusInternalServerError)
	fmt.Fprintf(w, "%s %s\n%v\n%s\n", r.Method, r.URL, r.Header, body)
}

// safe collects what is written by many.
type safe struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *safe) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *safe) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// secretive is a configuration with a secret wherever one may stand.
const secretive = `
storage: {dsn: "sqlite:%[1]s", encryption_key: "${KEY}"}
server:
  listen: "127.0.0.1:0"
  token: ${API}
  metrics_token: ${METRICS}
  subscriptions: {allow_networks: [127.0.0.0/8]}
defaults: {schedule: "@yearly", retry: {max_attempts: 1}}
sources:
  - {name: good, request: {url: "%[2]s/good", headers: {X-Key: "${HEADER}"}}, auth: {type: bearer, token: "${BEARER}"}, items: {path: data, key: id}, poke: {secret: "${POKE}"}}
  - {name: bearer, request: {url: "%[2]s/bot${PATH_TOKEN}/get"}, auth: {type: bearer, token: "${BEARER}"}}
  - {name: basic, request: {url: "%[2]s/basic"}, auth: {type: basic, username: user, password: "${BASIC}"}}
  - {name: key, request: {url: "%[2]s/key", method: POST, body: "pass=${BODY}", headers: {X-Key: "${HEADER}"}}, auth: {type: api_key, name: key, in: query, value: "${QUERY}"}}
  - {name: client, request: {url: "%[2]s/client"}, auth: {type: oauth2_client_credentials, token_url: "%[2]s/token", client_id: id, client_secret: "${CLIENT}"}}
  - {name: refresh, request: {url: "%[2]s/refresh"}, auth: {type: oauth2_refresh_token, token_url: "%[2]s/token", client_id: id, client_secret: "${CLIENT}", refresh_token: "${REFRESH}"}}
  - {name: login, request: {url: "%[2]s/login"}, auth: {type: login, request: {url: "%[2]s/session", method: POST, json: {password: "${LOGIN}"}}, token_path: token, header: "X-Token: {token}"}}
endpoints:
  - {name: hook, url: "%[2]s/hook/${HOOK}", secrets: ["%[3]s"], headers: {X-Key: "${HEADER}"}, auth: {type: bearer, token: "${BEARER}"}, retry: {schedule: [1h]}}
  - {name: slack, url: "%[2]s/services/${SLACK}", format: slack, retry: {schedule: [1h]}}
  - {name: template, url: "%[2]s/template?key=${QUERY}", format: template, template: {content_type: application/json, body: '{"pass": "${TEMPLATE}"}'}, auth: {type: basic, username: user, password: "${BASIC}"}, retry: {schedule: [1h]}}
`

// TestNothingShowsASecret runs a daemon that has one wherever one may stand,
// against servers that answer with all that they are sent, and reads everything
// that it says: its log at the debug level, its metrics, its API and its pages.
func TestNothingShowsASecret(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(&echo{})
	t.Cleanup(server.Close)
	signing, subscribed := notify.GenerateSecret(), notify.GenerateSecret()
	value := func(name string) string { return strings.ToLower(name) + "-" + mark + "-of-32-characters-or-more" }
	cfg, err := config.Parse("test.yaml", fmt.Appendf(nil, secretive, filepath.Join(daemon.MustMigrate(t), "pollwire.db"), server.URL, signing),
		config.Lookup{Env: func(name string) (string, bool) { return value(name), true }, File: os.ReadFile})
	if err != nil {
		t.Fatal(err)
	}
	said := &safe{}
	d := daemon.New(cfg, daemon.Options{
		Version: "test", Logger: slog.New(slog.NewTextHandler(said, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopDaemon(t, d) })
	ask := func(method, path, token, body string) (int, string) {
		t.Helper()
		return askAs(t, d.Addr(), method, path, token, body)
	}
	token := value("API")

	status, answer := ask("POST", "/v1/subscriptions", token, fmt.Sprintf(`{"url": "%s/sub/%s", "secret": %q}`, server.URL, value("SUB"), subscribed))
	if status != http.StatusCreated || strings.Contains(strings.ReplaceAll(answer, subscribed, ""), mark) {
		t.Errorf("subscribed with %d: %s", status, answer)
	}
	for _, wrong := range []string{"wrong-" + mark, value("METRICS")} {
		if status, answer := ask("GET", "/v1/sources", wrong, ""); status != http.StatusUnauthorized || strings.Contains(answer, mark) {
			t.Errorf("a wrong token was answered %d: %s", status, answer)
		}
	}
	ask("POST", "/poke/good?secret=wrong-"+mark, "", "")
	for _, name := range []string{"good", "bearer", "basic", "key", "client", "refresh", "login"} {
		if status, _ := ask("POST", "/v1/sources/"+name+"/poll", token, ""); status != http.StatusAccepted {
			t.Errorf("poll of %s was answered %d", name, status)
		}
	}
	awaitAll(t, func() string { _, text := ask("GET", "/metrics", value("METRICS"), ""); return text },
		`pollwire_sources_failing 6\n`, `pollwire_delivery_attempts_total\{code="5xx",endpoint="hook"\} [1-9]`,
		`pollwire_delivery_attempts_total\{code="5xx",endpoint="slack"\} [1-9]`, `pollwire_delivery_attempts_total\{code="5xx",endpoint="template"\} [1-9]`,
		`pollwire_delivery_attempts_total\{code="5xx",endpoint="@subscriptions"\} [1-9]`)
	status, _ = ask("POST", "/poke/good", value("POKE"), "")
	if status >= 300 {
		t.Errorf("a poke was answered %d", status)
	}

	asked := 0
	read := func(method, path, body string) string {
		status, answer := ask(method, path, token, body)
		if status == http.StatusOK || status == http.StatusAccepted {
			asked++
		} else {
			t.Errorf("%s %s was answered %d: %s", method, path, status, answer)
		}
		fmt.Fprintf(said, "%s %s: %s\n", method, path, answer)
		return answer
	}
	read("GET", "/metrics", "")
	for _, path := range []string{
		"/v1/limits", "/v1/nodes", "/v1/sources", "/v1/endpoints", "/v1/subscriptions", "/v1/events", "/v1/health", "/readyz",
		"/", "/sources", "/sources/key", "/events", "/deliveries", "/endpoints", "/endpoints/hook", "/limits", "/subscriptions",
	} {
		read("GET", path, "")
	}
	for i := range cfg.Sources {
		name := cfg.Sources[i].Name
		read("GET", "/v1/sources/"+name, "")
		read("GET", "/v1/sources/"+name+"/polls", "")
		read("POST", "/v1/sources/"+name+"/poll", `{"preview": true}`)
	}
	for i := range cfg.Endpoints {
		read("POST", "/v1/endpoints/"+cfg.Endpoints[i].Name+"/test", "")
	}
	for _, id := range regexp.MustCompile(`"id":(\d+)`).FindAllStringSubmatch(read("GET", "/v1/deliveries", ""), -1) {
		read("GET", "/v1/deliveries/"+id[1], "")
		read("GET", "/deliveries/"+id[1], "")
	}
	for line := range strings.Lines(said.String()) {
		for _, secret := range []string{mark, signing, strings.TrimPrefix(signing, "whsec_"), subscribed, strings.TrimPrefix(subscribed, "whsec_"), "dXNlcjpi"} {
			if strings.Contains(line, secret) {
				t.Errorf("a secret is shown: %s", line)
				break
			}
		}
	}
	if text := said.String(); asked < 35 || strings.Count(text, "poll failed") < 6 || strings.Count(text, "delivery failed") < 3 {
		t.Errorf("only %d answers, %d lines", asked, strings.Count(text, "\n"))
	}
}

// askAs asks a daemon, and returns the status and the body of its answer.
func askAs(t *testing.T, addr, method, path, token, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+addr+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req) //nolint:forbidigo // the daemon is in this process
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// awaitAll asks until all patterns are in the answer.
func awaitAll(t *testing.T, ask func() string, patterns ...string) {
	t.Helper()
	for timeout := time.After(patience); ; {
		text, missing := ask(), ""
		for _, p := range patterns {
			if !regexp.MustCompile(p).MatchString(text) {
				missing = p
			}
		}
		if missing == "" {
			return
		}
		select {
		case <-timeout:
			t.Fatalf("%s never came:\n%s", missing, text)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
