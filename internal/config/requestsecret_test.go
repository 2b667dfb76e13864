package config

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRequestSecrets(t *testing.T) {
	t.Parallel()
	c, err := Parse("test.yaml", []byte(`
sources:
  - {name: bot, schedule: "@hourly", request: {url: "https://${HOST}/bot${TOKEN}/updates?key=${KEY}"}}
  - {name: form, schedule: "@hourly", request: {url: "https://${HOST}/login", method: POST, body: "pass=${PASS}&page=${PAGE}"}}
  - {name: json, schedule: "@hourly", request: {url: "https://${HOST}/graph", method: POST, json: {token: "${QUOTED}"}}}
  - name: login
    schedule: "@hourly"
    request: {url: "https://${HOST}/"}
    auth: {type: login, request: {url: "https://${HOST}/t/${TENANT}", json: {password: "${LOGIN}"}}}
  - {name: graph, schedule: "@hourly", request: {url: "https://${HOST}/graph", graphql: {query: "{ a(b: ${INLINE}) }", variables: {c: ["${VARIABLE}"]}}}}
endpoints:
  - name: page
    url: https://${HOST}/hook/${HOOK}
    format: template
    template: {body: '{"routing_key": "${ROUTE}", "n": {{ json .Type }}}'}
    auth: {type: login, request: {url: "https://${HOST}/u/${USER}", json: {password: "${DOOR}"}}}
`), lookupOf(map[string]string{
		"HOST": "api.example.com", "TOKEN": "123:abc", "KEY": "in-the-query", "PASS": "hunter2", "PAGE": "7", "QUOTED": `a"quoted"one`,
		"TENANT": "tenant-1", "LOGIN": "open sesame",
		"HOOK": "hook-in-the-path", "ROUTE": "routing-key", "USER": "user-1", "DOOR": "let me in",
		"INLINE": "inline-secret", "VARIABLE": "variable\nsecret",
	}, nil))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"123:abc", `a"quoted"one`, "hunter2", "inline-secret", "let me in", "open sesame", "routing-key", "tenant-1", "user-1", "variable\nsecret"}, c.RequestSecrets()); d != "" {
		t.Errorf("request secrets (-want +got):\n%s", d)
	}
}
