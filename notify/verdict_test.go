package notify

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"testing"
	"time"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		status     int
		err        error
		retryAfter time.Duration
		want       Verdict
	}{
		{200, nil, 0, Verdict{Action: Deliver}},
		{204, nil, time.Minute, Verdict{Action: Deliver, Pause: time.Minute}},
		{299, nil, 0, Verdict{Action: Deliver}},
		{200, errors.New("read answer: reset"), 0, Verdict{Action: Deliver}},
		{202, ErrInterrupted, 0, Verdict{Action: Deliver}},
		{301, nil, 0, Verdict{Action: Retry, Counts: true}},
		{304, nil, 0, Verdict{Action: Retry, Counts: true}},
		{400, nil, 0, Verdict{Action: Retry, Counts: true}},
		{404, nil, time.Second, Verdict{Action: Retry, Counts: true, Pause: time.Second}},
		{410, nil, 0, Verdict{Action: Disable}},
		{410, nil, time.Second, Verdict{Action: Disable, Pause: time.Second}},
		{408, nil, 0, Verdict{Action: Retry, Counts: true, Away: true}},
		{429, nil, 0, Verdict{Action: Retry, Counts: true, Away: true}},
		{429, nil, time.Second, Verdict{Action: Retry, Away: true, Pause: time.Second}},
		{500, nil, 0, Verdict{Action: Retry, Counts: true, Away: true}},
		{503, nil, time.Hour, Verdict{Action: Retry, Counts: true, Away: true, Pause: time.Hour}},
		{101, nil, 0, Verdict{Action: Retry, Counts: true}},
		{0, errors.New("connection refused"), 0, Verdict{Action: Retry, Counts: true, Away: true}},
		{0, fmt.Errorf("post: %w", ErrInterrupted), 0, Verdict{Action: Drop}},
		{0, fmt.Errorf("sign: %w", ErrNoSecret), 0, Verdict{Action: Retry}},
		{0, fmt.Errorf("%w of evt_1: %w", errBody, errData), 0, Verdict{Action: Bury}},
	} {
		if got := Judge(tc.status, tc.err, tc.retryAfter); got != tc.want {
			t.Errorf("Judge(%d, %v, %s) = %+v, want %+v", tc.status, tc.err, tc.retryAfter, got, tc.want)
		}
	}
}

func TestRetryPolicyWait(t *testing.T) {
	t.Parallel()
	p := RetryPolicy{Schedule: []time.Duration{10 * time.Second, time.Hour}, Jitter: 0.2}
	for _, tc := range []struct {
		attempts int
		random   float64
		want     time.Duration
		again    bool
	}{
		{1, 0, 8 * time.Second, true},
		{1, 0.5, 10 * time.Second, true},
		{1, 1, 12 * time.Second, true},
		{2, 0.75, 66 * time.Minute, true},
		{3, 0.5, 0, false},
		{math.MaxInt, 0.5, 0, false},
		{0, 0.5, 10 * time.Second, true},
	} {
		got, again := p.Wait(tc.attempts, tc.random)
		if again != tc.again || (got-tc.want).Abs() > time.Microsecond {
			t.Errorf("Wait(%d, %v) = %s, %v; want %s, %v", tc.attempts, tc.random, got, again, tc.want, tc.again)
		}
	}
	if _, again := (RetryPolicy{}).Wait(1, 0); again {
		t.Error("an empty schedule tries again")
	}
}

func TestRetryPolicyPause(t *testing.T) {
	t.Parallel()
	if got := (RetryPolicy{MaxRetryAfter: time.Hour}).pause(2 * time.Hour); got != time.Hour {
		t.Errorf("a pause of two hours is %s, want it capped", got)
	}
	if got := (RetryPolicy{}).pause(2 * time.Hour); got != 2*time.Hour {
		t.Errorf("a pause of two hours without a cap is %s", got)
	}
}

func TestConclude(t *testing.T) {
	t.Parallel()
	now := time.Unix(1767323045, 0)
	policy := RetryPolicy{Schedule: []time.Duration{time.Minute}}
	for name, tc := range map[string]struct {
		attempts int
		verdict  Verdict
		want     Outcome
	}{
		"delivered":         {1, Verdict{Action: Deliver}, Outcome{State: Delivered, Attempts: 1, NotBefore: now}},
		"first failure":     {0, Verdict{Counts: true}, Outcome{State: Waiting, Attempts: 1, NotBefore: now.Add(time.Minute)}},
		"last failure":      {1, Verdict{Counts: true}, Outcome{State: Dead, Attempts: 2, NotBefore: now}},
		"paused failure":    {0, Verdict{Counts: true, Pause: time.Hour}, Outcome{State: Waiting, Attempts: 1, NotBefore: now.Add(time.Minute)}},
		"too many":          {1, Verdict{Away: true, Pause: time.Hour}, Outcome{State: Waiting, Attempts: 1, NotBefore: now}},
		"no secret":         {1, Verdict{}, Outcome{State: Waiting, Attempts: 1, NotBefore: now.Add(uncountedWait)}},
		"probe failed":      {1, Verdict{Counts: true, Away: true, Probe: true}, Outcome{State: Waiting, Attempts: 1, NotBefore: now}},
		"probe refused":     {1, Verdict{Counts: true, Probe: true}, Outcome{State: Waiting, Attempts: 1, NotBefore: now.Add(uncountedWait)}},
		"probe delivered":   {1, Verdict{Action: Deliver, Probe: true}, Outcome{State: Delivered, Attempts: 1, NotBefore: now}},
		"gone":              {1, Verdict{Action: Disable}, Outcome{State: Waiting, Attempts: 1, NotBefore: now}},
		"never deliverable": {0, Verdict{Action: Bury}, Outcome{State: Dead, NotBefore: now}},
	} {
		attempt := Attempt{Number: 7, At: now, Status: http.StatusTeapot}
		got := conclude(&pending{id: 3, attempts: tc.attempts}, attempt, tc.verdict, policy, now, 0.5)
		tc.want.Delivery, tc.want.Attempt = 3, attempt
		if got.State != tc.want.State || got.Attempts != tc.want.Attempts || !got.NotBefore.Equal(tc.want.NotBefore) ||
			got.Delivery != 3 || got.Attempt.Number != 7 {
			t.Errorf("%s: %+v, want %+v", name, got, tc.want)
		}
	}
}
