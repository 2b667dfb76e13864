package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/store"
)

var _ server.Subscriptions = (*subscriptions)(nil)

// subscriptions notes what it is asked for, and answers with what it was given.
type subscriptions struct {
	err     error
	created bool

	mu    sync.Mutex
	calls []string
}

func (s *subscriptions) call(what string, with any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, fmt.Sprintf("%s %+v", what, with))
	return s.err
}

func (s *subscriptions) taken() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := s.calls
	s.calls = nil
	return calls
}

func (s *subscriptions) Subscribe(_ context.Context, n server.NewSubscription) (server.Subscription, bool, error) {
	made := exampleSubscription()
	if s.created {
		made.Secret = "whsec_made"
	}
	return made, s.created, s.call("subscribe", n)
}

func (s *subscriptions) Subscriptions(context.Context) ([]server.Subscription, error) {
	return []server.Subscription{exampleSubscription(), {ID: "sub_2", CreatedAt: exampleTime, Problem: "no key"}}, s.call("list", "")
}

func (s *subscriptions) Subscription(_ context.Context, id string) (server.Subscription, error) {
	return exampleSubscription(), s.call("get", id)
}

func (s *subscriptions) Unsubscribe(_ context.Context, id string) error { return s.call("end", id) }

func exampleSubscription() server.Subscription {
	return server.Subscription{
		ID: "sub_1", URL: "https://hooks.example.com/...", Sources: []string{"orders"}, Events: []string{"shop.*"},
		Filter: "item.n > 7", CreatedAt: exampleTime,
	}
}

const (
	subscriptionTold = `{"id":"sub_1","url":"https://hooks.example.com/...","sources":["orders"],"events":["shop.*"],"filter":"item.n > 7","created_at":"2026-01-02T03:04:05Z"`
	otherTold        = `{"id":"sub_2","url":"","sources":[],"events":[],"created_at":"2026-01-02T03:04:05Z","problem":"no key"}`
)

func TestSubscriptionRoutes(t *testing.T) {
	t.Parallel()
	subs := &subscriptions{}
	addr := start(t, server.Options{Subscriptions: subs}).Addr()
	asked := `{"url":"https://h.example/1","sources":["orders"],"events":["shop.*"],"filter":"item.n > 7","secret":"whsec_own"}`
	for _, tc := range []struct {
		name       string
		created    bool
		question   question
		wantStatus int
		wantBody   string
		wantCalls  []string
	}{
		{
			"made", true,
			question{method: "POST", path: "/v1/subscriptions", body: asked},
			201, subscriptionTold + `,"secret":"whsec_made"}`,
			[]string{"subscribe {URL:https://h.example/1 Sources:[orders] Events:[shop.*] Filter:item.n > 7 Secret:whsec_own}"},
		},
		{
			"there already", false,
			question{method: "POST", path: "/v1/subscriptions", body: `{"url":"https://h.example/1","sources":null}`},
			200, subscriptionTold + "}",
			[]string{"subscribe {URL:https://h.example/1 Sources:[] Events:[] Filter: Secret:}"},
		},
		{"list", false, question{method: "GET", path: "/v1/subscriptions"}, 200, `{"subscriptions":[` + subscriptionTold + "}," + otherTold + `]}`, []string{"list "}},
		{"one", false, question{method: "GET", path: "/v1/subscriptions/sub_1"}, 200, subscriptionTold + "}", []string{"get sub_1"}},
		{"end", false, question{method: "DELETE", path: "/v1/subscriptions/sub_1"}, 204, "", []string{"end sub_1"}},
		{"end with a body", false, question{method: "DELETE", path: "/v1/subscriptions/sub_1", body: `{"any":"thing"}`}, 204, "", []string{"end sub_1"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			subs.created = tc.created
			got := ask(t, addr, tc.question)
			if got.status != tc.wantStatus {
				t.Errorf("status %d, want %d", got.status, tc.wantStatus)
			}
			if diff := cmp.Diff(tc.wantBody, strings.TrimSuffix(got.body, "\n")); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.wantCalls, subs.taken()); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			if got := got.header.Get("Cache-Control"); got != "no-store" {
				t.Errorf("Cache-Control %q", got)
			}
			if got, want := got.header.Get("Location"), "/v1/subscriptions/sub_1"; (got == want) != tc.created {
				t.Errorf("Location %q", got)
			}
		})
	}
}

// TestSubscriptionProblems holds every error of these routes to its exact words.
func TestSubscriptionProblems(t *testing.T) {
	t.Parallel()
	gone := fmt.Errorf("look up: %w", store.ErrNotFound)
	var buf bytes.Buffer
	for _, tc := range []struct {
		name     string
		err      error
		question question
	}{
		{"invalid", fmt.Errorf("add: %w", &server.Refusal{Status: 422, Reason: `sources: there is no source "nope"`}), question{method: "POST", path: "/v1/subscriptions", body: `{}`}},
		{"refused", &server.Refusal{Reason: "set storage.encryption_key"}, question{method: "POST", path: "/v1/subscriptions", body: `{}`}},
		{"internal error", errors.New("disk: secret"), question{method: "POST", path: "/v1/subscriptions", body: `{}`}},
		{"unknown member", nil, question{method: "POST", path: "/v1/subscriptions", body: `{"target_url":"https://h.example"}`}},
		{"wrong type", nil, question{method: "POST", path: "/v1/subscriptions", body: `{"sources":"orders"}`}},
		{"large body", nil, question{method: "POST", path: "/v1/subscriptions", body: `{"url":"` + strings.Repeat("x", 64<<10) + `"}`}},
		{"list fails", errors.New("disk: secret"), question{method: "GET", path: "/v1/subscriptions"}},
		{"no such one", gone, question{method: "GET", path: "/v1/subscriptions/sub_9"}},
		{"no such one to end", gone, question{method: "DELETE", path: "/v1/subscriptions/sub_9"}},
		{"end fails", errors.New("disk: secret"), question{method: "DELETE", path: "/v1/subscriptions/sub_1"}},
		{"wrong method", nil, question{method: "PUT", path: "/v1/subscriptions/sub_1"}},
		{"other origin", nil, question{method: "DELETE", path: "/v1/subscriptions/sub_1", header: headers("Origin", "https://evil.example")}},
	} {
		addr := start(t, server.Options{Subscriptions: &subscriptions{err: tc.err}}).Addr()
		got := ask(t, addr, tc.question)
		if got := got.header.Get("Content-Type"); got != "application/problem+json" {
			t.Errorf("%s: Content-Type %q", tc.name, got)
		}
		fmt.Fprintf(&buf, "# %s\n%d\n%s\n", tc.name, got.status, got.body)
	}
	golden(t, "subscriptions.golden", buf.Bytes())
}

func TestSubscriptionsNeedTheToken(t *testing.T) {
	t.Parallel()
	subs := &subscriptions{}
	addr := start(t, server.Options{Subscriptions: subs, Token: "token"}).Addr()
	for _, q := range []question{
		{method: "POST", path: "/v1/subscriptions", body: `{"url":"https://h.example"}`},
		{method: "GET", path: "/v1/subscriptions"},
		{method: "GET", path: "/v1/subscriptions/sub_1"},
		{method: "DELETE", path: "/v1/subscriptions/sub_1"},
	} {
		if got := ask(t, addr, q); got.status != http.StatusUnauthorized {
			t.Errorf("%s %s: %d", q.method, q.path, got.status)
		}
	}
	if calls := subs.taken(); len(calls) != 0 {
		t.Errorf("calls %v", calls)
	}
	got := ask(t, addr, question{method: "POST", path: "/v1/subscriptions", body: `{"url":"https://h.example"}`, header: headers("Authorization", "Bearer token")})
	var told server.Subscription
	if err := json.Unmarshal([]byte(got.body), &told); err != nil || told.ID != "sub_1" {
		t.Errorf("%d %s: %v", got.status, got.body, err)
	}
}
