package notify

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// rotatingAuth sends tokens, the next one after each renewal.
type rotatingAuth struct {
	mu sync.Mutex
	// tokens are those that are left; the first one is sent.
	tokens []string
	err    error
	hangs  bool
}

func (a *rotatingAuth) Authorize(ctx context.Context, req *http.Request) error {
	if a.hangs {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err != nil {
		return a.err
	}
	req.Header.Set("Authorization", "Bearer "+a.tokens[0])
	req.Header.Set(HeaderID, "forged")
	return nil
}

func (a *rotatingAuth) Renew(sent http.Header) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.tokens) < 2 || sent.Get("Authorization") != "Bearer "+a.tokens[0] {
		return false
	}
	a.tokens = a.tokens[1:]
	return true
}

func (a *rotatingAuth) Secrets() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]string{"refresh-token-value"}, a.tokens...)
}

func TestSendRenewsCredentialsOnce(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		tokens []string
		good   string
		status int
		posts  int32
	}{
		"good at once":   {[]string{"token-number-1", "token-number-2"}, "token-number-1", 200, 1},
		"renewed":        {[]string{"token-number-1", "token-number-2"}, "token-number-2", 200, 2},
		"renewed once":   {[]string{"token-number-1", "token-number-2", "token-number-3"}, "token-number-3", 401, 2},
		"not renewable":  {[]string{"token-number-1"}, "token-number-2", 401, 1},
		"never accepted": {[]string{"token-number-1", "token-number-2"}, "", 401, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var posts atomic.Int32
			var problem atomic.Value
			e := receiverFor(t, func(w http.ResponseWriter, r *http.Request) {
				posts.Add(1)
				body, _ := io.ReadAll(r.Body)
				if err := Verify(r.Header, body, []Secret{mustSecret(t, vectorSecret)}, time.Now(), time.Minute); err != nil || r.Header.Get(HeaderID) != testMessage.ID {
					problem.Store("a post does not verify")
				}
				if r.Header.Get("Authorization") != "Bearer "+tc.good {
					w.WriteHeader(http.StatusUnauthorized)
				}
				_, _ = io.WriteString(w, r.Header.Get("Authorization")+" refresh-token-value")
			})
			e.Auth = &rotatingAuth{tokens: tc.tokens}
			attempt, verdict := ownSender(t).Send(t.Context(), &e, testMessage)
			if attempt.Status != tc.status || (verdict.Action == Deliver) != (tc.status == 200) || posts.Load() != tc.posts {
				t.Errorf("Send gave %+v, %+v after %d posts", attempt, verdict, posts.Load())
			}
			if got := string(attempt.Response); strings.Contains(got, "token-number") || strings.Contains(got, "refresh-token") {
				t.Errorf("kept %q of the answer", got)
			}
			if p := problem.Load(); p != nil {
				t.Error(p)
			}
		})
	}
}

// Without credentials nothing is posted, and what was wrong with them is told
// without them.
func TestSendPostsNothingWithoutCredentials(t *testing.T) {
	t.Parallel()
	rt := &fixedAnswer{}
	s := NewSender(SenderOptions{Transport: rt})
	e := testEndpoint(t, "ops")
	e.Auth = &rotatingAuth{tokens: []string{"x"}, err: errors.New("token endpoint said refresh-token-value is used up")}
	attempt, verdict := s.Send(t.Context(), &e, testMessage)
	want := "post to https://ops.example.com: get credentials: token endpoint said <secret> is used up"
	if attempt.Error != want || attempt.Status != 0 || verdict != (Verdict{Counts: true, Away: true}) || rt.header != nil {
		t.Errorf("Send gave %+v, %+v; posted %v", attempt, verdict, rt.header)
	}
	e.Auth, e.Timeout = &rotatingAuth{hangs: true}, 20*time.Millisecond
	hanging := e
	if attempt, _ := s.Send(t.Context(), &hanging, testMessage); !strings.HasSuffix(attempt.Error, "no credentials within 20ms") || rt.header != nil {
		t.Errorf("Send gave %+v; posted %v", attempt, rt.header)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, verdict := s.Send(ctx, &hanging, testMessage); verdict.Action != Drop {
		t.Errorf("the verdict of an interrupted attempt is %+v", verdict)
	}
}

// TestNoTokenUsesUpFewAttempts has no token to be had for two days, for which the
// breaker keeps the schedule.
func TestNoTokenUsesUpFewAttempts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), &receiver{}
		const count = 20
		for range count {
			q.commit("ops", "")
		}
		e := testEndpoint(t, "ops")
		e.Auth = &rotatingAuth{tokens: []string{"x"}, err: errors.New("the token endpoint is down")}
		e.Breaker = Breaker{Failures: 5, Cooldown: 30 * time.Second, MaxCooldown: 30 * time.Minute}
		e.Retry = RetryPolicy{Schedule: []time.Duration{5 * time.Second, 5 * time.Minute, time.Hour}}
		r := newRig(q, rec, e)
		r.mustStart(t)
		defer r.mustStop(t)
		<-time.After(48 * time.Hour)
		for id := int64(1); id <= count; id++ {
			if d, state := q.row(id); state != Waiting || d.Attempts > 1 {
				t.Errorf("delivery %d is %s after %d attempts", id, state, d.Attempts)
			}
		}
		if n := len(rec.seen()); n != 0 {
			t.Errorf("%d posts without a token", n)
		}
	})
}
