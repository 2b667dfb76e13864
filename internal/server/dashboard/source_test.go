package dashboard

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/server"
)

func TestSourceLooksWell(t *testing.T) {
	t.Parallel()
	b := browse(t, serve(t, newFake()))
	for _, name := range []string{"orders", "inventory-eu", "price-feed", "supplier-catalogue", "warehouse-legacy"} {
		b.judge("/sources/"+name, "source-"+name)
	}
}

// TestSourceIsSteeredByItsPage presses its buttons.
func TestSourceIsSteeredByItsPage(t *testing.T) {
	t.Parallel()
	f := newFake()
	b := browse(t, serve(t, f))
	b.visit("/sources/orders")
	for _, step := range []struct{ button, call, says, state string }{
		{`form[action$="/poll"] button`, "poll source/orders", "orders is polled now.", "ok"},
		{`form[action$="/pause"] button`, "pause source/orders", "orders is paused", "paused"},
		{`form[action$="/resume"] button`, "resume source/orders", "orders is polled again.", "ok"},
	} {
		b.click(step.button)
		if got := f.taken(); !slices.Equal(got, []string{step.call}) {
			t.Errorf("%s did %v", step.button, got)
		}
		if got := b.path(); got != "/sources/orders" {
			t.Errorf("%s leads to %s", step.button, got)
		}
		if got := b.text(".flash"); !strings.Contains(got, step.says) {
			t.Errorf("%s says %q", step.button, got)
		}
		if got := b.text("#state"); got != step.state {
			t.Errorf("after %s it is %s", step.button, got)
		}
	}
	b.visit("/sources/inventory-eu")
	b.do(clicking("#trouble summary"))
	b.click(`form[action$="/accept"] button`)
	if got := f.taken(); !slices.Equal(got, []string{"accept source/inventory-eu"}) {
		t.Errorf("accept did %v", got)
	}
}

// TestTimelineGoesBack turns its pages to the first change.
func TestTimelineGoesBack(t *testing.T) {
	t.Parallel()
	f := newFake()
	var ids []string
	for path, pages := "/sources/orders", 0; path != ""; pages++ {
		if pages > 5 {
			t.Fatal("the timeline has no end")
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.SetPathValue("name", "orders")
		v, err := New(Options{Controller: f}).source(r)
		if err != nil {
			t.Fatal(err)
		}
		page, ok := v.Page.(*sourceView)
		if !ok || page.Earlier != (pages > 0) {
			t.Fatalf("page %d is %+v", pages, v.Page)
		}
		for _, e := range page.Events {
			ids = append(ids, e.ID)
		}
		path = page.Pager.After
	}
	if sorted := slices.IsSortedFunc(ids, func(a, b string) int { return strings.Compare(b, a) }); len(ids) != 43 || !sorted {
		t.Errorf("%d changes, the newest first: %t", len(ids), sorted)
	}
}

func TestSourceThatIsNoneIsSaidSo(t *testing.T) {
	t.Parallel()
	if got := ask(t, newFake(), http.MethodGet, "/sources/none", ""); got.StatusCode != http.StatusNotFound {
		t.Errorf("no such source: %d", got.StatusCode)
	}
	if got := ask(t, newFake(), http.MethodGet, "/sources/orders?before=x", ""); got.StatusCode != http.StatusBadRequest {
		t.Errorf("no such cursor: %d", got.StatusCode)
	}
}

func TestPollsAreSummedUp(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var polls []server.Poll
	for i := range 100 {
		p := server.Poll{At: at.Add(-time.Duration(i) * time.Minute), DurationMS: int64(100 + i), Outcome: server.PollUnchanged}
		if i%10 == 0 {
			p.Outcome = server.PollFailed
		}
		polls = append(polls, p)
	}
	polls[3].DurationMS = 1 << 40
	for _, i := range []int{0, 1, 2, listedPolls - 1, listedPolls, listedPolls + 1} {
		polls[i].Error = "timeout"
	}
	v := newPolls(polls)
	if v.Count != 100 || v.Failed != 10 || len(v.First) != listedPolls || len(v.Rest) != 100-listedPolls || v.Usual < 140 || v.Usual > 160 {
		t.Errorf("%+v", v)
	}
	if v.First[0].Same || !v.First[1].Same || !v.First[2].Same || v.First[3].Same || v.Rest[0].Same || !v.Rest[1].Same {
		t.Error("a reason is not said where it is first seen, or again below")
	}
	if len(v.Picture.Bars) != drawnPolls {
		t.Errorf("%d bars", len(v.Picture.Bars))
	}
	for _, bar := range v.Picture.Bars {
		if bar.Y < 0 || bar.Y+bar.Height > activityHeight || bar.X < 0 || bar.X > float64(v.Picture.Width) {
			t.Errorf("a bar sticks out: %+v", bar)
		}
	}
	if last := v.Picture.Bars[drawnPolls-1]; last.Class != "bar bad" || last.Title != "03:04:05, failed, 100 ms" {
		t.Errorf("the newest is %+v", last)
	}
	if none := newPolls(nil); none.Count != 0 || none.Usual != 0 || len(none.Picture.Bars) != 0 {
		t.Errorf("of none: %+v", none)
	}
	if one := newPolls([]server.Poll{{}}); len(one.Picture.Bars) != 1 || len(one.Rest) != 0 {
		t.Errorf("of one: %+v", one)
	}
}
