package config

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestInherit(t *testing.T) {
	t.Parallel()
	c := mustParse(t, `
defaults:
  schedule: "@hourly"
  jitter: 10s
  notify: []
  auth: {type: bearer, token: shared}
  rate_limit: {requests: 10, per: 1m, burst: 5}
  request:
    url: https://api.example.com/
    timeout: 20s
    headers: {accept: text/plain, X-Team: ops}
    params: {page: 1, size: 10}
    success_status_codes: [200, 404]
  detect: {ignore: [a, b], keys: {lines: sku, tags: [name, lang]}, ignore_order: true, significant_digits: 6}
  items: {key: id}
sources:
  - name: all
  - name: own
    jitter: 0s
    auth: {type: basic, username: joe}
    rate_limit: {requests: 1, per: 1s}
    request:
      headers: {Accept: application/json}
      params: {page: 2}
      success_status_codes: [200]
    detect: {ignore: [c], keys: {tags: id, more: id}, ignore_order: false, significant_digits: 0}
    items: {key: [region, number], window: newest}
  - name: none
    auth: null
    rate_limit: ~
    items: null
    notify: null
    request: {headers: null, params: {size: null}, timeout: null}
    detect: {keys: {lines: null}, ignore_order: null, significant_digits: null}
`)
	all, own, none := &c.Sources[0], &c.Sources[1], &c.Sources[2]
	for _, test := range []struct {
		what string
		ok   bool
	}{
		{"all inherit the schedule", all.Schedule == "@hourly" && own.Schedule == "@hourly" && none.Schedule == "@hourly"},
		{"the URL is inherited into a request of its own", own.Request.URL.Reveal() == "https://api.example.com/"},
		{"own jitter wins", all.Jitter == Duration(10*time.Second) && own.Jitter == 0},
		{"auth is replaced whole", own.Auth.Bearer == nil && own.Auth.Basic != nil && all.Auth.Bearer != nil},
		{"rate_limit is replaced whole", own.RateLimit.Inline.Burst == 1 && all.RateLimit.Inline.Burst == 5},
		{"headers merge whatever their case", len(own.Request.Headers) == 2 && own.Request.Headers.Header().Get("Accept") == "application/json"},
		{"params merge", own.Request.Params.Values().Encode() == "page=2&size=10"},
		{"lists are replaced", len(own.Request.SuccessStatusCodes) == 1 && len(own.Detect.Ignore) == 1 && len(all.Detect.Ignore) == 2},
		{"items merge", own.Items.Path == "@this" && own.Items.Window == "newest"},
		{"a key is replaced", slices.Equal(own.Items.Key, Key{"region", "number"}) && slices.Equal(all.Items.Key, Key{"id"})},
		{"keys merge by their paths", keysAre(all, "lines=sku tags=name,lang") && keysAre(own, "lines=sku more=id tags=id") && keysAre(none, "tags=name,lang")},
		{"how lists and numbers are compared", all.Detect.IgnoreOrder && !own.Detect.IgnoreOrder && all.Detect.SignificantDigits == 6 && own.Detect.SignificantDigits == 0},
		{"after null it is exact again", !none.Detect.IgnoreOrder && none.Detect.SignificantDigits == 0},
		{"an empty notify is inherited", all.Notify != nil && len(all.Notify) == 0},
		{"null takes away", none.Auth == Auth{} && none.RateLimit == LimitRef{} && none.Items == nil},
		{"null takes away within", none.Request.Headers == nil && none.Request.Params.Values().Encode() == "page=1"},
		{"after null the default of the key holds", none.Request.Timeout == Duration(10*time.Second)},
		{"the event type goes by items", all.EventType == "pollwire.item" && none.EventType == "pollwire.document"},
		{"newest tells no deletions", strings.Join(own.Detect.Events, " ") == "created updated"},
	} {
		if !test.ok {
			t.Errorf("%s: not so in\n%+v\n%+v\n%+v", test.what, all, own, none)
		}
	}
}

// keysAre says whether the keys of lists inside are those written in short.
func keysAre(s *Source, want string) bool {
	var short []string
	for _, path := range slices.Sorted(maps.Keys(s.Detect.Keys)) {
		short = append(short, path+"="+strings.Join(s.Detect.Keys[path], ","))
	}
	return strings.Join(short, " ") == want
}

// TestInheritedMistakes holds a mistake to the place where it was written.
func TestInheritedMistakes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"defaults: {schedule: x}\nsources:\n  - {name: a, request: {url: \"https://a.example.com\"}}\n  - {name: b, request: {url: \"https://b.example.com\"}}\n": "1:22: defaults.schedule: a schedule has 5 fields (minute, hour, day of month, month, day of week), or 6 with seconds first; this one has 1",
		"defaults: {request: {timeout: 5s}}\nsources:\n  - {name: a, schedule: \"@hourly\"}\n":                                                                    `3:5: sources[0].request: the key "url" is missing, such as url: https://api.example.com/orders`,
		"defaults: {rate_limit: nope}\nsources:\n  - {name: a, schedule: \"@hourly\", request: {url: \"https://a.example.com\"}}\n":                               "1:24: defaults.rate_limit: there is no rate limit \"nope\"; there are none",
		"defaults: [a]\nsources:\n  - {name: a, schedule: \"@hourly\", request: {url: \"https://a.example.com\"}}\n":                                              "1:11: defaults: want a mapping (keys and values), got a list",
		"defaults: {schedule: null}\nsources:\n  - {name: a, schedule: \"@hourly\", request: {url: \"https://a.example.com\"}}\n":                                 "1:22: defaults.schedule: there is no value: give it one, or remove the key",
		"defaults: {detect: {keys: {$.a: id}}}\nsources:\n  - {name: a, schedule: \"@hourly\", request: {url: \"https://a.example.com\"}}\n":                      `1:28: defaults.detect.keys["$.a"]: "$.a": this looks like JSONPath; a gjson path has no $, such as data.items`,
		"defaults: {detect: {ignore: [$.a]}}\nsources:\n  - {name: a, schedule: \"@hourly\", request: {url: \"https://a.example.com\"}}\n":                        `1:30: defaults.detect.ignore[0]: "$.a": this looks like JSONPath; a gjson path has no $, such as data.items`,
	} {
		_, err := Parse("c.yaml", []byte(text), Lookup{})
		if err == nil || err.Error() != "c.yaml:"+want {
			t.Errorf("%s: got\n%v, want\n%s", text, err, want)
		}
	}
}
