package config

import (
	"encoding/base64"
	"maps"
	"reflect"
	"strings"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
	"gopkg.in/yaml.v3"
)

// Endpoint is a URL that is told.
type Endpoint struct {
	Name    string          `yaml:"name" required:"true" is:"name" example:"ops" doc:"What sources call it." aka:"id"`
	URL     URL             `yaml:"url" required:"true" example:"https://hooks.example.com/pollwire" doc:"Where webhooks are posted to." aka:"uri|address|webhook_url"`
	Enabled bool            `yaml:"enabled" default:"true" doc:"Whether it is posted to; while it is not, its deliveries wait."`
	Secrets []SigningSecret `yaml:"secrets" required:"true" example:"[\"${OPS_SECRET}\"]" doc:"Standard Webhooks secrets (whsec_...). Every live one signs, so that a receiver can change over."`
	Events  []string        `yaml:"events" is:"event_glob" example:"[\"shop.order.*\"]" doc:"Patterns of the event types that are told; without the key, all changes. Alerts (pollwire.source.*) are told only where they are named." aka:"types|event_types"`
	Headers Headers         `yaml:"headers" doc:"Further headers of each webhook." example:"{X-Api-Key: \"${OPS_KEY}\"}"`
	Timeout Duration        `yaml:"timeout" default:"15s" min:"1ms" max:"10m" doc:"The time for one attempt."`

	MaxInFlight int           `yaml:"max_in_flight" default:"16" min:"1" max:"1000" doc:"How many webhooks are under way at once." aka:"concurrency|parallel"`
	Retry       EndpointRetry `yaml:"retry" doc:"When an attempt that failed is repeated." aka:"retries"`
}

// EndpointRetry says when an attempt that failed is repeated.
type EndpointRetry struct {
	Schedule      []Duration `yaml:"schedule" default:"[5s, 5m, 30m, 2h, 5h, 10h, 14h, 20h, 24h]" min:"1ms" max:"30d" doc:"The wait after each attempt; after the last one the delivery is dead."`
	Jitter        float64    `yaml:"jitter" default:"0.2" min:"0" max:"1" doc:"The share of each wait by which it varies at random."`
	MaxRetryAfter Duration   `yaml:"max_retry_after" default:"24h" min:"1s" max:"30d" doc:"The longest pause that a Retry-After header can ask for."`
}

// SigningSecret is a key that webhooks are signed with. It is written as the
// value alone, or with the time at which it ends.
type SigningSecret struct {
	// Value is whsec_ and the key in base64.
	Value Secret `yaml:"value" required:"true" doc:"whsec_ and 24 to 64 bytes in base64." example:"${OLD_SECRET}" aka:"secret|key"`
	// Until is when it ends; zero for never.
	Until time.Time `yaml:"until" doc:"When it ends." example:"2027-01-01T00:00:00Z" aka:"expires|expires_at"`
}

func (s *SigningSecret) decode(d *decoder, at place, f field) {
	if at.node.Kind == yaml.MappingNode {
		d.mapping(at, reflect.ValueOf(s).Elem(), f)
		return
	}
	decodeInto(d, at, &s.Value, f)
}

// schema of a signing secret: its value alone, or a mapping.
func (s *SigningSecret) schema(m schemer, _ field, _ shape) (*jsonschema.Schema, error) {
	mapping, err := m.structure(reflect.TypeFor[SigningSecret](), shape{})
	return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{{Type: "string"}, mapping}}, err
}

// webhookHeaders are headers of a webhook that cannot be set, with the reason.
func webhookHeaders() map[string]string {
	reserved := maps.Clone(setByPollwire)
	for _, name := range []string{
		"Content-Type", "User-Agent", "Webhook-Id", "Webhook-Timestamp", "Webhook-Signature",
		"Pollwire-Attempt", "Pollwire-Endpoint", "Pollwire-Replay",
	} {
		reserved[name] = "every webhook has its own"
	}
	return reserved
}

func (v *validator) endpointList(at place, endpoints []Endpoint) {
	for i, p := range at.items() {
		if p.node.Kind == yaml.MappingNode {
			v.unique(v.endpoints, p, endpoints[i].Name)
			v.endpoint(p, &endpoints[i])
		}
	}
}

func (v *validator) endpoint(at place, e *Endpoint) {
	if p, ok := v.written(at, "url"); ok {
		v.insteadOfUser = "put it in headers: {Authorization: ...}"
		v.address(p, e.URL)
	}
	if p, ok := v.written(at, "secrets"); ok {
		v.secrets(p, e.Secrets)
	}
	if p, ok := v.written(at, "events"); ok {
		if len(e.Events) == 0 {
			v.add(p, "name at least one pattern, or remove the key to tell all changes")
		}
		v.each(p, e.Events, nil)
	}
	if p, ok := v.written(at, "headers"); ok {
		v.headers(p, e.Headers, webhookHeaders())
	}
	if p, ok := v.writtenPath(at, "retry.schedule"); ok && (len(e.Retry.Schedule) == 0 || len(e.Retry.Schedule) > 100) {
		v.add(p, "name from 1 to 100 waits, such as [5s, 5m, 1h]")
	}
}

func (v *validator) secrets(at place, secrets []SigningSecret) {
	if len(secrets) == 0 {
		v.add(at, "a webhook needs a secret: name at least one")
		return
	}
	lasting := false
	seen := make(map[Secret]bool)
	for i, p := range at.items() {
		s := secrets[i]
		lasting = lasting || s.Until.IsZero()
		if value, ok := v.written(p, "value"); ok {
			p = value
		}
		switch {
		case v.bad[p.node] || p.node.Kind != yaml.ScalarNode:
		case seen[s.Value]:
			v.add(p, "this secret is in the list already: remove it")
		default:
			v.signingSecret(p, s.Value.Reveal())
		}
		seen[s.Value] = true
	}
	if !lasting {
		v.add(at, "every secret has an until: the webhooks after the last one could not be signed; add one without")
	}
}

// signingSecret checks a secret without showing any of it.
func (v *validator) signingSecret(at place, text string) {
	encoded, ok := strings.CutPrefix(text, "whsec_")
	key, err := base64.StdEncoding.DecodeString(encoded)
	switch {
	case text == "":
		v.add(at, "the secret is empty")
	case strings.HasPrefix(text, "whsk_"), strings.HasPrefix(text, "whpk_"):
		v.add(at, "this is a key of an asymmetric signature, which is not supported; a secret begins with whsec_")
	case !ok:
		v.add(at, "a secret begins with whsec_, then 24 to 64 bytes in base64; make one with: echo whsec_$(openssl rand -base64 33)")
	case err != nil && isUnpadded(encoded):
		v.add(at, "the base64 after whsec_ lacks the = at its end")
	case err != nil || strings.ContainsAny(encoded, "\r\n"):
		v.add(at, "what follows whsec_ is no base64 (letters, digits, + and /, = at the end)")
	case len(key) < 24 || len(key) > 64:
		v.add(at, "the secret has %d bytes after base64; it needs 24 to 64", len(key))
	}
}

func isUnpadded(encoded string) bool {
	_, err := base64.RawStdEncoding.DecodeString(encoded)
	return err == nil
}
