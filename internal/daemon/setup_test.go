package daemon

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSetupHasAllThatIsConfigured: what the parts of the daemon are given is there
// before any of them is, of disabled sources too.
func TestSetupHasAllThatIsConfigured(t *testing.T) {
	t.Parallel()
	s, err := newSetup(mustConfig(t, `
storage: {dsn: "sqlite:x.db", retention: {snapshots: 7}, encryption_key: an-encryption-key-of-32-characters}
server: {listen: "127.0.0.1:1", public_url: "https://pollwire.example.com", token: a-token}
log: {format: json}
rate_limits: [{name: shared, requests: 10, per: 1m}]
sources:
  - {name: b, schedule: "@every 30s", request: {url: "https://api.example.com/b"}, rate_limit: shared, poke: {secret: poke-of-the-source-b}}
  - {name: a, schedule: "@hourly", request: {url: "https://api.example.com/a"}, rate_limit: {requests: 1, per: 1s}}
  - {name: c, enabled: false, schedule: "@daily", request: {url: "https://api.example.com/c"}, poke: {secret: poke-of-the-source-c}}
endpoints: [{name: ops, url: "https://hooks.example.com/in", secrets: [whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw]}]
`), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	var polled, judged, limited []string
	for _, source := range s.enabled() {
		polled = append(polled, source.Name)
	}
	for _, source := range s.judged() {
		judged = append(judged, source.Name)
	}
	for _, limit := range s.limits {
		limited = append(limited, limit.Name)
	}
	for what, pair := range map[string][2]any{
		"names":   {s.names(), []string{"a", "b", "c"}},
		"polled":  {polled, []string{"a", "b"}},
		"judged":  {judged, []string{"a", "b", "c"}},
		"limits":  {limited, []string{"shared", "source/a"}},
		"pokes":   {slices.Collect(maps.Keys(s.pokes())), []string{"b"}},
		"as said": {s.sources["b"].schedule, "@every 30s"},
		"link":    {s.link + " " + s.publicURL.Host, "https://pollwire.example.com pollwire.example.com"},
		"token":   {s.token, "a-token"},
		"kept":    {s.retention.Snapshots, 7},
		"fixed":   {s.fixed, fixed{"sqlite:x.db", "an-encryption-key-of-32-characters", "127.0.0.1:1", "json"}},
	} {
		if diff := cmp.Diff(pair[1], pair[0], cmp.AllowUnexported(fixed{})); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
	if s.configured.endpoint("ops") == nil || s.configured.endpoint("others") != nil {
		t.Errorf("endpoints %v", s.configured.names())
	}
}
