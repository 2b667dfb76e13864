package config

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestEndpointWarnings holds what works but was hardly meant to its warning.
func TestEndpointWarnings(t *testing.T) {
	t.Parallel()
	const secrets = "secrets: [" + goodSecret + "]\n"
	for name, test := range map[string]struct {
		keys string
		want []string
	}{
		"nothing":                   {secrets + "events: ['pollwire.*', 'pollwire.document.*', '*']", nil},
		"burst of the design":       {secrets + "rate_limit: {requests: 10, per: 1s, burst: 20}", []string{"rate_limit.burst: a burst of 20 is more than the 10 webhooks that the limit allows, and is taken for 10"}},
		"from the future":           {secrets + "from: 2060-01-01T00:00:00Z", []string{"from: ops is told nothing before 2060-01-01T00:00:00Z: from is the time at which it starts in the log, which has nothing of the future"}},
		"from the past":             {secrets + "from: 2020-01-01T00:00:00Z", nil},
		"batch that is not":         {secrets + "max_body: 64KiB\nbatch: {max_events: 1000}", nil},
		"disabled soon":             {secrets + "disable_after: 10m", []string{"disable_after: an outage of 10m disables ops until somebody enables it: deliveries are repeated for much longer than that"}},
		"never disabled":            {secrets + "disable_after: 0", nil},
		"any certificate":           {secrets + "tls: {insecure_skip_verify: true}", []string{"tls.insecure_skip_verify: whoever is on the way to ops can read and change everything: better trust the authority of its certificate by ca_file"}},
		"token over plain HTTP":     {secrets + "auth: {type: login, request: {url: http://l.example.com/}}", []string{"auth.request.url: the credentials of ops are sent without TLS: use https://"}},
		"alerts without their name": {secrets + "events: [source.failing]", []string{"events[0]: source.failing matches no event that a source tells ops; alerts are told only where a pattern begins with pollwire."}},
		"types of no source":        {secrets + "events: ['pollwire.item.*', 'pollwire.sources.*']", []string{"events[0]: pollwire.item.* matches no event that a source tells ops", "events[1]: pollwire.sources.* matches no event that a source tells ops"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkWarnings(t, withEndpoint(test.keys), test.want)
		})
	}
}

func TestEndpointURLWarnings(t *testing.T) {
	t.Parallel()
	const secrets = "secrets: [" + goodSecret + "]"
	for name, test := range map[string]struct{ url, keys, want string }{
		"signed":              {"http://hooks.example.com/", secrets, "url: the webhooks of ops are signed, but sent readable for others on the way: use https://"},
		"unsigned":            {"http://hooks.example.com/", "format: teams", "url: the webhooks of ops are neither signed nor encrypted, so that others on the way can read and forge them: use https://"},
		"with credentials":    {"http://hooks.example.com/", secrets + "\nauth: {type: bearer, token: a}", "url: the credentials of ops are sent without TLS: use https://"},
		"this machine":        {"http://localhost:8080/", "format: teams", ""},
		"Slack":               {"https://hooks.slack.com/services/T/B/x", secrets, "format: Slack takes no format: standard: set format: slack for ops"},
		"Slack, as it should": {"https://hooks.slack.com/services/T/B/x", "format: slack", ""},
		"Slack's triggers":    {"https://hooks.slack.com/triggers/T/1/x", secrets, ""},
		"Discord":             {"https://discord.com/api/webhooks/1/x", secrets + "\nformat: cloudevents", "format: Discord takes no format: cloudevents: set format: discord for ops"},
		"Discord's beta":      {"https://canary.discord.com/api/v10/webhooks/1/x", secrets, "format: Discord takes no format: standard: set format: discord for ops"},
		"Discord like GitHub": {"https://discord.com/api/webhooks/1/x/github", secrets, ""},
		"Teams":               {"https://acme.webhook.office.com/webhookb2/x/IncomingWebhook/y/z", secrets, "format: Teams takes no format: standard: set format: teams for ops"},
		"like Teams":          {"https://xwebhook.office.com/webhookb2/x", secrets, ""},
		"Discord by template": {"https://discord.com/api/webhooks/1/x", "format: template\ntemplate: {body: x}", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var want []string
			if test.want != "" {
				want = []string{test.want}
			}
			checkWarnings(t, strings.Replace(withEndpoint(test.keys), "https://hooks.example.com/in", test.url, 1), want)
		})
	}
}

// TestEndpointThatNobodyTells: a route that leads past an endpoint is seen.
func TestEndpointThatNobodyTells(t *testing.T) {
	t.Parallel()
	const untold = "endpoints[0]: no source notifies ops, and its events name no alerts: it is told nothing"
	for keys, want := range map[string]bool{
		"": true, "events: [pollwire.source.failing]": false, "enabled: false": false,
	} {
		text := strings.Replace(withEndpoint("format: slack\n"+keys), "schedule:", "notify: []\n    schedule:", 1)
		var got []string
		for _, w := range mustParse(t, text).Warnings(time.Now()) {
			if strings.HasPrefix(w.Path, "endpoints") {
				got = append(got, w.String())
			}
		}
		if is := len(got) == 1 && got[0] == untold; is != want || !want && len(got) > 0 {
			t.Errorf("%q: %v", keys, got)
		}
	}
}

// checkWarnings holds the warnings of the first endpoint, without its place.
func checkWarnings(t *testing.T, text string, want []string) {
	t.Helper()
	var got []string
	for _, w := range mustParse(t, text).Warnings(reference()) {
		got = append(got, strings.TrimPrefix(w.String(), "endpoints[0]."))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestSubscriptionsNeedAKey: what cannot work without another key is said.
func TestSubscriptionsNeedAKey(t *testing.T) {
	t.Parallel()
	const key = "storage: {encryption_key: an-encryption-key-of-32-characters-or-more}\n"
	for text, want := range map[string]int{
		"server: {subscriptions: {verify: challenge}}\n":                1,
		"server: {subscriptions: {allow_networks: [10.0.0.0/8]}}\n":     1,
		"server: {subscriptions: {verify: challenge}}\n" + key:          0,
		"server: {subscriptions: {verify: none, allow_networks: []}}\n": 0,
	} {
		got := mustParse(t, minimal+text).Warnings(reference())
		if len(got) != want || want > 0 && (got[0].Path != "server.subscriptions" || !strings.Contains(got[0].Message, "storage.encryption_key")) {
			t.Errorf("%s gives %v", text, got)
		}
	}
}
