package recipe_test

import (
	"net/http"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/pollwire/pollwire/notify"
)

// TestToN8n holds the recipe against
// https://docs.n8n.io/integrations/builtin/core-nodes/n8n-nodes-base.webhook/.
func TestToN8n(t *testing.T) {
	t.Parallel()
	const webhook = "https://n8n.example.com/webhook/0f2c9b1e-6f1c-4b8f-9f53-000000000001"
	secret := notify.GenerateSecret()
	verifier, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	bodies := tryEndpoint(t, "to-n8n", &service{
		set: map[string]string{"N8N_WEBHOOK_URL": webhook, "N8N_KEY": "n8n-key-0001", "N8N_SIGNING_SECRET": secret},
		url: webhook, status: http.StatusOK, requests: 10, per: time.Second, atOnce: 4,
		busy: answer{status: http.StatusNotFound, body: `{"code":404,"message":"The requested webhook \"POST 0f2c9b1e\" is not registered."}`},
		wrong: func(r *http.Request, body []byte) string {
			switch {
			case r.Header.Get("X-Pollwire-Key") != "n8n-key-0001":
				return "Authorization data is wrong!"
			case r.Header.Get("Content-Type") != "application/json":
				return "the body would not be parsed"
			case len(body) > 16<<20:
				return "request entity too large"
			case verifier.VerifyIgnoringTimestamp(body, r.Header) != nil:
				return "the signature is wrong"
			}
			return wrongForEnvelope(object(t, body))
		},
	})
	wantEnvelopes(t, bodies)
}
