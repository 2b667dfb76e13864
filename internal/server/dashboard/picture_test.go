package dashboard

import (
	"strings"
	"testing"

	"github.com/pollwire/pollwire/internal/server"
)

func TestSparkline(t *testing.T) {
	t.Parallel()
	got := string(sparkline([]int64{0, 1, 1000, 0}))
	for _, want := range []string{
		`viewBox="0 0 16 20"`, `role="img"`, `aria-label="1001 changes in 4 hours, at most 1000 in one"`,
		`<rect class="none" x="0" y="19"`, `<rect x="4" y="17.0" width="3" height="3.0"/>`, `<rect x="8" y="0.0" width="3" height="20.0"/>`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
	for label, counts := range map[string][]int64{
		"no changes in 2 hours": {0, 0}, "1 change in 2 hours": {1, 0}, "no changes in 0 hours": nil,
	} {
		if got := string(sparkline(counts)); !strings.Contains(got, `aria-label="`+label+`"`) {
			t.Errorf("%v: %s", counts, got)
		}
	}
}

func TestLimitMeter(t *testing.T) {
	t.Parallel()
	l := server.Limit{Requests: 5000, Used: 1250, Left: 3250, Reserve: 500}
	got := string(limitMeter(&l))
	for _, want := range []string{
		`aria-label="1250 of 5000 requests used, 3250 left, 500 kept for others"`,
		`<rect class="ok" x="0.0" width="250.0"`, `<rect class="left" x="250.0" width="650.0"`, `<rect class="reserve" x="900.0" width="100.0"`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
	for _, test := range []struct {
		limit server.Limit
		tone  string
	}{
		{server.Limit{Requests: 10, Used: 7, Left: 3}, toneOK},
		{server.Limit{Requests: 10, Used: 8, Left: 2}, toneWarn},
		{server.Limit{Requests: 10, Used: 10}, toneBad},
		{server.Limit{Requests: 10, Used: 8, Reserve: 2}, toneBad},
		// What another daemon used, or an older configuration allowed, may be more.
		{server.Limit{Requests: 10, Used: 25, Left: -15}, toneBad},
		{server.Limit{}, toneBad},
	} {
		if got := limitTone(&test.limit); got != test.tone {
			t.Errorf("%+v: %s, want %s", test.limit, got, test.tone)
		}
		if svg := string(limitMeter(&test.limit)); strings.Contains(svg, `width="-`) || strings.Contains(svg, "2500.0") || strings.Contains(svg, "NaN") {
			t.Errorf("%+v: %s", test.limit, svg)
		}
	}
}

func TestSuccess(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		count, failed int
		rate          string
	}{
		{0, 0, "–"}, {10, 0, "100 %"}, {3, 1, "66.6 %"}, {100_000, 1, "99.9 %"}, {4, 4, "0.0 %"},
	} {
		a := server.AttemptStats{Count: test.count, Failed: test.failed}
		if got := successRate(&a); got != test.rate {
			t.Errorf("%+v: %s", a, got)
		}
	}
	got := string(successMeter(&server.AttemptStats{Count: 4, Failed: 1}))
	if !strings.Contains(got, `aria-label="3 of 4 attempts succeeded"`) || !strings.Contains(got, `<rect class="bad" x="750.0" width="250.0"`) {
		t.Error(got)
	}
	if got := string(drawMeter(`<"&>`)); !strings.Contains(got, `aria-label="&lt;&#34;&amp;&gt;"`) {
		t.Error(got)
	}
}
