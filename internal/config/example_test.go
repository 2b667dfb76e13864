package config

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

func mustParse(tb testing.TB, text string) *Config {
	tb.Helper()
	c, err := Parse("test.yaml", []byte(text), fakeLookup())
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func mustExample(tb testing.TB) *Config {
	tb.Helper()
	c, err := Parse("config.example.yaml", mustRead(tb, examplePath), fakeLookup())
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func TestExampleValues(t *testing.T) {
	t.Parallel()
	c := mustExample(t)
	releases, orders, prices, stock := &c.Sources[0], &c.Sources[1], &c.Sources[2], &c.Sources[3]
	contacts, queue := &c.Sources[4], &c.Sources[len(c.Sources)-1]
	ops, warehouse, chat, sms := &c.Endpoints[0], &c.Endpoints[1], &c.Endpoints[2], &c.Endpoints[3]
	accounts, calendar, doors := c.Sources[7].Auth.ClientCredentials, c.Sources[8].Auth.RefreshToken, c.Sources[9].Auth.Login
	doorsHeader, doorsValue := doors.HeaderParts()
	for _, test := range []struct {
		name      string
		got, want any
	}{
		{"path", c.Storage.Path(), "/var/lib/pollwire/pollwire.db"},
		{"token", c.Server.Token.Reveal(), "api-topsecret"},
		{"limit", c.RateLimits[0].Rate, Rate{Requests: 5000, Per: Duration(time.Hour), Burst: 20, Concurrency: 4, Reserve: Reserve{Percent: 10, IsPercent: true}}},
		{"location", releases.Location().String(), "Europe/Berlin"},
		{"params", releases.Request.Params.Values().Encode(), "per_page=100"},
		{"merged headers", len(releases.Request.Headers.Header()), 2},
		{"header", releases.Request.Headers.Header().Get("Accept"), "application/vnd.github+json"},
		{"bearer", releases.Auth.Bearer.Token.Reveal(), "ghp_topsecret"},
		{"limit by name", releases.RateLimit, LimitRef{Name: "github"}},
		{"window", *releases.Items, Items{Path: "@this", Key: Key{"id"}, Window: "newest"}},
		{"inherited timeout", time.Duration(orders.Request.Timeout), 10 * time.Second},
		{"json", orders.Request.JSON.Reveal(), `{"status":"open","limit":200}`},
		{"limit of its own", *orders.RateLimit.Inline, Rate{Requests: 10, Per: Duration(time.Minute), Burst: 2, Concurrency: 1}},
		{"api key", orders.Auth.APIKey.Value.Reveal(), "shop-topsecret"},
		{"max removed", orders.Expect.MaxRemoved, MaxRemoved{Percent: 50, IsPercent: true}},
		{"keys of lists inside", orders.Detect.Keys, map[string]Key{"lines": {"sku"}, "lines.#.discounts": {"code", "valid_from"}}},
		{"pages by link", *releases.Pagination.HeaderLink, HeaderLink{"header_link", Pages{3}}},
		{"pages by cursor", *orders.Pagination.Cursor, Cursor{"cursor", "meta.next_cursor", "page.cursor", "response", "meta.has_more", "body", Pages{4}}},
		{"pages by offset", *contacts.Pagination.Offset, Offset{"offset", "skip", "take", 100, "total", "query", Pages{10}}},
		{"incremental", *contacts.Incremental, Incremental{"updated_at", "auto", "since", "now", Duration(2 * time.Minute), "query"}},
		{"incremental is newest", contacts.Items.Window, "newest"},
		{"a queue is newest", queue.Items.Window, "newest"},
		{"incremental tells no deletions", contacts.Detect.Events, []string{"created", "updated"}},
		{"key of several", *stock.Items, Items{Path: "@this", Key: Key{"warehouse", "sku"}, Window: "complete"}},
		{"when", releases.When, `change == "created" || changed("body")`},
		{"formerly", releases.Formerly, "go-tags"},
		{"filter", orders.Items.Filter, "!item.test"},
		{"expect", orders.Expect.When, `document.status != "degraded"`},
		{"poke", orders.Poke.Secret.Reveal(), "poke-topsecret-of-the-shop"},
		{"at least", orders.Expect.MinItems, 1},
		{"no notify tells everyone", prices.Notify, []string{"ops", "warehouse", "team-channel", "on-call"}},
		{"no notify tells who comes later", []bool{prices.NotifiesAll(), releases.NotifiesAll()}, []bool{true, false}},
		{"type without items", prices.EventType, "pollwire.document"},
		{"type with items", orders.EventType, "shop.order"},
		{"network", prices.AllowNetworks[0].String(), "10.0.0.0/8"},
		{"password", prices.Auth.Basic.Password.Reveal(), "pass-topsecret"},
		{"proxy", prices.Request.ProxyURL.Reveal(), "http://pollwire:proxy-topsecret@proxy.example.com:3128"},
		{"proxy as it is shown", prices.Request.ProxyURL.String(), "http://proxy.example.com:3128"},
		{"tls", prices.Request.TLS, TLS{
			CAFile: "/etc/pollwire/company-ca.pem", CertFile: "/etc/pollwire/client.pem", KeyFile: "/etc/pollwire/client.key",
			ServerName: "supplier.internal",
		}},
		{"encryption key", c.Storage.EncryptionKey.Reveal(), "an-encryption-key-that-is-topsecret"},
		{"client secret", accounts.ClientSecret.Reveal(), "billing-topsecret"},
		{"token url", accounts.TokenURL.Reveal(), "https://login.example.com/oauth2/token"},
		{"params of the token request", accounts.Params.Values().Encode(), "audience=https%3A%2F%2Fbilling.example.com%2F"},
		{"refresh token", calendar.RefreshToken.Reveal(), "refresh-topsecret"},
		{"scopes", calendar.Scopes, []string{"events.readonly"}},
		{"login", doors.Request.JSON.Reveal(), `{"user":"pollwire","password":"building-topsecret"}`},
		{"header of the token", doorsHeader + "|" + doorsValue, "X-Session|{token}"},
		{"lifetime of the token", time.Duration(doors.ExpiresIn), 30 * time.Minute},
		{"secret", c.Endpoints[0].Secrets[0].Value.Reveal(), goodSecret},
		{"until", c.Endpoints[0].Secrets[1].Until, time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)},
		{"signatures of others", ops.AlsoSign, []string{"github", "stripe"}},
		{"whole payload", ops.Payload.IsFull(), true},
		{"filter of an endpoint", ops.Filter, `source != "shop-orders" || item.status != "draft"`},
		{"start in the log", ops.From, From{}},
		{"limit of an endpoint", *ops.RateLimit, EndpointRate{Requests: 10, Per: Duration(time.Second), Burst: 5}},
		{"authority of a receiver", ops.TLS, TLS{CAFile: "/etc/pollwire/company-ca.pem"}},
		{"proxy of an endpoint", ops.ProxyURL.Reveal(), "http://proxy.example.com:3128"},
		{"token of an endpoint", ops.Auth.Bearer.Token.Reveal(), "ops-topsecret"},
		{"fields", warehouse.Payload, Payload{Fields: []string{"change", "key", "after.sku", "after.quantity"}}},
		{"batch", warehouse.Batch, Batch{MaxEvents: 100, MaxWait: Duration(2 * time.Second)}},
		{"chat", chat.Format, "slack"},
		{"no secrets", len(chat.Secrets), 0},
		{"template", sms.Template.ContentType + "|" + sms.Template.Body.Reveal(), "application/x-www-form-urlencoded|" + `From=%2B15005550006&To=%2B15005550010&Body={{ printf "%s fails, %s" .Data.name .Data.reason | truncate 300 | urlquery }}`},
		{"password of an endpoint", sms.Auth.Basic.Password.Reveal(), "twilio-topsecret"},
		{"subscriptions", c.Server.Subscriptions.Verify + " " + c.Server.Subscriptions.AllowNetworks[0].String(), "none 10.20.0.0/16"},
		{"retry", len(c.Endpoints[0].Retry.Schedule), 9},
	} {
		if diff := cmp.Diff(test.want, test.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
	if warnings := c.Warnings(reference()); len(warnings) > 0 {
		t.Errorf("the example gives warnings: %v", warnings)
	}
}

// TestExampleIsWhole holds the example to have every key that exists.
func TestExampleIsWhole(t *testing.T) {
	t.Parallel()
	keys := make(keyring)
	missing := make(map[string]bool)
	types := make(map[reflect.Type]bool)
	structTypes(reflect.TypeFor[Config](), keys, types)
	delete(types, reflect.TypeFor[Settings]()) // the keys of a source
	for typ := range types {
		for _, key := range keys.names(typ) {
			missing[typ.Name()+"."+key] = true
		}
	}
	doc := mustDocument(t, "example", mustRead(t, examplePath))
	for _, one := range structNodes(doc.top(), reflect.TypeFor[Config](), keys) {
		for i := 0; i < len(one.node.Content); i += 2 {
			delete(missing, strings.Replace(one.typ.Name(), "Settings", "Source", 1)+"."+one.node.Content[i].Value)
		}
	}
	if len(missing) > 0 {
		t.Errorf("config.example.yaml lacks %v", missing)
	}
}

// TestExampleSaysDefaults holds what the example calls a default to be one.
func TestExampleSaysDefaults(t *testing.T) {
	t.Parallel()
	keys := make(keyring)
	doc := mustDocument(t, "example", mustRead(t, examplePath))
	tried := 0
	for _, one := range structNodes(doc.top(), reflect.TypeFor[Config](), keys) {
		for _, f := range keys.fields(one.typ) {
			value, ok := place{doc: doc, node: one.node}.key(f.key)
			if !ok {
				continue
			}
			comment := value.node.LineComment
			if !strings.HasSuffix(comment, "default") && !strings.HasSuffix(comment, "(default)") && !strings.HasSuffix(comment, "default)") {
				continue
			}
			tried++
			if f.fallback == nil {
				t.Errorf("%s.%s has no default", one.path, f.key)
			} else if got, want := mustMarshal(t, value.node), mustMarshal(t, f.fallback); got != want {
				t.Errorf("%s.%s is called a default with %s, which is %s", one.path, f.key, got, want)
			}
		}
	}
	if tried < 10 {
		t.Errorf("only %d values are called a default", tried)
	}
}

func mustMarshal(tb testing.TB, node *yaml.Node) string {
	tb.Helper()
	plain := *node
	plain.Style, plain.LineComment, plain.HeadComment, plain.FootComment = yaml.FlowStyle, "", "", ""
	if node.Kind == yaml.ScalarNode {
		plain.Style = 0
	}
	text, err := yaml.Marshal(&plain)
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

// TestDefaults holds the defaults to what users were promised.
func TestDefaults(t *testing.T) {
	t.Parallel()
	got := mustParse(t, minimal)
	got.endpointPlaces = nil
	s := got.Sources[0].Settings
	want := &Config{
		Storage: Storage{
			DSN:       NewDSN("sqlite:pollwire.db"),
			Retention: Retention{Events: Duration(30 * day), Snapshots: 20, Waiting: Duration(90 * day)},
		},
		Server: Server{Listen: "127.0.0.1:8470", Subscriptions: Subscriptions{Verify: "none"}},
		Log:    Log{Level: "info", Format: "text"},
		Sources: []Source{{Name: "orders", Settings: Settings{
			Enabled: true, Schedule: "@hourly", OnMissed: "run_once",
			Request: Request{
				URL: NewURL("https://api.example.com/orders"), Method: "GET", Timeout: Duration(10 * time.Second),
				MaxBodySize: 10 << 20, Conditional: true, FollowRedirects: true, SuccessStatusCodes: []int{200},
			},
			Cost:      1,
			Retry:     Retry{MaxAttempts: 3, WaitMin: Duration(time.Second), WaitMax: Duration(30 * time.Second), MaxRetryAfter: Duration(time.Hour)},
			Format:    "auto",
			Detect:    Detect{Select: "@this", Events: []string{"created", "updated", "deleted"}, CompareWith: "previous", FirstPoll: "baseline"},
			Expect:    Expect{MaxRemoved: MaxRemoved{Percent: 50, IsPercent: true}},
			EventType: "pollwire.document",
			Notify:    []string{"ops"},
			Alerts:    Alerts{FailureThreshold: 5, ReminderInterval: Duration(6 * time.Hour)},

			notifiesAll: true,
		}}},
		Endpoints: []Endpoint{{
			Name: "ops", URL: NewURL("https://hooks.example.com/in"), Enabled: true,
			Secrets: []SigningSecret{{Value: NewSecret(goodSecret)}},
			Format:  "standard", MaxBody: 256 << 10,
			Timeout: Duration(15 * time.Second), MaxInFlight: 16, Order: "none", Coalesce: "none", Batch: Batch{MaxEvents: 1},
			Breaker:      Breaker{Failures: 5, Cooldown: Duration(30 * time.Second), MaxCooldown: Duration(30 * time.Minute)},
			DisableAfter: Duration(5 * day),
			Retry: EndpointRetry{
				Schedule: durations("5s 5m 30m 2h 5h 10h 14h 20h 24h"),
				Jitter:   0.2, MaxRetryAfter: Duration(24 * time.Hour),
			},
		}},
	}
	if !reflect.DeepEqual(want, got) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if s.Location() != time.Local {
		t.Errorf("the time zone is %s, want the system's", s.Location())
	}
}

func durations(text string) []Duration {
	var all []Duration
	for word := range strings.FieldsSeq(text) {
		d, err := time.ParseDuration(word)
		if err != nil {
			panic(err)
		}
		all = append(all, Duration(d))
	}
	return all
}

// minimal is the least that does something.
const minimal = `
sources:
  - name: orders
    schedule: "@hourly"
    request: {url: https://api.example.com/orders}
endpoints:
  - name: ops
    url: https://hooks.example.com/in
    secrets: [` + goodSecret + `]
`
