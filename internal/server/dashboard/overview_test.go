package dashboard

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/notify"
)

func TestOverviewLooksWell(t *testing.T) {
	t.Parallel()
	browse(t, serve(t, newFake())).judge("/", "overview")
}

func TestOverviewOfADaemonThatIsWell(t *testing.T) {
	t.Parallel()
	browse(t, serve(t, &fake{grown: make(chan struct{})})).judge("/", "overview-empty")
}

// TestOverviewOfADaemonThatIsSick: the page that says so does not fail itself.
func TestOverviewOfADaemonThatIsSick(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	f := &fake{err: errors.New("disk: secret")}
	h := New(Options{
		Controller: f, Logger: slog.New(slog.NewTextHandler(&log, nil)),
		LastReload: func() server.Reload {
			return server.Reload{Number: 2, Errors: []string{"pollwire.yaml:3:1: there is no key \"souces\""}}
		},
		Checks: []server.Check{
			{Name: "database", Func: func(context.Context) error { return errors.New("it is damaged; restore a backup") }},
			{Name: "disk", Warning: true, Func: func(context.Context) error { return errors.New("nearly full") }},
			{Name: "loops", Func: func(context.Context) error { return nil }},
		},
	})
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	page := w.Body.String()
	for _, want := range []string{
		"8 things need attention", "restore a backup", "nearly full", "there is no key &#34;souces&#34;", "It cannot read the endpoints.", "It is not known what waits",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if w.Code != http.StatusOK || strings.Contains(page, "secret") || strings.Contains(page, "loops") || strings.Contains(page, "Nothing waits") {
		t.Errorf("%d %s", w.Code, page)
	}
	if !strings.Contains(log.String(), "secret") {
		t.Errorf("the log does not say why: %s", &log)
	}
	log.Reset()
	r.Header.Set("X-Pollwire-Refresh", "1")
	h.ServeHTTP(httptest.NewRecorder(), r)
	if log.Len() > 0 {
		t.Errorf("a page that stays live fills the log: %s", &log)
	}
}

// TestAlarmsAreBounded shows the worst of many.
func TestAlarmsAreBounded(t *testing.T) {
	t.Parallel()
	s := &standing{limits: newFake().limits}
	for range 100 {
		s.sources = append(s.sources, server.Source{Name: "a", State: server.SourceFailing})
	}
	h := newHealth(s)
	if len(h.Alarms) != shownAlarms || h.MoreAlarms != 101-shownAlarms || h.Tone != toneBad || h.Headline != "101 things need attention" {
		t.Errorf("%+v", h)
	}
	if len(h.MoreAt) != 1 || h.MoreAt[0].Path != "/sources?state=failing" {
		t.Errorf("the others are at %v", h.MoreAt)
	}
	// Sources do not hide what else is wrong.
	for range 100 {
		s.endpoints = append(s.endpoints, server.Endpoint{Name: "e", Enabled: true, Breaker: notify.BreakerOpen})
	}
	s.reload = server.Reload{Number: 1}
	h = newHealth(s)
	var kinds []string
	for i := range h.Alarms {
		kinds = append(kinds, h.Alarms[i].Path)
	}
	want := []string{"/", "/sources/a", "/sources/a", "/sources/a", "/endpoints/e", "/endpoints/e", "/endpoints/e", "/limits"}
	if !slices.Equal(kinds, want) || h.MoreAlarms != 202-shownAlarms || len(h.MoreAt) != 2 {
		t.Errorf("shown are %v, %d more at %v", kinds, h.MoreAlarms, h.MoreAt)
	}
	s = &standing{limits: s.limits}
	if h := newHealth(s); h.Tone != toneWarn || h.Headline != "1 thing needs attention" {
		t.Errorf("%+v", h)
	}
	if h := newHealth(&standing{}); h.Tone != toneInfo {
		t.Errorf("%+v", h)
	}
}

// TestTilesSayWhatIsNotWell: what the configuration turns off is as it should be.
func TestTilesSayWhatIsNotWell(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		standing standing
		want     string
	}{
		{standing{}, "0 all polled|0 none in the log yet|0 nothing is late|0 all well"},
		{
			standing{sources: []server.Source{{State: server.SourceDisabled}, {State: server.SourceFailing}}, endpoints: []server.Endpoint{{}, {Enabled: true, Dead: 1200}}},
			"2 1 failing, 1 disabled|0 none in the log yet|0 1\u202f200 dead|2 all well",
		},
		{
			standing{sources: []server.Source{{State: server.SourceOK}}, endpoints: []server.Endpoint{{Enabled: true, Paused: true, Waiting: 3}}},
			"1 all polled|0 none in the log yet|3 nothing is late|1 1 not well",
		},
	} {
		var got []string
		for _, tile := range tiles(&tc.standing, &overviewView{}) {
			got = append(got, tile.Value+" "+tile.Note)
		}
		if joined := strings.Join(got, "|"); joined != tc.want {
			t.Errorf("%s, want %s", joined, tc.want)
		}
	}
}
