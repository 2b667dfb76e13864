package subscription_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"

	"github.com/pollwire/pollwire/internal/subscription"
)

func TestReceiverIsCheckedFirst(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.options.Verify = true
	b.receivers.refuses = errors.New("address 169.254.169.254 (cloud metadata) is refused")
	b.restart(t)
	_, err := b.Add(t.Context(), subscription.Request{URL: hook})
	var invalid *subscription.Invalid
	if !errors.As(err, &invalid) || err.Error() != "url: address 169.254.169.254 (cloud metadata) is refused" {
		t.Errorf("error %v", err)
	}
	if len(b.receivers.challenged) != 0 || len(b.List()) != 0 {
		t.Errorf("challenged %v, listed %v", b.receivers.challenged, b.List())
	}
}

func TestNobodyIsChallengedUnasked(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.mustAdd(t, subscription.Request{URL: hook})
	if len(b.receivers.challenged) != 0 || len(b.receivers.checked) != 1 {
		t.Errorf("challenged %v, checked %v", b.receivers.challenged, b.receivers.checked)
	}
}

func TestChallenge(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answers func(string) string
		passes  bool
	}{
		"text":              {func(c string) string { return c }, true},
		"text with newline": {func(c string) string { return " " + c + "\r\n" }, true},
		"JSON string":       {func(c string) string { return `"` + c + `"` }, true},
		"object":            {func(c string) string { return `{"challenge": "` + c + `"}` }, true},
		"larger object":     {func(c string) string { return `{"ok": true, "challenge": "` + c + `"}` }, true},
		"nothing":           {func(string) string { return "" }, false},
		"ok":                {func(string) string { return "ok" }, false},
		"object without it": {func(string) string { return "{}" }, false},
		"in another place":  {func(c string) string { return `{"data": {"challenge": "` + c + `"}}` }, false},
		"as part of a page": {func(c string) string { return "<p>" + c + "</p>" }, false},
		"half of it":        {func(c string) string { return c[:len(c)/2] }, false},
	} {
		b := newBench(t)
		b.options.Verify = true
		b.receivers.answers = tc.answers
		b.restart(t)
		added, err := b.Add(t.Context(), subscription.Request{URL: hook})
		var invalid *subscription.Invalid
		if tc.passes && (err != nil || !added.Created) {
			t.Errorf("%s: %v", name, err)
		}
		if !tc.passes && (!errors.As(err, &invalid) || !strings.Contains(err.Error(), "did not echo the challenge")) {
			t.Errorf("%s: %v", name, err)
		}
		if len(b.List()) == 1 != tc.passes {
			t.Errorf("%s: listed %v", name, b.List())
		}
	}
}

// TestEchoIsNoAnswer: a server that sends back whatever it gets has not agreed
// to anything.
func TestEchoIsNoAnswer(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.options.Verify = true
	b.receivers.answers = func(string) string {
		b.receivers.mu.Lock()
		defer b.receivers.mu.Unlock()
		return string(b.receivers.challenged[0].body)
	}
	b.restart(t)
	if _, err := b.Add(t.Context(), subscription.Request{URL: hook}); err == nil {
		t.Error("it was taken for an answer")
	}
}

// TestChallengeIsAWebhook: a receiver reads it as it will read all others.
func TestChallengeIsAWebhook(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.options.Verify = true
	b.restart(t)
	added := b.mustAdd(t, subscription.Request{URL: hook})
	b.mustAdd(t, subscription.Request{URL: hook + "2"})
	first, second := b.receivers.challenged[0], b.receivers.challenged[1]
	if first.endpoint.Name != added.ID || first.endpoint.URL != hook || sign(first.endpoint.Secret) == "" {
		t.Errorf("endpoint %+v", first.endpoint)
	}
	var event cloudevents.Event
	if err := event.UnmarshalJSON(first.body); err != nil {
		t.Fatal(err)
	}
	if err := event.Validate(); err != nil || event.ID() != first.id || !strings.HasPrefix(first.id, "test_") ||
		event.Type() != "pollwire.endpoint.challenge" || event.Source() != "/endpoints/"+added.ID {
		t.Errorf("event %v: %v", event, err)
	}
	texts := make(map[string]bool)
	for _, c := range []challenged{first, second} {
		var event struct {
			Data struct{ Name, Challenge string }
		}
		if err := json.Unmarshal(c.body, &event); err != nil {
			t.Fatal(err)
		}
		texts[event.Data.Challenge] = true
		if event.Data.Name != c.endpoint.Name || len(event.Data.Challenge) < 26 {
			t.Errorf("data %+v", event.Data)
		}
	}
	if len(texts) != 2 {
		t.Error("two challenges are the same")
	}
}

func TestChallengeThatFails(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.options.Verify = true
	b.receivers.fails = errors.New("answered 404 Not Found")
	b.restart(t)
	_, err := b.Add(t.Context(), subscription.Request{URL: hook})
	var invalid *subscription.Invalid
	if !errors.As(err, &invalid) || err.Error() != "url: the receiver was asked to echo a challenge: answered 404 Not Found" {
		t.Errorf("error %v", err)
	}
}

// TestClientThatLeavesEndsTheChallenge: nobody would learn of the subscription.
func TestClientThatLeavesEndsTheChallenge(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.options.Verify = true
	gone := errors.New("the client has gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	b.receivers.during = func(context.Context) { cancel(gone) }
	b.restart(t)
	if _, err := b.Add(ctx, subscription.Request{URL: hook}); !errors.Is(err, gone) {
		t.Errorf("error %v", err)
	}
	if len(b.List()) != 0 {
		t.Errorf("listed %v", fmt.Sprint(b.List()))
	}
}
