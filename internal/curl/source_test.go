package curl

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
	"pgregory.net/rapid"

	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/recipe"
)

func none(string) ([]byte, error) { return nil, errors.New("no files here") }

func TestSource(t *testing.T) {
	t.Parallel()
	request, err := Parse(`curl -s -X POST -u 'me:open sesame' 'https://shop.example.com/v1/orders.json?status=open&limit=50&tag=a&tag=b' -H 'Accept: */*' `+
		`-H 'X-Shop: $'${REGION}'' -H 'sec-fetch-mode: cors' -H "X-Region: in $REGION" --json '{"n": 1, "password": "hush", "to": "'"$REGION"'", "list": [1.50, {}]}' -k`, none)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = request.Source(""); err == nil || !strings.Contains(err.Error(), "a $ stands before a variable") {
		t.Errorf("a $ before a variable: %v", err)
	}
	request, err = Parse(`curl -s -X POST -u 'me:open sesame' 'https://shop.example.com/v1/orders.json?status=open&limit=50&tag=a&tag=b' -H 'Accept: text/x' `+
		`-H 'X-Shop: ${x}' -H 'sec-fetch-mode: cors' -H "X-Region: in $REGION" --json '{"n": 1, "password": "hush", "to": "'"$REGION"'", "list": [1.50, {}]}' -k -o f`, none)
	if err != nil {
		t.Fatal(err)
	}
	got, err := request.Source("")
	if err != nil {
		t.Fatal(err)
	}
	const want = `# shop.example.com: what changes of the answer to the curl command
#
# Written from a curl command. How to go on: docs/your-own-api.md
# Left out, as a source has no use for it: -o, sec-fetch-mode.
#
# secret: ORDERS_USER the user name of the curl command
# secret: ORDERS_PASSWORD the password of the curl command
# set: REGION a variable of the curl command
# secret: ORDERS_PASSWORD_2 the member password of the body of the curl command

sources:
  - name: orders
    schedule: "@every 5m"
    request:
      url: https://shop.example.com/v1/orders.json
      params: {status: open, limit: 50, tag: [a, b]}
      method: POST
      headers:
        Accept: text/x
        X-Shop: "$${x}"
        X-Region: "in ${REGION}"
      json:
        "n": 1
        "password": "${ORDERS_PASSWORD_2}"
        "to": "${REGION}"
        "list":
          - 1.50
          - {}
      tls: {insecure_skip_verify: true}
    auth: {type: basic, username: "${ORDERS_USER}", password: "${ORDERS_PASSWORD}"}
`
	text, rest, _ := strings.Cut(got.Text, "\n    # Now the whole answer is one thing.")
	if diff := cmp.Diff(want, text); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !strings.HasSuffix(rest, "\n    event_type: api.orders   # told as api.orders.created, .updated and .deleted\n") || got.Name != "orders" {
		t.Errorf("%s ends with %s", got.Name, rest)
	}
}

// TestSourceKeepsSecrets: wherever a credential stands, it gets a variable.
func TestSourceKeepsSecrets(t *testing.T) {
	t.Parallel()
	const id = "https://api.example.com/things"
	for line, want := range map[string]string{
		"-u user:SECRET1a " + id:                                                           "{type: basic, username: \"${THINGS_USER}\", password: \"${THINGS_PASSWORD}\"}",
		"-u SECRET1a: " + id:                                                               "{type: basic, username: \"${THINGS_KEY}\"}",
		"-H 'Authorization: Bearer SECRET1a' " + id:                                        "{type: bearer, token: \"${THINGS_TOKEN}\"}",
		"-H 'Authorization: Bearer '$TOKEN " + id:                                          "{type: bearer, token: \"${TOKEN}\"}",
		"-H 'Authorization: Basic dXNlcjpTRUNSRVQxYQ==' " + id:                             "password: \"${THINGS_PASSWORD}\"}",
		"-H 'Authorization: Token SECRET1a' " + id:                                         "Authorization: \"Token ${THINGS_AUTHORIZATION}\"",
		"-H 'authorization: SECRET1a' " + id:                                               "authorization: \"${THINGS_AUTHORIZATION}\"",
		"-H 'X-Api-Key: SECRET1a' " + id:                                                   "{type: api_key, name: X-Api-Key, in: header, value: \"${THINGS_KEY}\"}",
		"-H 'X-A-Token: SECRET1a' -H 'X-B-Secret: SECRET1a' " + id:                         "X-B-Secret: \"${THINGS_X_B_SECRET}\"",
		"-H 'X-Odd: sk_live_SECRET1a' " + id:                                               "name: X-Odd, in: header",
		"-b 'session=SECRET1a' " + id:                                                      "Cookie: \"${THINGS_COOKIE}\"",
		"'" + id + "?api_key=SECRET1a'":                                                    "{type: api_key, name: api_key, in: query, value: \"${THINGS_KEY}\"}",
		"'" + id + "?a&token=SECRET1a'":                                                    "url: \"https://api.example.com/things?a&token=${THINGS_TOKEN}\"",
		"-u a:b '" + id + "?appid=SECRET1a'":                                               "params: {appid: \"${THINGS_APPID}\"}",
		"https://api.example.com/bot12:SECRET1aabcdefABCDEF/things":                        "url: \"https://api.example.com/${THINGS_PATH_KEY}/things\"",
		"https://me:SECRET1a@api.example.com/things":                                       "password: \"${THINGS_PASSWORD}\"",
		"-d 'grant=x&client_secret=SECRET1a' " + id:                                        "body: \"grant=x&client_secret=${THINGS_CLIENT_SECRET}\"",
		"--json '{\"a\": {\"apiKey\": \"SECRET1a\"}}' " + id:                               "\"apiKey\": \"${THINGS_API_KEY}\"",
		"-d '{\"apiKey\": \"SECRET1a\"}' " + id:                                            "body: \"${THINGS_BODY}\"",
		"--json '{\"a\": \"\\ud83d\\ude00\", \"key\": \"SECRET1a\"}' " + id:                "\"${THINGS_",
		"-H 'Content-Type: text/xml' -d '<a password=\"SECRET1a\"/>' " + id:                "body: \"${THINGS_BODY}\"",
		"-H 'Content-Type: text/xml' -d '<token>SECRET1a</token>' " + id:                   "body: \"${THINGS_BODY}\"",
		"-x http://me:SECRET1a@proxy:3128 " + id:                                           "proxy_url: \"${THINGS_PROXY}\"",
		"-x proxy:3128 -U me:SECRET1a " + id:                                               "proxy_url: \"${THINGS_PROXY}\"",
		"-H 'Authentication: SECRET1a' " + id:                                              "name: Authentication, in: header",
		"-H 'X-Signature-Ed25519: SECRET1a' " + id:                                         "name: X-Signature-Ed25519, in: header",
		"-H 'X-Upstream: Bearer sk_live_SECRET1a' " + id:                                   "name: X-Upstream, in: header",
		"-H 'Referer: https://b.example/x?token=SECRET1a' " + id:                           "name: Referer, in: header",
		"-u a:b '" + id + "?serviceKey=SECRET1a'":                                          "params: {serviceKey: \"${THINGS_SERVICE_KEY}\"}",
		"'" + id + "?userkey=SECRET1a'":                                                    "name: userkey, in: query",
		"-d 'authkey=SECRET1a&n=1' " + id:                                                  "body: \"authkey=${THINGS_AUTHKEY}&n=1\"",
		"'" + id + "?to=https%3A%2F%2Fb.example%3Faccess_token%3DSECRET1a'":                "name: to, in: query",
		"'https://api.example.com/things/x;jsessionid=SECRET1a'":                           "url: \"https://api.example.com/things/${THINGS_PATH_KEY}\"",
		"'https://api.example.com/things/sk_live%5fSECRET1a'":                              "url: \"https://api.example.com/things/${THINGS_PATH_KEY}\"",
		"--json '{\"query\": \"{ login(password: \\\"SECRET1a\\\") }\"}' " + id:            "\"query\": \"${THINGS_QUERY}\"",
		"--json '{\"a\": \"{\\\"password\\\": \\\"SECRET1a\\\"}\"}' " + id:                 "\"a\": \"${THINGS_A}\"",
		"-H 'Content-Type: text/xml' -d '<w:Password a=\"b\">SECRET1a</w:Password>' " + id: "body: \"${THINGS_BODY}\"",
		"--oauth2-bearer SECRET1a " + id:                                                   "{type: bearer, token: \"${THINGS_TOKEN}\"}",
	} {
		request, err := Parse("curl "+line, none)
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		got, err := request.Source("")
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		if !strings.Contains(got.Text, want) || strings.Contains(got.Text, "SECRET1a") || len(got.Settings) == 0 {
			t.Errorf("%s: no %s in\n%s", line, want, got.Text)
		}
	}
}

// TestSourceKeepsNumbers: a secret that is a number in JSON takes the body with it, as
// a variable is a text.
func TestSourceKeepsNumbers(t *testing.T) {
	t.Parallel()
	request, err := Parse(`curl --json '{"pin_password": 80471133}' https://a.example/x`, none)
	if err != nil {
		t.Fatal(err)
	}
	got, err := request.Source("")
	if err != nil || !strings.Contains(got.Text, `body: "${X_BODY}"`) || strings.Contains(got.Text, "80471133") {
		t.Errorf("%v in\n%s", err, got.Text)
	}
}

// TestSourceIsPlain: what is no secret stands in the file.
func TestSourceIsPlain(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"https://api.example.com/v2/open_issues":                            "  - name: open-issues\n",
		"https://api.example.com/v2/1042":                                   "  - name: example\n",
		"localhost:8080":                                                    "  - name: localhost\n",
		"https://a.example/x?since=2026-01-02T03:04:05.000%2B00:00":         "params: {since: \"2026-01-02T03:04:05.000+00:00\"}",
		"https://a.example/x/8d0c9b7e-1111-4222-8333-123456789abc":          "8d0c9b7e-1111-4222-8333-123456789abc",
		"-H 'X-GitHub-Api-Version: 2022-11-28' https://a.example":           "X-GitHub-Api-Version: \"2022-11-28\"",
		"-H 'Accept: application/vnd.github.v3.raw+json' https://a.example": "Accept: \"application/vnd.github.v3.raw+json\"",
		"'https://a.example/x?sort_key=name'":                               "sort_key: name",
		"-d 'a=b' https://a.example":                                        "Content-Type: application/x-www-form-urlencoded",
		"-X POST https://a.example":                                         "method: POST\n",
		"-X PUT https://a.example":                                          "method: PUT   # sent with every poll",
		"-m 2.5 https://a.example":                                          "timeout: 2.5s",
		"'https://a.example/x?a=1;b=2'":                                     `params: {a: "1;b=2"}`,
		"'https://a.example/x?a=1;b=2&c'":                                   `url: "https://a.example/x?a=1%3Bb=2&c"`,
		"--json '{\"a\": \"\\u0000HOME\\u0000\"}' https://a.example":        `body: "{\"a\": \"\\u0000HOME\\u0000\"}"`,
		"--json '{\"a\": \"\\ue000HOME\\uE000\"}' https://a.example":        `body: "{\"a\": \"\\ue000HOME\\uE000\"}"`,
		"--json '{\"a\": 1E400}' https://a.example":                         `body: "{\"a\": 1E400}"`,
		"-d 'a=1;b=2' https://a.example":                                    `body: "a=1;b=2"`,
		"'https://a.example/x?y=null&z=on'":                                 `params: {"y": "null", z: "on"}`,
		"-A PostmanRuntime/7.36.0 https://a.example":                        "User-Agent: PostmanRuntime/7.36.0\n",
		`--json '{"query": "query listAllOrdersOfCustomerV2($key: ID!) { orders(key: $key, createdAt_gte: \"2026-01-01T00:00:00Z\") { id } }"}' https://a.example`: "listAllOrdersOfCustomerV2",
	} {
		request, err := Parse("curl "+line, none)
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		if got, err := request.Source(""); err != nil || !strings.Contains(got.Text, want) || strings.Contains(got.Text, "${") {
			t.Errorf("%s: %v, want %s in\n%s", line, err, want, got.Text)
		}
	}
}

// TestSourceIsValid: what is written is a configuration that can be read.
func TestSourceIsValid(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"https://a.example", "localhost:8080/x", "-X DELETE https://a.example/x", "-X POST https://a.example/x", "-d '' https://a.example",
		"-d x=y -H 'Content-Type:' https://a.example", "-H 'X-Empty;' -H 'Accept:' https://a.example", "-u a:b -H 'Authorization: Token x' https://a.example",
		"-H 'X-Api-Key: a' -H 'X-Token: b' 'https://a.example/?key=c'", "-u a: 'https://a.example/?key=c&a'", "-m 1e9 -k -x p:1 https://a.example",
		"-m 0.00001 https://a.example", "-x p -U a:b https://a.example", "--json '[1, 2]' https://a.example", "--json '1' https://a.example",
		"--json '{\"a\": 1}' https://a.example", "--json '[1]' https://a.example", "--json '{\"a\": {\"b\": [\"c\"]}}' https://a.example", "--json '{}' https://a.example",
		"'https://a.example/?a=1;b=2'", "'https://a.example/?a=1;b=2&c'", "--json '{\"a\": \"\\u0000\"}' https://a.example",
		"--json '{\"a\": 1, \"a\": 2}' https://a.example",
		"--json '{\"a\": {\"b\": []}, \"c\": \"#: x\\n${y}\", \"yes\": \"no\", \"1\": 1e3}' https://a.example", "--json '{\"n\": '$N'}' https://a.example",
		"\"https://$HOST/${PATH_PART}?a=$VALUE&b=1$VALUE\"", "'https://a.example/?ü=%00&x=%ff'", "-d $'a\\tb\\n  c: #d' -H 'Content-Type: text/plain' https://a.example",
		"-e 'https://b.example;auto' -A '' -b 'a=b' https://a.example", "-g 'https://[::1]:8080/{a}'", "-H 'X-A: \"quoted\": {x}, [y] # z' https://a.example/1/2/3",
		"-H 'Host: a.example' -H 'Content-Length: 5' -H 'If-None-Match: x' https://a.example", "https://me@a.example", "-H 'X-V: 2' -H 'X-N: null' 'https://a.example/?n=2&m=02&o=1e3'", "-d 'a=$' https://a.example",
	} {
		request, err := Parse("curl "+line, none)
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		got, err := request.Source("")
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		lookup := config.Lookup{Env: func(name string) (string, bool) {
			if strings.HasSuffix(name, "_PROXY") {
				return "http://me:pass@proxy.example:3128", true
			}
			return "value", slices.ContainsFunc(got.Settings, func(s recipe.Setting) bool { return s.Name == name })
		}}
		if _, err := config.Parse("x.yaml", []byte(got.Text), lookup); err != nil {
			t.Errorf("%s: %v in\n%s", line, err, got.Text)
		}
		if _, err := got.Sources(); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
}

// TestSourceHoldsNoPassword: a password that is drawn is nowhere in the file.
func TestSourceHoldsNoPassword(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.StringMatching(`[A-Za-z0-9!%*+,./:;=?@^_~-]{8,20}`).Draw(t, "secret") + "Zq7"
		format := rapid.SampledFrom([]string{
			"-u 'me:@' URL", "-H 'Authorization: Bearer @' URL", "-H 'X-Auth-Token: @' URL", "-b 'a=@' URL", "--oauth2-bearer '@' URL",
			"-H 'Authorization: @' URL", "-H 'Cookie: b=@' URL", "--json '{\"token\": \"@\"}' URL", "-U 'a:@' -x p:1 URL", "-d '{\"password\":\"@\"}' URL",
		}).Draw(t, "form")
		line := strings.NewReplacer("@", secret, "URL", "https://shop.example.com/orders").Replace(format)
		request, err := Parse("curl "+line, none)
		if err != nil {
			t.Fatal(err)
		}
		got, err := request.Source("")
		if err != nil {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s: %v", line, err)
			}
			return
		}
		if strings.Contains(got.Text, secret) {
			t.Errorf("%s is written:\n%s", line, got.Text)
		}
	})
}

// FuzzParse: whatever is typed, it is refused or makes a file that can be read.
func FuzzParse(f *testing.F) {
	for _, line := range []string{
		"curl -u a:b 'https://a.example/x?y=z'", "curl --json '{\"a\": [1, null, \"x\"]}' $URL", "curl -H \"X: $A\" -d @f -G https://a",
		"$ curl $'\\u00fc' -sSfLo x -- https://a/{b}", "curl -g 'a/[1]' -x p -U q -m 1e9 --cert c", "curl -d '${x}' a?b&c",
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		request, err := Parse(line, func(string) ([]byte, error) { return []byte("x\ny"), nil })
		if err != nil {
			return
		}
		got, err := request.Source("")
		if err != nil {
			return
		}
		var file struct {
			Sources []struct {
				Name    string
				Request struct{ URL, Method string }
			}
		}
		if err := yaml.Unmarshal([]byte(got.Text), &file); err != nil || strings.Contains(got.Text, mark) {
			t.Fatalf("%q makes %q: %v", line, got.Text, err)
		}
		if len(file.Sources) != 1 || file.Sources[0].Name != got.Name || file.Sources[0].Request.URL == "" {
			t.Errorf("%q makes %s", line, got.Text)
		}
	})
}
