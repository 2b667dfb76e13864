package daemon

import (
	"net/http"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pollwire/pollwire/internal/bridge"
	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/notify"
)

// everyKey is an endpoint that has a value of its own for every key.
const everyKey = `
sources: [{name: s, schedule: "@hourly", request: {url: "https://api.example.com/"}}]
endpoints:
  - name: ops
    url: https://hooks.example.com/in
    enabled: false
    format: cloudevents
    secrets: [whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw, {value: whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX, until: 2030-01-01T00:00:00Z}]
    also_sign: [github, stripe]
    payload: {fields: [after.id]}
    max_body: 64KiB
    headers: {X-Team: ops}
    tls: {server_name: hooks.internal, insecure_skip_verify: true}
    proxy_url: socks5h://proxy.example.com:1080
    allow_networks: [169.254.10.0/24]
    timeout: 3s
    rate_limit: {requests: 10, per: 1s, burst: 4}
    max_in_flight: 2
    order: item
    coalesce: latest
    batch: {max_events: 50, max_wait: 2s}
    retry: {schedule: [1s, 2s], jitter: 0.5, max_retry_after: 1h}
    breaker: {failures: 7, cooldown: 10s, max_cooldown: 5m}
    disable_after: 1d
`

func mustConfig(tb testing.TB, text string) *config.Config {
	tb.Helper()
	cfg, err := config.Parse("test.yaml", []byte(text), config.Lookup{})
	if err != nil {
		tb.Fatal(err)
	}
	return cfg
}

func mustEndpoints(tb testing.TB, text string) []notify.Endpoint {
	tb.Helper()
	list, err := endpoints(mustConfig(tb, text), nil)
	if err != nil {
		tb.Fatal(err)
	}
	return list
}

func TestEndpointsHaveEveryKey(t *testing.T) {
	t.Parallel()
	got := mustEndpoints(t, everyKey)[0]
	until := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	if len(got.Secrets) != 2 || !got.Secrets[0].Until.IsZero() || !got.Secrets[1].Until.Equal(until) || !got.Secrets[1].Live(until.Add(-1)) {
		t.Errorf("secrets until %v and %v", got.Secrets[0].Until, got.Secrets[1].Until)
	}
	got.Secrets = nil
	want := notify.Endpoint{
		Name: "ops", URL: "https://hooks.example.com/in",
		Header:  http.Header{"X-Team": {"ops"}},
		Timeout: 3 * time.Second, MaxInFlight: 2,
		Retry:         notify.RetryPolicy{Schedule: []time.Duration{time.Second, 2 * time.Second}, Jitter: 0.5, MaxRetryAfter: time.Hour},
		Order:         notify.OrderItem,
		RateLimit:     notify.RateLimit{Requests: 10, Per: time.Second, Burst: 4},
		Batch:         notify.Batch{MaxEvents: 50, MaxWait: 2 * time.Second},
		Breaker:       notify.Breaker{Failures: 7, Cooldown: 10 * time.Second, MaxCooldown: 5 * time.Minute},
		DisableAfter:  24 * time.Hour,
		Format:        notify.FormatCloudEvents,
		Payload:       notify.Payload{Fields: []string{"after.id"}},
		MaxBody:       64 << 10,
		AlsoSign:      []notify.Provider{notify.GitHub, notify.Stripe},
		Route:         notify.Route{Proxy: "socks5h://proxy.example.com:1080", ServerName: "hooks.internal", InsecureSkipVerify: true},
		AllowNetworks: []netip.Prefix{netip.MustParsePrefix("169.254.10.0/24")},
		AllowKey:      "allow_networks of endpoint ops",
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestTemplatesAreMasked: what came from elsewhere into a template is known to
// those who show what receivers answer.
func TestTemplatesAreMasked(t *testing.T) {
	t.Parallel()
	text := templated(`'{"routing_key": "${KEY}", "text": {{ json .Type }}}'`)
	cfg, err := config.Parse("test.yaml", []byte(text), config.Lookup{Env: func(string) (string, bool) { return "topsecret", true }})
	if err != nil {
		t.Fatal(err)
	}
	list, err := endpoints(cfg, nil)
	if err != nil || len(list[0].Mask) != 1 || list[0].Mask[0] != "topsecret" {
		t.Errorf("masked are %v, error %v", list, err)
	}
}

// TestEndpointsOfFewKeys: what is not written is as the design says, and what
// two keys make together is the narrower of them.
func TestEndpointsOfFewKeys(t *testing.T) {
	t.Parallel()
	const text = `
sources: [{name: s, schedule: "@hourly", request: {url: "https://api.example.com/"}}]
endpoints:
  - {name: plain, url: "https://hooks.example.com/in", secrets: [whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw]}
  - {name: burst, url: "https://hooks.example.com/in", format: slack, rate_limit: {requests: 10, per: 1s, burst: 20}}
  - {name: body, url: "https://hooks.example.com/in", format: template, template: {body: '"a"'}, breaker: {failures: 0}, disable_after: 0}
`
	list := mustEndpoints(t, text)
	if e := &list[0]; e.Order != notify.OrderNone || e.Format != notify.FormatStandard || e.Payload.Thin || e.MaxBody != 256<<10 || e.Batch.MaxEvents != 1 ||
		e.Breaker != (notify.Breaker{Failures: 5, Cooldown: 30 * time.Second, MaxCooldown: 30 * time.Minute}) || e.DisableAfter != 5*24*time.Hour ||
		e.RateLimit != (notify.RateLimit{}) || e.Route != (notify.Route{}) || e.Template != nil || !e.Enabled || e.Foreign {
		t.Errorf("plain is %+v", e)
	}
	if e := &list[1]; e.Secrets != nil || e.RateLimit.Burst != 10 {
		t.Errorf("burst is %+v", e)
	}
	if e := &list[2]; e.Template == nil || e.Template.ContentType != "application/json" || e.Template.Body != `"a"` || e.Breaker.Failures != 0 || e.DisableAfter != 0 {
		t.Errorf("body is %+v", e)
	}
}

func TestListenersHaveEveryKey(t *testing.T) {
	t.Parallel()
	since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	list, err := bridgeEndpoints(mustConfig(t, everyKey+`    filter: item.big
    events: ["shop.*"]
    from: 2026-01-02T03:04:05Z
  - {name: other, url: "https://hooks.example.com/", secrets: [whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw], filter: item.big, from: beginning, order: source}
  - {name: plain, url: "https://hooks.example.com/", secrets: [whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw], order: endpoint}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := []bridge.Endpoint{
		{Name: "ops", Events: []string{"shop.*"}, Filter: list[0].Filter, Order: notify.OrderItem, Latest: true, Past: true, Since: since},
		{Name: "other", Filter: list[0].Filter, Order: notify.OrderSource, Past: true},
		{Name: "plain", Order: notify.OrderEndpoint},
	}
	if !reflect.DeepEqual(list, want) || list[0].Filter.String() != "item.big" {
		t.Errorf("got  %+v\nwant %+v", list, want)
	}
}
