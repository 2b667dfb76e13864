package daemon

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/poller"
)

// mustSource returns a source of the poller that has these further keys.
func mustSource(t *testing.T, request, keys string) *poller.Source {
	t.Helper()
	yaml := fmt.Sprintf("sources:\n  - name: orders\n    schedule: '@daily'\n    request: %s\n", request)
	for line := range strings.Lines(keys) {
		yaml += "    " + line
	}
	cfg, err := config.Parse("test.yaml", []byte(yaml+"\n"), config.Lookup{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := newSetup(cfg, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s.sources["orders"].asked
}

const (
	getOrders  = "{url: https://api.example.com/orders}"
	postOrders = "{url: https://api.example.com/orders, method: POST, json: {query: q}}"
)

// What a configuration says of pages and of what is new is what the poller does.
func TestPagingIsWired(t *testing.T) {
	t.Parallel()
	tests := []struct {
		request, keys string
		pagination    *poller.Pagination
		incremental   *poller.Incremental
		items         string
	}{
		{request: getOrders},
		{request: getOrders, keys: "items: {key: id}", items: "@this"},
		{
			request: getOrders, keys: "items: {key: id, path: data}\npagination: {type: header_link}", items: "data",
			pagination: &poller.Pagination{Kind: poller.HeaderLink, MaxPages: 10},
		},
		{
			request: getOrders, keys: "items: {key: id, window: newest}\npagination: {type: json_link, next_url_path: a.b, max_pages: 3}", items: "@this",
			pagination: &poller.Pagination{Kind: poller.JSONLink, NextURLPath: "a.b", MaxPages: 3, Newest: true},
		},
		{
			request: postOrders, keys: "items: {key: id}\npagination: {type: cursor, cursor_path: a, cursor_param: b.c, has_more_path: d, cursor_from: last_item}", items: "@this",
			pagination: &poller.Pagination{Kind: poller.CursorParam, CursorPath: "a", CursorParam: "b.c", HasMorePath: "d", FromLastItem: true, MaxPages: 10, In: poller.InBody},
		},
		{
			request: postOrders, keys: "items: {key: id}\npagination: {type: page_number, page_param: p, base_page: 0, total_path: t, in: query}", items: "@this",
			pagination: &poller.Pagination{Kind: poller.PageNumber, PageParam: "p", TotalPath: "t", MaxPages: 10, In: poller.InQuery},
		},
		{
			request: getOrders, items: "@this",
			keys:        "items: {key: id}\npagination: {type: offset, offset_param: o, limit_param: l, limit: 7, total_path: t}\nincremental: {cursor_path: at, start_param: since, initial_value: now, lookback: 2m}",
			pagination:  &poller.Pagination{Kind: poller.Offset, OffsetParam: "o", LimitParam: "l", Limit: 7, TotalPath: "t", MaxPages: 10, In: poller.InQuery, Newest: true},
			incremental: &poller.Incremental{CursorPath: "at", StartParam: "since", InitialValue: "now", Lookback: 2 * time.Minute, In: poller.InQuery},
		},
	}
	for _, tt := range tests {
		s := mustSource(t, tt.request, tt.keys)
		if diff := cmp.Diff(tt.pagination, s.Pagination); diff != "" {
			t.Errorf("%s: pagination (-want +got):\n%s", tt.keys, diff)
		}
		if diff := cmp.Diff(tt.incremental, s.Incremental); diff != "" {
			t.Errorf("%s: incremental (-want +got):\n%s", tt.keys, diff)
		}
		if s.Items != tt.items {
			t.Errorf("%s: items %q, want %q", tt.keys, s.Items, tt.items)
		}
	}
}

// Another list is another request, whose answers are not compared with those of
// the old one; what only says how it is asked for is none.
func TestRequestKeyKnowsPaging(t *testing.T) {
	t.Parallel()
	key := func(keys string) string { return requestKey(mustSource(t, getOrders, "items: {key: id}\n"+keys)) }
	plain := key("")
	if plain != requestKey(mustSource(t, getOrders, "")) {
		t.Error("items alone make another request")
	}
	distinct := []string{
		"", "pagination: {type: header_link}", "pagination: {type: page_number, page_param: page}", "pagination: {type: page_number, page_param: p}",
		"incremental: {cursor_path: at, start_param: since}", "incremental: {cursor_path: id, start_param: since}",
		"incremental: {cursor_path: id, start_param: since}\npagination: {type: header_link}",
	}
	seen := map[string]string{}
	for _, keys := range distinct {
		if other, ok := seen[key(keys)]; ok {
			t.Errorf("%q is the same request as %q", keys, other)
		}
		seen[key(keys)] = keys
	}
	for a, b := range map[string]string{
		"pagination: {type: header_link}":                                                     "pagination: {type: header_link, max_pages: 99}",
		"pagination: {type: offset, offset_param: o, limit_param: l, limit: 7}":               "pagination: {type: offset, offset_param: o, limit_param: l, limit: 70}",
		"incremental: {cursor_path: at, start_param: since, initial_value: now}":              "incremental: {cursor_path: at, start_param: since, lookback: 1h}",
		"incremental: {cursor_path: at, start_param: since}":                                  "incremental: {cursor_path: at, start_param: since, cursor_type: id}",
		"incremental: {cursor_path: at, start_param: since}\npagination: {type: header_link}": "incremental: {cursor_path: at, start_param: since, in: query}\npagination: {type: header_link, max_pages: 2}",
	} {
		if key(a) != key(b) {
			t.Errorf("%q is another request than %q", a, b)
		}
	}
}
