package config

import (
	"maps"
	"net/netip"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/pollwire/pollwire/internal/expression"
)

// Endpoint is a URL that is told.
type Endpoint struct {
	Name    string `yaml:"name" required:"true" is:"name" example:"ops" doc:"What sources call it." aka:"id|uid"`
	URL     URL    `yaml:"url" required:"true" example:"https://hooks.example.com/pollwire" doc:"Where webhooks are posted to." aka:"uri|address|webhook_url|api_url|hook_url|endpoint|target"`
	Enabled bool   `yaml:"enabled" default:"true" doc:"Whether it is posted to; while it is not, its deliveries wait. false wins over what was enabled at run time."`

	Format   string          `yaml:"format" default:"standard" enum:"standard|cloudevents|template|slack|discord|teams" doc:"What is posted: the envelope of Standard Webhooks, the same as a CloudEvent, what a template makes, or a message to an incoming webhook of Slack, a webhook of Discord or a workflow of Microsoft Teams." aka:"type|kind"`
	Template *Template       `yaml:"template" doc:"The body of format: template." example:"{body: '{\"text\": {{ json .Subject }} }'}" aka:"body|text"`
	Secrets  []SigningSecret `yaml:"secrets" required:"true" unless:"format=template|slack|discord|teams" example:"[\"${OPS_SECRET}\"]" doc:"Standard Webhooks secrets (whsec_..., or whsk_... for signatures that others verify by a public key). Every live one signs, so that a receiver can change over. Without any, which only the formats template, slack, discord and teams can be, nothing is signed." aka:"secret|signing_secret"`
	AlsoSign []string        `yaml:"also_sign" enum:"github|stripe" example:"[github]" doc:"Whose signature headers are sent besides, for receivers that verify those: X-Hub-Signature-256 of GitHub, Stripe-Signature of Stripe." aka:"signatures|sign|signature"`

	Events  []string `yaml:"events" is:"event_glob" example:"[\"shop.order.*\"]" doc:"Patterns of the event types that are told; without the key, all changes. Alerts (pollwire.source.*, pollwire.endpoint.*) are told only where they are named." aka:"types|event_types|filter_types|filterTypes"`
	Filter  string   `yaml:"filter" example:"'item.prerelease == false'" doc:"Which changes are told: an expression of change, type, source, key, before, after and item, with the functions changed, delta, delta_percent, increased and decreased of a path, as when of a source is. One that fails lets the change through. Alerts are not filtered." aka:"when|condition|if|where"`
	Payload Payload  `yaml:"payload" default:"full" example:"{fields: [after.id, after.status]}" doc:"What of an event is posted in the formats standard and cloudevents: all of it (full), all but before, after and patch (thin), or of its data only fields. What is left out is named in data.omitted." aka:"content"`
	MaxBody Size     `yaml:"max_body" default:"256KiB" min:"1KiB" max:"64MiB" doc:"The largest body of one event; of a larger one, parts of data are left out and named in data.omitted." aka:"max_body_size|max_size|max_payload"`
	From    From     `yaml:"from" default:"now" example:"beginning" doc:"Where in the log a new endpoint starts: now, at its beginning, or at a time. One that was told already goes on where it is." aka:"start|since|start_from"`

	Headers       Headers        `yaml:"headers" doc:"Further headers of each webhook." example:"{X-Api-Key: \"${OPS_KEY}\"}" aka:"header"`
	Auth          Auth           `yaml:"auth" doc:"The credentials of each webhook, as those of a source." example:"{type: bearer, token: \"${OPS_TOKEN}\"}" aka:"authentication|authorization|basic_auth|http_config"`
	TLS           TLS            `yaml:"tls" doc:"How the receiver is verified, and the client certificate that it is shown." aka:"ssl"`
	ProxyURL      ProxyURL       `yaml:"proxy_url" example:"http://proxy.example.com:3128" doc:"The proxy of all webhooks: http, https, socks5 or socks5h, with user:password@ where it wants them; it resolves the host. Without one HTTP_PROXY, HTTPS_PROXY and NO_PROXY hold." aka:"proxy|http_proxy"`
	AllowNetworks []netip.Prefix `yaml:"allow_networks" doc:"Link-local networks and addresses of metadata services that the name in url may resolve to. Private networks are open to what is written here." example:"[169.254.10.0/24]" aka:"allowed_networks"`

	Timeout      Duration      `yaml:"timeout" default:"15s" min:"1ms" max:"10m" doc:"The time for one attempt." aka:"http_timeout|request_timeout"`
	RateLimit    *EndpointRate `yaml:"rate_limit" doc:"How many webhooks it is sent at most." example:"{requests: 10, per: 1s}" aka:"limit|throttle"`
	MaxInFlight  int           `yaml:"max_in_flight" default:"16" min:"1" max:"1000" doc:"How many webhooks are under way at once." aka:"concurrency|parallel"`
	Order        string        `yaml:"order" default:"none" enum:"none|item|source|endpoint" doc:"Which changes are told one after the other, each only when the one before it has arrived or is dead: those of an item, of a source, or all; none goes by nothing but their time." aka:"ordering|ordered|lane|lanes"`
	Coalesce     string        `yaml:"coalesce" default:"none" enum:"none|latest" doc:"With latest, a change that was not posted yet is superseded by a later one of the same item." aka:"dedupe|debounce|collapse"`
	Batch        Batch         `yaml:"batch" example:"{max_events: 100, max_wait: 2s}" doc:"How many events one webhook tells, as a JSON array." aka:"batching|digest"`
	Retry        EndpointRetry `yaml:"retry" doc:"When an attempt that failed is repeated." aka:"retries"`
	Breaker      Breaker       `yaml:"breaker" example:"{failures: 10, cooldown: 1m}" doc:"When an endpoint that fails is left alone for a while. Its deliveries wait, and use up no attempts." aka:"circuit_breaker"`
	DisableAfter Duration      `yaml:"disable_after" default:"5d" doc:"How long an endpoint must do nothing but fail to be disabled; 0 never disables it. Its deliveries wait." aka:"auto_disable"`
}

// isEnvelope says whether the envelope is posted, and no message made of it.
func (e *Endpoint) isEnvelope() bool { return e.Format == "standard" || e.Format == "cloudevents" }

// EndpointRate bounds how many webhooks an endpoint is sent.
type EndpointRate struct {
	Requests int      `yaml:"requests" required:"true" min:"1" example:"10" doc:"The most webhooks within any span of per; a batch is one." aka:"limit|max_requests|rate"`
	Per      Duration `yaml:"per" required:"true" min:"1ms" max:"366d" example:"1s" doc:"The span that requests is for." aka:"period|window|interval"`
	Burst    int      `yaml:"burst" default:"1" min:"1" doc:"How many webhooks may follow each other at once, up to requests; beyond it they are paced evenly."`
}

// Batch says how events are told together.
type Batch struct {
	MaxEvents int      `yaml:"max_events" default:"1" min:"1" max:"1000" doc:"The most events in one webhook, which together have at most 8MiB. With more than 1 its body always is an array." aka:"size|max_size|max|count"`
	MaxWait   Duration `yaml:"max_wait" default:"0s" max:"1h" doc:"How long the first event of a webhook waits for others." aka:"wait|timeout|interval|delay|window"`
}

// Breaker says when an endpoint that fails is left alone for a while.
type Breaker struct {
	Failures    int      `yaml:"failures" default:"5" min:"0" max:"1000" doc:"How many attempts in a row must fail by no connection, no answer in time, 408, 429 or 5xx; 0 leaves it alone never." aka:"threshold|failure_threshold|max_failures"`
	Cooldown    Duration `yaml:"cooldown" default:"30s" min:"1s" max:"30d" doc:"How long it is left alone before one attempt shows whether it is well." aka:"wait|timeout|pause"`
	MaxCooldown Duration `yaml:"max_cooldown" default:"30m" min:"1s" max:"30d" doc:"The longest cooldown: it doubles with each attempt that shows that it is not." aka:"max_wait|max"`
}

// EndpointRetry says when an attempt that failed is repeated.
type EndpointRetry struct {
	Schedule      []Duration `yaml:"schedule" default:"[5s, 5m, 30m, 2h, 5h, 10h, 14h, 20h, 24h]" min:"1ms" max:"30d" doc:"The wait after each attempt; after the last one the delivery is dead."`
	Jitter        float64    `yaml:"jitter" default:"0.2" min:"0" max:"1" doc:"The share of each wait by which it varies at random."`
	MaxRetryAfter Duration   `yaml:"max_retry_after" default:"24h" min:"1s" max:"30d" doc:"The longest pause that a Retry-After header can ask for."`
}

// reservedHeaders are headers of a webhook that cannot be set, with the reason.
func (e *Endpoint) reservedHeaders() map[string]string {
	reserved := maps.Clone(setByPollwire)
	for _, name := range []string{
		"Content-Type", "User-Agent", "Webhook-Id", "Webhook-Timestamp", "Webhook-Signature",
		"Pollwire-Attempt", "Pollwire-Endpoint", "Pollwire-Replay",
	} {
		reserved[name] = "every webhook has its own"
	}
	for provider, header := range map[string]string{"github": "X-Hub-Signature-256", "stripe": "Stripe-Signature"} {
		if slices.Contains(e.AlsoSign, provider) {
			reserved[header] = "it comes from also_sign"
		}
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

// endpointPlaces are where the keys of endpoints are written that others look at.
func endpointPlaces(doc *document) []map[string]Error {
	endpoints, _ := doc.top().key("endpoints")
	var all []map[string]Error
	for _, element := range endpoints.items() {
		places := make(map[string]Error)
		for _, key := range []string{"url", "template.body"} {
			if p, ok := element.find(key); ok {
				places[key] = p.mistake("")
			}
		}
		all = append(all, places)
	}
	return all
}

func (v *validator) endpoint(at place, e *Endpoint) {
	if p, ok := v.written(at, "url"); ok {
		v.insteadOfUser = "put it in auth: {type: basic, username: ..., password: ...}"
		if u := v.address(p, e.URL); u != nil && strings.Contains(e.URL.Reveal(), "{{") {
			v.add(p, "nothing is filled into the URL of an endpoint: write it without {{ }}, and what differs from event to event into template.body")
		}
	}
	v.message(at, e)
	v.signatures(at, e)
	v.selection(at, e)
	if p, ok := v.written(at, "headers"); ok {
		v.headers(p, e.Headers, e.reservedHeaders())
	}
	v.auth(at, &e.Auth, carrier{
		url: e.URL, headers: e.Headers, headersKey: "headers", reserved: e.reservedHeaders(),
	})
	if p, ok := v.written(at, "tls"); ok {
		v.tls(p, &e.TLS)
	}
	if p, ok := v.written(at, "proxy_url"); ok {
		v.proxyURL(p, e.ProxyURL)
	}
	v.pace(at, e)
}

// message checks what is posted.
func (v *validator) message(at place, e *Endpoint) {
	if p, ok := at.key("format"); ok && v.bad[p.node] {
		return // what goes with it cannot be known
	}
	v.template(at, e)
	if e.isEnvelope() {
		v.payload(at, e.Payload)
		return
	}
	if p, ok := v.written(at, "payload"); ok && !e.Payload.IsFull() {
		v.add(p, "format: %s posts no envelope that parts could be left out of: remove payload, or set format: standard or cloudevents", e.Format)
	}
	if p, ok := v.writtenPath(at, "batch.max_events"); ok && e.Batch.MaxEvents > 1 {
		v.add(p, "format: %s tells one event at a time: remove batch, or set format: standard or cloudevents", e.Format)
	}
}

// selection checks which events are told.
func (v *validator) selection(at place, e *Endpoint) {
	if p, ok := v.written(at, "events"); ok {
		if len(e.Events) == 0 {
			v.add(p, "name at least one pattern, or remove the key to tell all changes")
		}
		v.each(p, e.Events, nil)
	}
	v.condition(at, "filter", expression.OfChange, e.Filter)
}

// pace checks when attempts are made.
func (v *validator) pace(at place, e *Endpoint) {
	if p, ok := v.writtenPath(at, "retry.schedule"); ok && (len(e.Retry.Schedule) == 0 || len(e.Retry.Schedule) > 100) {
		v.add(p, "name from 1 to 100 waits, such as [5s, 5m, 1h]")
	}
	if p, ok := v.writtenPath(at, "batch.max_wait"); ok && e.Batch.MaxWait > 0 && e.Batch.MaxEvents == 1 {
		v.add(p, "an event that is told alone waits for no other: set max_events to more than 1, or remove max_wait")
	}
	if p, ok := v.written(at, "breaker"); ok && e.Breaker.Cooldown > e.Breaker.MaxCooldown {
		v.add(p, "cooldown %s is longer than max_cooldown %s", e.Breaker.Cooldown, e.Breaker.MaxCooldown)
	}
}
