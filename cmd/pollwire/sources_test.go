package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/pollwire/pollwire/internal/server"
)

// TestSourcesAreSteered goes through the commands that look at sources, poll them
// and hold them back.
func TestSourcesAreSteered(t *testing.T) {
	t.Parallel()
	s := newSetup(t, before)
	s.change(t, `"@every 100ms"`, `"@yearly"`)
	s.change(t, "endpoints:", `  - {name: off, schedule: "@hourly", enabled: false, request: {url: "http://127.0.0.1:1"}, rate_limit: {requests: 9, per: 1h, reserve: 2}}
endpoints:`)
	d := s.runDaemon(t)
	run := func(line string) result {
		return pollwire(t, append(strings.Fields(line), "-c", s.config)...)
	}
	await := func(line, says string) {
		t.Helper()
		eventually(t, line+" to say "+says, func() bool { return strings.Contains(run(line).stdout, says) })
	}
	await("sources orders", "baseline")
	run("sources").want(t, exitOK, "NAME    STATE", "off     disabled", "orders  ok")
	run("sources --state failing").want(t, exitOK, "NAME")
	run("sources --state ok --json").want(t, exitOK, `{"name":"orders","state":"ok"`)
	run("limits").want(t, exitOK, "source/off  9 in 1h, 2 reserved  0", "off\n")
	run("limits --json").want(t, exitOK, `{"name":"source/off"`)

	run("pause source/orders").want(t, exitOK, "source orders is paused; it is not polled until it is resumed\n")
	run("trigger orders").want(t, exitFailed, `! source "orders" is paused: resume it first, with 'pollwire resume source/orders'`)
	d.stop(t)
	s.runDaemon(t)
	run("sources orders").want(t, exitOK, "source orders: paused\n", "paused since", "last change:")
	run("resume source/orders").want(t, exitOK, "source orders is polled again, next at ")
	run("resume source/off").want(t, exitOK, "source off is disabled in the configuration (enabled: false), and is not polled\n")

	s.api.says(http.StatusOK, after)
	run("trigger orders").want(t, exitOK, "source orders is polled now; 'pollwire sources orders' shows what comes of it\n")
	s.hooks.next(t)
	s.api.says(http.StatusServiceUnavailable, "")
	run("trigger orders").want(t, exitOK)
	await("sources orders", "failing since")
	shown := run("sources orders").stdout
	if strings.Contains(shown, "hidden") || !strings.Contains(shown, "source orders: failing\nGET http://127.0.0.1:") || !strings.Contains(shown, "changed") {
		t.Errorf("shown %s", shown)
	}
	run("sources orders --json").want(t, exitOK, `"state":"failing"`)
	run("sources nobody").want(t, exitFailed, `! there is no source "nobody"`)
	run("pause source/nobody").want(t, exitFailed, `! there is no source "nobody"`)
	run("trigger off").want(t, exitFailed, `! source "off" is disabled`)
}

func TestBudgetsInWords(t *testing.T) {
	t.Parallel()
	for want, l := range map[string]server.Limit{
		"5000 in 1h":             {Requests: 5000, PerSeconds: 3600},
		"60 in 1m, 10 reserved":  {Requests: 60, PerSeconds: 60, Reserve: 10},
		"1 in 100ms":             {Requests: 1, PerSeconds: 0.1},
		"7 in 1h30m":             {Requests: 7, PerSeconds: 5400},
		"2 in 1m30s, 1 reserved": {Requests: 2, PerSeconds: 90, Reserve: 1},
		"100 in 24h":             {Requests: 100, PerSeconds: 86400},
	} {
		if got := budget(&l); got != want {
			t.Errorf("%+v: %s, want %s", l, got, want)
		}
	}
}
