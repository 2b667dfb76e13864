package config

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestBudget(t *testing.T) {
	t.Parallel()
	c := mustParse(t, `
rate_limits:
  - {name: github, requests: 5000, per: 1h}
  - {name: small, requests: 10, per: 1m}
  - {name: month, requests: 1000, per: 30d}
  - {name: unused, requests: 1, per: 1s}
defaults:
  request: {url: "https://api.example.com/"}
sources:
  - {name: a, schedule: "*/5 * * * *", rate_limit: github}
  - {name: b, schedule: "@every 30s", rate_limit: github}
  - {name: c, schedule: "* * * * *", rate_limit: github, enabled: false}
  - {name: d, schedule: "* * * * * *", rate_limit: small}
  - {name: e, schedule: "*/36 * * * mon", rate_limit: month}
  - {name: f, schedule: "@every 1m", rate_limit: {requests: 1, per: 90s}}
  - {name: g, schedule: "@every 1s"}
  - {name: h, schedule: "@hourly", cost: 5, rate_limit: {requests: 100, per: 1h, reserve: 10%}}
  - {name: i, schedule: "* * * * *", cost: 2, rate_limit: {requests: 100, per: 1h, reserve: 10}}
`)
	var got []string
	for _, use := range c.Budget(reference()) {
		got = append(got, use.String())
	}
	const wayOut = ". It does not fit, so polls will be late or skipped: poll %s times less often, share the limit among fewer sources, or raise it if the API allows more"
	want := []string{
		"rate_limits[0] github: 2 sources want 3,168 requests a day, 5,000 per 1h allow 120,000: 2.6 %",
		"rate_limits[1] small: 1 source wants 86,400 requests a day, 10 per 1m allow 14,400: 600 %" + fmt.Sprintf(wayOut, "6"),
		"rate_limits[2] month: 1 source wants 8 requests a day, 1,000 per 30d allow 33: 24 %",
		"rate_limits[3] unused: 0 sources want 0 requests a day, 1 per 1s allow 86,400: 0 %",
		"sources[5].rate_limit f: 1 source wants 1,440 requests a day, 1 per 1m30s allow 960: 150 %" + fmt.Sprintf(wayOut, "1.5"),
		"sources[7].rate_limit h: 1 source wants 120 requests a day (24 polls, each of a cost of up to 5), 100 per 1h less a reserve of 10 allow 2,160: 5.6 %",
		"sources[8].rate_limit i: 1 source wants 2,880 requests a day (1,440 polls, each of a cost of up to 2), 100 per 1h less a reserve of 10 allow 2,160: 133 %" +
			". It does not fit, so polls will be late or skipped: poll 1.4 times less often, share the limit among fewer sources, reserve less, or raise it if the API allows more",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestBudgetWithPages counts every page that a source may ask for.
func TestBudgetWithPages(t *testing.T) {
	t.Parallel()
	use := newLimitUse("rate_limits[0]", "github", Rate{Requests: 100, Per: Duration(time.Hour)})
	use.want(240, 1, 10)
	use.want(24, 2, 1)
	want := "rate_limits[0] github: 2 sources want 2,448 requests a day (264 polls, each of up to 10 pages at a cost of up to 2), 100 per 1h allow 2,400: 102 %" +
		". With all of those pages it does not fit, and polls will be late or skipped then: poll 1.1 times less often, ask for larger pages or lower pagination.max_pages, " +
		"share the limit among fewer sources, or raise it if the API allows more"
	if diff := cmp.Diff(want, use.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	use.want(2400, 1, 1)
	if got := use.waysOut(); !strings.HasPrefix(got, "It does not fit, ") {
		t.Errorf("more than the limit even without further pages: %s", got)
	}
}

// TestBudgetIsCheap counts what a second-by-second schedule and many sources
// want, which would take long one run at a time.
func TestBudgetIsCheap(t *testing.T) {
	t.Parallel()
	c := &Config{RateLimits: []RateLimit{{Name: "a", Rate: Rate{Requests: 1, Per: Duration(366 * day)}}}}
	for i := range 10000 {
		c.Sources = append(c.Sources, Source{Name: fmt.Sprint(i), Settings: Settings{Enabled: true, Schedule: "* * * * * *", RateLimit: LimitRef{Name: "a"}}})
	}
	use := c.Budget(time.Date(2026, 10, 25, 1, 59, 0, 0, time.UTC))[0]
	if use.Fits() || use.Sources != 10000 || use.Wanted != 864e6 {
		t.Errorf("got %s", use)
	}
}

func TestThousands(t *testing.T) {
	t.Parallel()
	for n, want := range map[float64]string{0: "0", 0.4: "0", 999: "999", 999.5: "1,000", 1234567: "1,234,567", 120000: "120,000"} {
		if got := thousands(n); got != want {
			t.Errorf("%v is written %s, want %s", n, got, want)
		}
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	c := mustParse(t, `
storage: {retention: {waiting: 1d}}
rate_limits:
  - {name: unused, requests: 1, per: 1s}
  - {name: tight, requests: 1, per: 1h}
sources:
  - name: untold
    schedule: "@hourly"
    notify: []
    request: {url: https://api.example.com/}
  - name: open
    schedule: "@every 10m"
    rate_limit: tight
    event_type: shop.order
    detect: {events: [created]}
    auth: {type: bearer, token: x}
    request: {url: http://api.example.com/}
  - name: local
    schedule: "@hourly"
    auth: {type: bearer, token: x}
    request: {url: "http://[::1]:8080/"}
endpoints:
  - name: ops
    url: http://hooks.example.com/
    secrets: [`+goodSecret+`, {value: `+otherSecret+`, until: 2024-01-01T00:00:00+02:00}]
    events: ["shop.*", "shop.order.deleted", "pollwire.source.*", "*.gap", "nothing*"]
`)
	var got []string
	for _, w := range c.Warnings(reference()) {
		got = append(got, w.String())
	}
	want := []string{
		"rate_limits[0]: no enabled source uses the rate limit unused",
		"rate_limits[1]: tight: 1 source wants 144 requests a day, 1 per 1h allow 24: 600 %. It does not fit, so polls will be late or skipped: poll 6 times less often, share the limit among fewer sources, or raise it if the API allows more",
		"sources[0]: nobody is told about untold: its changes are only in the log",
		"sources[1].request.url: the credentials of open are sent without TLS: use https://",
		"endpoints[0].url: the webhooks of ops are signed, but sent readable for others on the way: use https://",
		"endpoints[0].secrets[1]: this secret of ops ended on 2024-01-01: remove it",
		"endpoints[0].events[1]: shop.order.deleted matches no event that a source tells ops",
		"endpoints[0].events[3]: *.gap matches no event that a source tells ops; alerts are told only where a pattern begins with pollwire.",
		"endpoints[0].events[4]: nothing* matches no event that a source tells ops",
		"endpoints[0].retry.schedule: its waits add up to 75h35m5s, but storage.retention.waiting ends a delivery after 24h",
		"endpoints[0].disable_after: ops is disabled after 5d, but storage.retention.waiting ends a delivery after 24h",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := mustParse(t, strings.TrimSpace(minimal)).Warnings(reference()); got != nil {
		t.Errorf("the minimum gives warnings: %v", got)
	}
}

// TestBudgetKnowsPagination takes the pages of a source from its pagination.
func TestBudgetKnowsPagination(t *testing.T) {
	t.Parallel()
	c := mustParse(t, `
sources:
  - name: a
    schedule: "@hourly"
    request: {url: https://api.example.com/orders}
    rate_limit: {requests: 100, per: 1h}
    items: {key: id}
    pagination: {type: header_link, max_pages: 7}
`)
	if use := c.Budget(reference())[0]; use.Wanted != 24*7 {
		t.Errorf("%v requests a day, want %d", use.Wanted, 24*7)
	}
}
