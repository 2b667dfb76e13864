package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/pollwire/pollwire/internal/server"
)

// TestNoSuchParameter: a parameter that is not known is refused also where there
// are none, and nothing is done.
func TestNoSuchParameter(t *testing.T) {
	t.Parallel()
	ctl := &controller{}
	addr := start(t, server.Options{Controller: ctl}).Addr()
	for _, q := range []question{
		{method: "GET", path: "/v1/sources?state=failing"},
		{method: "GET", path: "/v1/sources/orders/polls?limit=1"},
		{method: "GET", path: "/v1/limits?x"},
		{method: "POST", path: "/v1/sources/orders/poll?preview=true"},
		{method: "POST", path: "/v1/endpoints/ops/test?a=1"},
	} {
		if got := ask(t, addr, q); got.status != http.StatusBadRequest || !strings.Contains(got.body, "there is no parameter") || !strings.Contains(got.body, "there are none here") {
			t.Errorf("%s %s: %d %s", q.method, q.path, got.status, got.body)
		}
	}
	if got := ask(t, addr, question{method: "GET", path: "/healthz?from=balancer"}); got.status != http.StatusOK {
		t.Errorf("a probe: %d %s", got.status, got.body)
	}
	if calls := ctl.calls; len(calls) > 0 {
		t.Errorf("called: %q", calls)
	}
}
