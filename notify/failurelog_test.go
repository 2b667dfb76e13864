package notify

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// TestFlappingEndpointIsLoudOnceInAWhile: the first failure warns, those between
// successes that follow soon do not, and one that lasts does when the quiet is over.
func TestFlappingEndpointIsLoudOnceInAWhile(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	l := failureLog{log: slog.New(slog.NewTextHandler(&out, nil))}
	begin := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, step := range []struct {
		after  time.Duration
		failed bool
		state  State
		want   string
	}{
		{0, false, Delivered, ""},
		{1 * time.Second, true, Waiting, "level=WARN msg=\"delivery failed\""},
		{2 * time.Second, true, Waiting, ""},
		{3 * time.Second, false, Delivered, "level=INFO msg=\"endpoint recovered\""},
		{4 * time.Second, true, Waiting, ""},
		{5 * time.Second, false, Delivered, ""},
		{6 * time.Second, true, Waiting, ""},
		{7 * time.Second, true, Dead, "level=WARN msg=\"delivery dead\""},
		{8 * time.Second, false, Delivered, "level=INFO msg=\"endpoint recovered\""},
		{9 * time.Minute, true, Waiting, ""},
		{10*time.Minute + 7*time.Second, true, Waiting, "level=WARN msg=\"delivery failed\""},
		{time.Hour, true, Waiting, ""},
		{2 * time.Hour, false, Delivered, "level=INFO msg=\"endpoint recovered\""},
		{3 * time.Hour, true, Waiting, "level=WARN msg=\"delivery failed\""},
	} {
		out.Reset()
		o := &Outcome{State: step.state, Attempt: Attempt{Number: 1, At: begin.Add(step.after)}}
		if step.failed {
			o.Attempt.Error = "answered 503"
		}
		l.tell(&pending{id: 7}, o, step.failed)
		if got := out.String(); step.want == "" && got != "" || !strings.Contains(got, step.want) {
			t.Errorf("after %s: logged %q, want %q", step.after, got, step.want)
		}
		if l.lastError != o.Attempt.Error {
			t.Errorf("after %s: the last error is %q", step.after, l.lastError)
		}
	}
}
