package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/server"
)

// TestLookAndReplay goes through the commands that look at what was told, and
// those that tell it again.
func TestLookAndReplay(t *testing.T) {
	t.Parallel()
	s := newSetup(t, before)
	s.baseline(t)
	s.runDaemon(t)
	run := func(line string) result {
		return pollwire(t, append(strings.Fields(line), "-c", s.config)...)
	}
	run("pause endpoint/you").want(t, exitOK, "endpoint you is paused; its deliveries wait until it is resumed\n")
	s.api.says(http.StatusOK, after)
	s.awaitPolls(t, 4)
	run("endpoints").want(t, exitOK, "NAME", "paused", "http://127.0.0.1:")
	run("endpoints --json").want(t, exitOK, `"name":"you"`, `"paused":true`)
	run("deliveries --state waiting").want(t, exitOK, "ENDPOINT", "waiting", "shop.order.")
	run("deliveries --state dead").want(t, exitOK, "ENDPOINT")
	run("deliveries 1").want(t, exitOK, "delivery 1 to you: waiting\n", "endpoint \"you\" is paused: its deliveries wait until 'pollwire resume endpoint/you'\n")
	run("deliveries 1 --json").want(t, exitOK, `{"id":1,`)
	run("deliveries --state lost").want(t, exitUsage, "! --state must be waiting, delivered, dead or superseded")
	run("deliveries x").want(t, exitUsage, "! wants the number of a delivery")
	run("events --after beginning").want(t, exitOK, "evt_", "shop.order.")
	run("events -n 1 --json").want(t, exitOK, `"specversion":"1.0"`)
	run("events --after nothing").want(t, exitFailed, "! is no cursor")
	run("events -n 5000").want(t, exitUsage, "! --limit must be from 1 to 1000")
	run("test you").want(t, exitOK, "test_", " to you: 204 in ")
	s.hooks.next(t)
	run("test nobody").want(t, exitFailed, `! there is no endpoint "nobody"`)
	run("resume endpoint/you").want(t, exitOK, "endpoint you is enabled\n")
	s.hooks.next(t)
	s.hooks.next(t)
	run("replay --endpoint you --since 1h").want(t, exitOK, "rpl_", " to tell again") // what still waits to be recorded is not told again
	eventually(t, "all to be recorded as delivered", func() bool {
		return strings.Count(run("deliveries --state delivered").stdout, "shop.order.") >= 2 &&
			!strings.Contains(run("deliveries --state waiting").stdout, "shop.order.")
	})
	run("pause endpoint/you").want(t, exitOK)
	run("replay --endpoint you").want(t, exitOK, "rpl_", "2 events to tell again, 2 of them wait", "! endpoint \"you\" is paused: its deliveries wait until")
	run("replay --endpoint nobody").want(t, exitFailed, "! there is no endpoint \"nobody\"")
	run("replay --since yesterday").want(t, exitUsage, `! --since: "yesterday" is no time`)
}

// TestFollowedLogOutlastsTheDaemon and goes on where it was, without a gap.
func TestFollowedLogOutlastsTheDaemon(t *testing.T) {
	t.Parallel()
	s := newSetup(t, before)
	s.baseline(t)
	daemon := s.runDaemon(t)
	follower := start(t, "events", "--follow", "--after", "beginning", "-c", s.config)
	s.api.says(http.StatusOK, after)
	s.hooks.next(t)
	s.hooks.next(t)
	follower.stdout.await(t, "shop.order.updated", "shop.order.created")
	if code := daemon.stop(t); code != exitOK {
		t.Fatalf("the daemon ended with %d", code)
	}
	follower.stderr.await(t, "no daemon answers on", "going on when it is back")
	s.api.says(http.StatusOK, before)
	s.runDaemon(t)
	if told := follower.stdout.await(t, "shop.order.deleted"); strings.Count(told, "shop.order.created") != 1 {
		t.Errorf("printed %s", told)
	}
	if code := follower.stop(t); code != exitOK {
		t.Errorf("ended with %d", code)
	}
}

// TestRefusedTestSaysWhy, in the receiver's own words.
func TestRefusedTestSaysWhy(t *testing.T) {
	t.Parallel()
	s := newSetup(t, before)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "no_such\x1b[31m_channel", http.StatusNotFound)
	}))
	defer receiver.Close()
	s.change(t, s.hooks.url, receiver.URL)
	s.runDaemon(t)
	pollwire(t, "test", "you", "-c", s.config).want(t, exitFailed, "! test you: answered 404 Not Found; it said: no_such [31m_channel")
}

// TestTokenIsAskedFor by the name of its flag.
func TestTokenIsAskedFor(t *testing.T) {
	t.Parallel()
	daemon := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte("{}")) // the client may have gone
	}))
	defer daemon.Close()
	for _, token := range []string{"", "hidden-token"} {
		args := []string{"endpoints", "--url", daemon.URL, "--token", token}
		says := map[string]string{"": "asks for its server.token: give it with --token", "hidden-token": "another server.token than the one of --token"}[token]
		got := pollwire(t, args...)
		if got.want(t, exitFailed, "! "+says); strings.Contains(got.stderr, "hidden-token") {
			t.Errorf("told %s", got.stderr)
		}
	}
}

func TestMoments(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"36h":                       now.Add(-36 * time.Hour),
		"2026-01-01T00:00:00+01:00": time.Date(2025, 12, 31, 23, 0, 0, 0, time.UTC),
		"2026-01-01":                time.Date(2026, 1, 1, 0, 0, 0, 0, time.Local),
	} {
		if got, err := parseMoment(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	if got, err := parseMoment("", now); got != nil || err != nil {
		t.Errorf("nothing: %v, %v", got, err)
	}
}

func TestCellsDoNotSteerTheTerminal(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"a\x1b[31mb\n": "a [31mb ",
		"\u202e":       "-",
		"":             "-",
		"ä 7":          "ä 7",
	} {
		if got := cell(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if got := cell(strings.Repeat("ä", 100)); got != strings.Repeat("ä", maxCell-1)+"…" {
		t.Errorf("long: %q", got)
	}
}

func TestProgressBar(t *testing.T) {
	t.Parallel()
	got := progressBar(&server.Replay{Progress: 0.5, Told: 4, Waiting: 2})
	if want := "[===============               ]  50%, 4 told, 2 of them wait   "; got != want {
		t.Errorf("%q", got)
	}
}
