package client_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/server/client"
)

func TestClientSpeaksTheAPI(t *testing.T) {
	t.Parallel()
	for name, c := range start(t) {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			if err := c.AcceptRemoval(ctx, known); err != nil {
				t.Error(err)
			}
			if err := c.Poll(ctx, known); err != nil {
				t.Error(err)
			}
			preview, err := c.Preview(ctx, known)
			want := &server.Preview{Source: known, Outcome: server.Failed, Reason: "503", Webhooks: []server.Webhook{}}
			if diff := cmp.Diff(want, preview); diff != "" || err != nil {
				t.Errorf("preview: %v\n%s", err, diff)
			}
			endpoint, err := c.ChangeEndpoint(ctx, known, server.Disable)
			if diff := cmp.Diff(server.Endpoint{Name: known, Reason: "disable"}, endpoint); diff != "" || err != nil {
				t.Errorf("disable: %v\n%s", err, diff)
			}
			envelope, err := c.Event(ctx, known)
			if string(envelope) != `{"n":9007199254740993}` || err != nil {
				t.Errorf("event %s: %v", envelope, err)
			}
			page, err := c.Events(ctx, &server.EventQuery{After: "a&", Source: "s ", Type: "t.*", Limit: 9, Wait: 3 * time.Second})
			wantPage := &server.EventPage{Next: "7", More: true, Events: []server.LoggedEvent{
				{Cursor: "evt_7", Envelope: json.RawMessage(`{"id":"evt_7","n":9007199254740993,"q":"a&s t.*9 false false 3s"}`)},
			}}
			if diff := cmp.Diff(wantPage, page); diff != "" || err != nil {
				t.Errorf("events: %v\n%s", err, diff)
			}
			page, err = c.Events(ctx, &server.EventQuery{Endpoint: known, Limit: 2, Newest: true})
			if err != nil || !strings.Contains(string(page.Events[0].Envelope), known+"2 true false 0s") {
				t.Errorf("events of an endpoint: %v, %+v", err, page)
			}
			page, err = c.Events(ctx, &server.EventQuery{Limit: 2, NewestFirst: true})
			if err != nil || !strings.Contains(string(page.Events[0].Envelope), "2 true true 0s") {
				t.Errorf("events, newest first: %v, %+v", err, page)
			}
		})
	}
}

func TestClientSpeaksOfSources(t *testing.T) {
	t.Parallel()
	for name, c := range start(t) {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			if list, err := c.Sources(ctx); err != nil || len(list) != 1 || list[0].Name != known {
				t.Errorf("sources %+v: %v", list, err)
			}
			if s, err := c.Source(ctx, known); err != nil || s.State != server.SourceNew {
				t.Errorf("source %+v: %v", s, err)
			}
			if polls, err := c.Polls(ctx, known); err != nil || len(polls) != 1 || polls[0].Status != 200 {
				t.Errorf("polls %+v: %v", polls, err)
			}
			snapshot, err := c.Snapshot(ctx, server.SnapshotQuery{Source: known, Version: 5, Page: 2})
			if err != nil || snapshot.Version != 5 || snapshot.Pages != 2 || snapshot.Format != "json" || string(snapshot.Body) != "{"+known+" 5 2}" {
				t.Errorf("snapshot %+v: %v", snapshot, err)
			}
			for _, change := range []server.SourceChange{server.PauseSource, server.ResumeSource} {
				if s, err := c.ChangeSource(ctx, known, change); err != nil || s.Reason != string(change) {
					t.Errorf("%s: %+v, %v", change, s, err)
				}
			}
			if list, err := c.Limits(ctx); err != nil || len(list) != 1 || list[0].Name != "github" {
				t.Errorf("limits %+v: %v", list, err)
			}
			if list, err := c.Nodes(ctx); err != nil || len(list) != 1 || list[0].Name != "box" {
				t.Errorf("nodes %+v: %v", list, err)
			}
			if n, err := c.Node(ctx, known); err != nil || n.ID != known || len(n.Leases) != 1 {
				t.Errorf("node %+v: %v", n, err)
			}
		})
	}
}

func TestClientSpeaksOfDeliveries(t *testing.T) {
	t.Parallel()
	for name, c := range start(t) {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			if list, err := c.Endpoints(ctx); err != nil || len(list) != 1 || list[0].Name != known {
				t.Errorf("endpoints %+v: %v", list, err)
			}
			for _, change := range []server.EndpointChange{server.Pause, server.Resume} {
				if e, err := c.ChangeEndpoint(ctx, known, change); err != nil || e.Reason != string(change) {
					t.Errorf("%s: %+v, %v", change, e, err)
				}
			}
			if test, err := c.TestEndpoint(ctx, known); err != nil || test.ID != "test_1" {
				t.Errorf("test %+v: %v", test, err)
			}
			page, err := c.Deliveries(ctx, client.DeliveryQuery{State: "dead", Endpoint: "a&b", Event: "evt_1", After: "9", Limit: 3})
			if err != nil || page.Next != "8" || page.Deliveries[0].Event != "{dead a&b evt_1 9 3}" {
				t.Errorf("deliveries %+v: %v", page, err)
			}
			if d, err := c.Delivery(ctx, 7); err != nil || d.ID != 7 {
				t.Errorf("delivery %+v: %v", d, err)
			}
			if d, err := c.RetryDelivery(ctx, 7); err != nil || d.ID != 8 {
				t.Errorf("retry %+v: %v", d, err)
			}
			since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
			ask := server.ReplayRequest{Endpoint: known, Since: &since, Dead: true}
			replay, err := c.StartReplay(ctx, &ask)
			if diff := cmp.Diff(&server.Replay{ID: "rpl_1", ReplayRequest: ask}, replay); diff != "" || err != nil {
				t.Errorf("replay: %v\n%s", err, diff)
			}
			if r, err := c.Replay(ctx, "rpl_1"); err != nil || r.Progress != 0.5 {
				t.Errorf("replay %+v: %v", r, err)
			}
		})
	}
}

func TestProblemsBecomeErrors(t *testing.T) {
	t.Parallel()
	c := start(t)["socket"]
	_, refused := c.ChangeEndpoint(t.Context(), known, server.Enable)
	_, noPreview := c.Preview(t.Context(), "x")
	_, noEvent := c.Event(t.Context(), "x")
	_, noSource := c.Source(t.Context(), "x")
	_, noPolls := c.Polls(t.Context(), "x")
	_, noPause := c.ChangeSource(t.Context(), "x", server.PauseSource)
	for _, tc := range []struct {
		name   string
		err    error
		status int
		detail string
	}{
		{"accept", c.AcceptRemoval(t.Context(), "x"), 404, `there is no source "x"`},
		{"poll", c.Poll(t.Context(), "x"), 404, `there is no source "x"`},
		{"preview", noPreview, 404, `there is no source "x"`},
		{"event", noEvent, 404, `there is no event "x" in the log; it may have been removed by retention`},
		{"source", noSource, 404, `there is no source "x"`},
		{"polls", noPolls, 404, `there is no source "x"`},
		{"pause", noPause, 404, `there is no source "x"`},
		{"refusal", refused, 409, "the configuration disables it"},
	} {
		problem, ok := errors.AsType[*server.Problem](tc.err)
		if !ok || problem.Status != tc.status || tc.err.Error() != tc.detail {
			t.Errorf("%s: error %v (%+v), want %d %s", tc.name, tc.err, problem, tc.status, tc.detail)
		}
	}
}

func TestNamesThatAreNoneAreNotSent(t *testing.T) {
	t.Parallel()
	c := start(t)["socket"]
	for _, name := range []string{"", ".", ".."} {
		if err := c.Poll(t.Context(), name); err == nil || !strings.Contains(err.Error(), "is no name") {
			t.Errorf("%q: error %v", name, err)
		}
	}
}

func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s")
	err := newClient(t, client.Options{Socket: path}).Poll(t.Context(), "x")
	if !errors.Is(err, client.ErrNotRunning) || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v", err)
	}
}

func TestWrongToken(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Authorization"); got != "Bearer wrong" {
			t.Errorf("Authorization: %s", got)
		}
		w.Header().Set("Content-Type", "application/problem+json; charset=utf-8")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"title":"Unauthorized","status":401,"detail":""}`)
	}))
	defer srv.Close()
	err := newClient(t, client.Options{URL: srv.URL, Token: "wrong"}).Poll(t.Context(), "x")
	if err == nil || err.Error() != "401 Unauthorized" {
		t.Errorf("error %v", err)
	}
}

func TestAnswersThatAreNotPollwires(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		answer func(w http.ResponseWriter)
		want   string
	}{
		{"proxy error", func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusBadGateway)
			_, _ = io.WriteString(w, "<html>")
		}, "answered 502 Bad Gateway, which is not pollwire's"},
		{"redirect", func(w http.ResponseWriter) {
			w.Header().Set("Location", "https://evil.example/")
			w.WriteHeader(http.StatusTemporaryRedirect)
		}, "answered 307 Temporary Redirect, which is not pollwire's"},
		{"problem that is no JSON", func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, "{")
		}, "answered 404 Not Found, which is not pollwire's"},
		{"page", func(w http.ResponseWriter) { _, _ = io.WriteString(w, "<html>") }, "decode the daemon's answer"},
		{"half an answer", func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "9")
			_, _ = io.WriteString(w, "{")
		}, "read the daemon's answer: unexpected EOF"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { tc.answer(w) }))
			defer srv.Close()
			_, err := newClient(t, client.Options{URL: srv.URL}).Preview(t.Context(), "x")
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
}

func TestURLsOfNoUse(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{"localhost:8470", "ftp://x", "http://", "http://user:pw@x", "http://x?y=1", "http://[", "/v1"} {
		c, err := client.New(client.Options{URL: raw})
		if err == nil {
			t.Errorf("%s was taken", raw)
			c.Close()
		} else if strings.Contains(err.Error(), "pw@") {
			t.Errorf("told the password: %v", err)
		}
	}
}
