package poller

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestRetryWait(t *testing.T) {
	t.Parallel()
	r := Retry{WaitMin: time.Second, WaitMax: 10 * time.Second}
	tests := []struct {
		retry          Retry
		attempt        int
		lowest, beyond time.Duration
	}{
		{r, 1, time.Second, 2 * time.Second},
		{r, 2, 2 * time.Second, 4 * time.Second},
		{r, 3, 4 * time.Second, 8 * time.Second},
		{r, 4, 5 * time.Second, 10 * time.Second},
		{r, 1000, 5 * time.Second, 10 * time.Second},
		{r, 0, time.Second, time.Second},
		{Retry{}, 1, time.Second, time.Second},
		{Retry{WaitMin: -1, WaitMax: -1}, 5, time.Second, time.Second},
		{Retry{WaitMin: time.Minute, WaitMax: time.Second}, 3, time.Minute, time.Minute},
		{Retry{WaitMin: time.Second, WaitMax: 1<<63 - 1}, 100, 1<<62 - 1, 1<<63 - 1},
	}
	for _, tt := range tests {
		if got := tt.retry.wait(tt.attempt, 0); got != tt.lowest {
			t.Errorf("%+v: lowest wait(%d) = %v, want %v", tt.retry, tt.attempt, got, tt.lowest)
		}
		if got := tt.retry.wait(tt.attempt, 0.999999999); got > tt.beyond || got < tt.beyond-tt.beyond/1000 {
			t.Errorf("%+v: highest wait(%d) = %v, want nearly %v", tt.retry, tt.attempt, got, tt.beyond)
		}
	}
}

func TestRetryWaitStaysInBounds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := Retry{
			WaitMin: time.Duration(rapid.Int64Min(1).Draw(t, "min")),
			WaitMax: time.Duration(rapid.Int64Min(1).Draw(t, "max")),
		}
		got := r.wait(rapid.IntRange(1, 10_000).Draw(t, "attempt"), rapid.Float64Range(0, 0.999999).Draw(t, "random"))
		if got < r.WaitMin || got > max(r.WaitMin, r.WaitMax) {
			t.Fatalf("wait of %+v = %v", r, got)
		}
	})
}

func TestRetryNext(t *testing.T) {
	t.Parallel()
	r := Retry{MaxAttempts: 3, WaitMin: time.Second, WaitMax: 30 * time.Second, MaxRetryAfter: time.Minute}
	again := func(after time.Duration) *FetchError { return &FetchError{Retryable: true, RetryAfter: after} }
	tests := []struct {
		name    string
		retry   Retry
		attempt int
		failure *FetchError
		want    time.Duration
	}{
		{"first", r, 1, again(0), time.Second},
		{"second", r, 2, again(0), 2 * time.Second},
		{"last", r, 3, again(0), 0},
		{"beyond the last", r, 4, again(0), 0},
		{"final", r, 1, &FetchError{RetryAfter: time.Second}, 0},
		{"longer Retry-After", r, 1, again(20 * time.Second), 20 * time.Second},
		{"shorter Retry-After", r, 2, again(time.Second), 2 * time.Second},
		{"Retry-After at the cap", r, 1, again(time.Minute), time.Minute},
		{"Retry-After beyond the cap", r, 1, again(time.Minute + 1), 0},
		{"default cap", Retry{MaxAttempts: 2}, 1, again(time.Hour + 1), 0},
		{"no retry", Retry{}, 1, again(0), 0},
	}
	for _, tt := range tests {
		if got := tt.retry.next(tt.attempt, tt.failure, 0); got != tt.want {
			t.Errorf("%s: next = %v, want %v", tt.name, got, tt.want)
		}
	}
}
