package history

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/pollwire/pollwire/poller"
)

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 678_901_234, time.UTC)

// result is the n-th poll of a source.
func result(n int) *poller.Result {
	return &poller.Result{At: epoch.Add(time.Duration(n) * time.Second), Requests: n, Verdict: poller.Verdict{Outcome: "unchanged"}}
}

func requests(polls []Poll) []int {
	list := []int{}
	for _, p := range polls {
		list = append(list, p.Requests)
	}
	return list
}

func TestPollsAreKept(t *testing.T) {
	t.Parallel()
	l := New(1)
	if _, ok := l.Last("shop"); ok || len(l.Polls("shop")) != 0 {
		t.Error("something is known before the first poll")
	}
	l.Add("shop", &poller.Result{
		At: epoch.In(time.FixedZone("CET", 3600)), Duration: 1234567 * time.Microsecond, Requests: 3, Status: 200, Bytes: 3 << 30,
		Verdict: poller.Verdict{Outcome: "changed", Changes: 7},
	})
	l.Add("shop", &poller.Result{At: epoch.Add(time.Minute), Err: errors.New("no route")})
	at := epoch.Truncate(time.Millisecond)
	want := []Poll{
		{At: at.Add(time.Minute), Failed: true, Error: "no route"},
		{At: at, Duration: 1234 * time.Millisecond, Requests: 3, Status: 200, Bytes: 3 << 30, Outcome: "changed", Changes: 7},
	}
	if d := cmp.Diff(want, l.Polls("shop")); d != "" {
		t.Errorf("polls (-want +got):\n%s", d)
	}
	if last, ok := l.Last("shop"); !ok || last != want[0] {
		t.Errorf("last %+v", last)
	}
	if len(l.Polls("other")) != 0 {
		t.Error("polls of another source")
	}
}

func TestNumbersBeyondTheRecord(t *testing.T) {
	t.Parallel()
	l := New(1)
	l.Add("shop", &poller.Result{At: epoch, Duration: 100 * 24 * time.Hour, Requests: -1, Status: 1000, Bytes: 1 << 40, Verdict: poller.Verdict{Changes: 1 << 40}})
	p, _ := l.Last("shop")
	if p.Duration.Hours() < 1000 || p.Requests != 0 || p.Status != 1000 || p.Bytes != 1<<32-1 || p.Changes != 1<<32-1 {
		t.Errorf("%+v", p)
	}
}

// An observer that has a word of its own for each poll takes no more room.
func TestWordsWithoutNumber(t *testing.T) {
	t.Parallel()
	l := New(1)
	for n := range 1000 {
		l.Add("shop", &poller.Result{Verdict: poller.Verdict{Outcome: fmt.Sprint("word ", n)}})
		want := fmt.Sprint("word ", n)
		if n >= 254 {
			want = ""
		}
		if last, _ := l.Last("shop"); last.Outcome != want {
			t.Fatalf("%q, want %q", last.Outcome, want)
		}
	}
}

func TestTheShareOfASource(t *testing.T) {
	t.Parallel()
	for sources, want := range map[int]int{0: 100, 1: 100, 2000: 100, 2001: 99, 10_000: 20, 200_000: 1, 1 << 30: 1} {
		if got := share(sources); got != want {
			t.Errorf("of %d: %d, want %d", sources, got, want)
		}
	}
}

func TestLongErrorsAreCut(t *testing.T) {
	t.Parallel()
	for _, text := range []string{strings.Repeat("x", maxError), strings.Repeat("ä", maxError), strings.Repeat("x", maxError-1) + "€€"} {
		l := New(1)
		l.Add("shop", &poller.Result{Err: errors.New(text)})
		p, _ := l.Last("shop")
		whole := strings.TrimSuffix(p.Error, "…")
		if len(whole) > maxError || !utf8.ValidString(p.Error) || !strings.HasPrefix(text, whole) || len(whole) < maxError-3 {
			t.Errorf("%d bytes: %q", len(p.Error), p.Error)
		}
	}
}

func TestSourcesThatAreGone(t *testing.T) {
	t.Parallel()
	l := New(3)
	for _, name := range []string{"a", "b", "old"} {
		l.Add(name, result(1))
	}
	l.Rename("old", "new")
	l.Rename("nobody", "a")
	l.Keep([]string{"a", "new", "never polled"})
	if len(l.Polls("a")) != 1 || len(l.Polls("b")) != 0 || len(l.Polls("old")) != 0 || len(l.Polls("new")) != 1 {
		t.Errorf("a %v, b %v, old %v, new %v", l.Polls("a"), l.Polls("b"), l.Polls("old"), l.Polls("new"))
	}
}

// A log holds the newest polls of each source, whatever happens to its share.
func TestLogDoesWhatAListDoes(t *testing.T) {
	t.Parallel()
	others := make([]string, 9000)
	rapid.Check(t, func(t *rapid.T) {
		names := []string{"a", "b", "c"}
		l := New(3)
		model, each, n := map[string][]int{}, share(3), 0
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				name := rapid.SampledFrom(names).Draw(t, "source")
				for range rapid.IntRange(1, 150).Draw(t, "polls") {
					n++
					l.Add(name, result(n))
					model[name] = append(model[name], n)
				}
				model[name] = model[name][max(0, len(model[name])-each):]
			},
			"keep": func(t *rapid.T) {
				kept := slices.Concat(names, others[:rapid.SampledFrom([]int{0, 3000, 9000}).Draw(t, "others")])
				each = share(len(kept))
				l.Keep(kept)
				for name := range model {
					model[name] = model[name][max(0, len(model[name])-each):]
				}
			},
			"": func(t *rapid.T) {
				for _, name := range names {
					want := slices.Clone(model[name])
					slices.Reverse(want)
					if d := cmp.Diff(append([]int{}, want...), requests(l.Polls(name))); d != "" {
						t.Fatalf("polls of %s (-want +got):\n%s", name, d)
					}
					if last, ok := l.Last(name); ok != (len(want) > 0) || ok && last.Requests != want[0] {
						t.Fatalf("last of %s: %v", name, last)
					}
				}
			},
		})
	})
}

// Ten thousand sources that fail, each with an error of its own, take what they
// may and no more.
func TestMemoryIsBounded(t *testing.T) {
	const sources, polls = 10_000, 40
	before := heap()
	l := New(sources)
	for n := range polls {
		for i := range sources {
			r := result(n)
			r.Err = fmt.Errorf("GET https://api.example.com/%d: answered 503", i)
			l.Add(fmt.Sprint("source-", i), r)
		}
	}
	if used := heap() - before; used > 20<<20 {
		t.Errorf("%d MiB", used>>20)
	}
	if n := len(l.Polls("source-7")); n != 20 {
		t.Errorf("%d polls", n)
	}
	runtime.KeepAlive(l)
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	l := New(2)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for n := range 500 {
				l.Add("a", result(n))
				l.Last("a")
				l.Polls("a")
				if n%50 == 0 {
					l.Keep([]string{"a", "b"})
				}
			}
		})
	}
	all.Wait()
	if n := len(l.Polls("a")); n != 100 {
		t.Errorf("%d polls", n)
	}
}
