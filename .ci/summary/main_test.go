package main

import (
	"bytes"
	"encoding/json"
	"io"
	"regexp"
	"strings"
	"testing"
)

// lines are events as `go test -json` writes them, one after the other.
func lines(events ...event) string {
	var b strings.Builder
	for _, e := range events {
		line, err := json.Marshal(e)
		if err != nil {
			panic(err)
		}
		b.Write(append(line, '\n'))
	}
	return b.String()
}

func say(test, text string) event {
	return event{Action: "output", Package: "p", Test: test, Output: text}
}

func TestSummary(t *testing.T) {
	t.Parallel()
	ok := lines(say("", "ok  \tp\t0.1s\n"), event{Action: "pass", Package: "p"})
	skipped := lines(
		say("A", "=== RUN   A\n"), say("A", "    a_test.go:1: needs rabbitmq-server\n"), say("A", "--- SKIP: A (0.00s)\n"),
		event{Action: "skip", Package: "p", Test: "A"}) + ok
	for _, tc := range []struct {
		name    string
		in      string
		noSkip  bool
		maySkip string
		want    string
		wantOK  bool
	}{
		{
			name: "what passed says nothing",
			in:   lines(say("A", "chatter\n"), event{Action: "pass", Package: "p", Test: "A"}) + ok,
			want: "ok  \tp\t0.1s\n", wantOK: true,
		},
		{
			name: "what failed says all",
			in: lines(say("A", "a_test.go:1: bad\n"), event{Action: "fail", Package: "p", Test: "A"},
				say("", "FAIL\tp\t0.1s\n"), event{Action: "fail", Package: "p"}),
			want: "a_test.go:1: bad\nFAIL\tp\t0.1s\n",
		},
		{
			name: "a package that fails without a test",
			in:   lines(say("", "exit status 3\n"), say("", "FAIL\tp\t0.1s\n"), event{Action: "fail", Package: "p"}),
			want: "exit status 3\nFAIL\tp\t0.1s\n",
		},
		{
			name: "a panic in a test that is never said to end",
			in: lines(event{Action: "run", Package: "p", Test: "A"}, say("A", "panic: nil map\n"), say("", "FAIL\tp\t0.1s\n"),
				event{Action: "fail", Package: "p"}, event{Action: "run", Package: "p2", Test: "B"}),
			want: "test under way: p.A\npanic: nil map\nFAIL\tp\t0.1s\n",
		},
		{
			name: "a build that fails",
			in: lines(event{ImportPath: "p", Action: "build-output", Output: "p/a.go:1: undefined: x\n"}, event{ImportPath: "p", Action: "build-fail"},
				say("", "FAIL\tp [build failed]\n"), event{Action: "fail", Package: "p"}),
			want: "p/a.go:1: undefined: x\nFAIL\tp [build failed]\n",
		},
		{
			name: "skipped", in: skipped,
			want: "skipped tests: 1\nSKIPPED p.A: a_test.go:1: needs rabbitmq-server\nok  \tp\t0.1s\n", wantOK: true,
		},
		{
			name: "skipped where it must not be", in: skipped, noSkip: true, maySkip: "^$",
			want: "skipped tests: 1\nSKIPPED p.A: a_test.go:1: needs rabbitmq-server [must not be skipped here]\nok  \tp\t0.1s\n",
		},
		{
			name: "skipped where it may be", in: skipped, noSkip: true, maySkip: `^p\.A$`,
			want: "skipped tests: 1\nSKIPPED p.A: a_test.go:1: needs rabbitmq-server\nok  \tp\t0.1s\n", wantOK: true,
		},
		{
			name: "no tests in a package",
			in:   lines(say("", "?   \tp\t[no test files]\n"), event{Action: "skip", Package: "p"}),
			want: "?   \tp\t[no test files]\n", wantOK: true,
		},
		{name: "nothing at all", in: "", want: "summary: no package was tested\n"},
		{name: "words of the go command", in: "go: go.mod is broken\n", want: "go: go.mod is broken\nsummary: no package was tested\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			s := summary{
				out: &out, progress: io.Discard, noSkip: tc.noSkip,
				maySkip: regexp.MustCompile(tc.maySkip), output: make(map[string][]string),
			}
			if got := s.run(strings.NewReader(tc.in)); got != tc.wantOK {
				t.Errorf("all is well: %v, want %v", got, tc.wantOK)
			}
			if out.String() != tc.want {
				t.Errorf("printed\n%swant\n%s", out.String(), tc.want)
			}
		})
	}
}
