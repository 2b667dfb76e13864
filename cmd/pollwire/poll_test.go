package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const (
	before = `{"data":[{"id":1,"status":"new"},{"id":2,"status":"new"}]}`
	after  = `{"data":[{"id":1,"status":"paid"},{"id":2,"status":"new"},{"id":3,"status":"new"}]}`
)

// TestPoll asks without a daemon.
func TestPoll(t *testing.T) {
	t.Parallel()
	s := newSetup(t, before)
	poll := func(t *testing.T, more ...string) result {
		t.Helper()
		got := pollwire(t, append([]string{"poll", "orders", "-c", s.config}, more...)...)
		for _, hidden := range []string{"hidden-key", "hidden-token", s.hooks.secret} {
			if strings.Contains(got.stdout+got.stderr, hidden) {
				t.Errorf("%s is printed:\n%s%s", hidden, got.stdout, got.stderr)
			}
		}
		return got
	}
	alone := "! no daemon answers on " + s.database + ".sock, so this command asks by itself."
	asked := "GET " + s.api.url + "/orders?key=…\n"
	for range 2 { // the first changes nothing
		poll(t).want(t, exitOK, alone, asked, "200, application/json, 58 bytes in ", "first look: ")
	}
	poll(t, "--send").want(t, exitOK, "nothing to send\n", alone)

	s.baseline(t)
	poll(t).want(t, exitOK, alone, "nothing changed\n")
	poll(t, "--send").want(t, exitOK, alone, "nothing changed\nnothing to send\n")

	s.api.says(http.StatusOK, after)
	for range 2 {
		poll(t).want(t, exitOK, alone, asked, "2 changes since the last accepted answer\n",
			"webhook 1 of 2, shop.order.updated 1, to you:\n", "webhook 2 of 2, shop.order.created 3, to you:\n",
			`"id": "test_`, `"sequence": "00000000000000000001"`)
	}

	s.change(t, `schedule: "@every 100ms"`, "when: key == \"3\"\n    detect: {events: [updated]}\n    schedule: \"@every 100ms\"")
	poll(t).want(t, exitOK, alone, "shop.order.updated 1, for the log only: when is false:\n", "shop.order.created 3, for the log only: detect.events leaves it out:\n")

	s.api.says(http.StatusServiceUnavailable, "{}")
	poll(t).want(t, exitFailed, alone, asked, "failed: the state stays as it is\n", "! pollwire: poll orders: ", "! answered 503 Service Unavailable")
	select {
	case w := <-s.hooks.told:
		t.Errorf("told: %s", w.body)
	default:
	}
}

func TestPollThroughTheDaemon(t *testing.T) {
	t.Parallel()
	s := newSetup(t, before)
	s.baseline(t)
	// The daemon shall not poll by itself: the run that was saved would still be
	// made, whatever the schedule is now, and accept the change.
	s.change(t, `schedule: "@every 100ms"`, "enabled: false\n    schedule: \"@yearly\"")
	s.change(t, `listen: ""`, `listen: "127.0.0.1:0", token: hidden-access`)
	d := s.runDaemon(t)
	s.api.says(http.StatusOK, after)

	got := pollwire(t, "poll", "orders", "-c", s.config)
	got.want(t, exitOK, "2 changes since the last accepted answer\n")
	if strings.Contains(got.stdout, "hidden") {
		t.Errorf("a secret is printed:\n%s", got.stdout)
	}
	_, listen, _ := strings.Cut(d.stderr.String(), "listen=")
	url := "http://" + strings.TrimSpace(strings.SplitN(listen, "\n", 2)[0])
	pollwire(t, "poll", "orders", "-c", s.config, "--url", url, "--token", "hidden-access").
		want(t, exitOK, "2 changes since the last accepted answer\n")
	got = pollwire(t, "poll", "orders", "-c", s.config, "--url", url, "--token", "wrong")
	got.want(t, exitFailed, "! token")
	if got.stdout != "" {
		t.Errorf("stdout: %s", got.stdout)
	}

	s.api.says(http.StatusInternalServerError, "{}")
	pollwire(t, "poll", "orders", "-c", s.config).want(t, exitFailed, "failed: ", "! pollwire: poll orders: ", "! answered 500 Internal Server Error")
	if code := d.stop(t); code != exitOK {
		t.Errorf("the daemon ended with %d", code)
	}
}

func TestPollSend(t *testing.T) {
	t.Parallel()
	s := newSetup(t, before)
	s.baseline(t)
	s.api.says(http.StatusOK, after)
	judge, err := standardwebhooks.NewWebhook(s.hooks.secret)
	if err != nil {
		t.Fatal(err)
	}
	got := pollwire(t, "poll", "orders", "-c", s.config, "--send")
	got.want(t, exitOK, " to you: 204 in ", "! asks by itself")
	for _, subject := range []string{"1", "3"} {
		w := s.hooks.next(t)
		if err := judge.Verify(w.body, w.header); err != nil {
			t.Error(err)
		}
		var e struct{ ID, Subject string }
		if err := json.Unmarshal(w.body, &e); err != nil {
			t.Fatal(err)
		}
		if id := w.header.Get("webhook-id"); !strings.HasPrefix(id, "test_") || id != e.ID || e.Subject != subject {
			t.Errorf("webhook-id %s, id %s, subject %s; want test_…, twice, and %s", id, e.ID, e.Subject, subject)
		}
		if !strings.Contains(got.stdout, e.ID+" to you: 204") {
			t.Errorf("%s is not reported:\n%s", e.ID, got.stdout)
		}
	}
	pollwire(t, "poll", "orders", "-c", s.config).want(t, exitOK, "2 changes since", "! asks by itself")

	s.change(t, s.hooks.url, "http://127.0.0.1:1")
	pollwire(t, "poll", "orders", "-c", s.config, "--send").
		want(t, exitFailed, "connection refused", "! 2 of 2 test webhooks were not delivered")
}

func TestPollOfUnknownSource(t *testing.T) {
	t.Parallel()
	s := newSetup(t, before)
	got := pollwire(t, "poll", "oders", "-c", s.config)
	got.want(t, exitFailed, `! there is no source "oders" in `+s.config+"; it has: orders\n")
	if _, err := os.Stat(s.database); !os.IsNotExist(err) {
		t.Errorf("a database was made for nothing: %v", err)
	}
}

// TestPollOfSourceUnknownToTheDaemon: the file was edited since the daemon started.
func TestPollOfSourceUnknownToTheDaemon(t *testing.T) {
	t.Parallel()
	s := newSetup(t, before)
	s.runDaemon(t)
	s.change(t, "name: orders", "name: renamed")
	pollwire(t, "poll", "renamed", "-c", s.config).
		want(t, exitFailed, `! the running daemon knows no source "renamed"; if `+s.config+` has it, 'pollwire reload' has the daemon take it`)
}

// TestPollBesideAHiddenDaemon: a daemon that has no socket holds the database.
func TestPollBesideAHiddenDaemon(t *testing.T) {
	t.Parallel()
	s := newSetup(t, before)
	deep := filepath.Join(s.dir, strings.Repeat("d", 120))
	if err := os.Mkdir(deep, 0o700); err != nil {
		t.Fatal(err)
	}
	s.change(t, s.database, filepath.Join(deep, "p.db"))
	d := s.runDaemon(t)
	d.stderr.await(t, "commands cannot reach this daemon: the path of its socket is too long")
	pollwire(t, "poll", "orders", "-c", s.config).
		want(t, exitFailed, "! has no socket to be reached by", "! asks by itself", "! is in use by pollwire")
	pollwire(t, "accept", "orders", "-c", s.config).
		want(t, exitFailed, "! has no socket to be reached by: its path would be longer than 107 bytes", "! --url")
}
