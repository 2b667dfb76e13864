package diff_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pollwire/pollwire/diff"
)

// byID are the rules for a list whose elements are told apart by id.
func byID() diff.Options { return diff.Options{Items: &diff.Items{Key: []string{"id"}}} }

// BenchmarkScaling compares lists, and lists four times as long, in turn. It
// tells how many times as long those take: what is linear takes four times.
func BenchmarkScaling(b *testing.B) {
	for _, edit := range edits() {
		for _, n := range []int{4_000, 25_000} {
			b.Run(fmt.Sprintf("document/%s/%d", edit.name, n), func(b *testing.B) {
				timeForFour(b, diff.Options{}, n, edit.bodies)
			})
		}
	}
	shuffle := edits()[3]
	for _, n := range []int{4_000, 25_000} {
		b.Run(fmt.Sprintf("items/%s/%d", shuffle.name, n), func(b *testing.B) {
			timeForFour(b, byID(), n, shuffle.bodies)
		})
	}
}

// edit is something that happens to a list.
type edit struct {
	name string
	of   func(list []string) []string
}

func edits() []edit {
	added := `{"id":-1,"name":"new","state":"open","total":1}`
	return []edit{
		{"head", func(list []string) []string { return slices.Insert(list, 0, added) }},
		{"tail", func(list []string) []string { return append(list, added) }},
		{"reversal", func(list []string) []string { slices.Reverse(list); return list }},
		{"shuffle", func(list []string) []string { shuffle(list); return list }},
	}
}

func shuffle(list []string) {
	random := rand.New(rand.NewPCG(1, uint64(len(list))))
	random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
}

// bodies are a list of n orders, and what the edit makes of it.
func (e edit) bodies(n int) (before, after []byte) {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(`{"id":%d,"name":"order %d","state":"open","total":%d.5}`, i, i, i%1000)
	}
	return array(list), array(e.of(slices.Clone(list)))
}

// array is the JSON array of the elements.
func array(elements []string) []byte { return []byte("[" + strings.Join(elements, ",") + "]") }

// timeForFour compares bodies of size n and of four times n in turn, so that
// what slows the machine down for a while slows both, and reports the median
// of the first and how many times as long the second takes.
func timeForFour(b *testing.B, o diff.Options, n int, bodies func(n int) (before, after []byte)) {
	b.Helper()
	const rounds = 5
	one, four := newTimed(b, o, n, bodies), newTimed(b, o, 4*n, bodies)
	for b.Loop() {
		for range rounds {
			one.time()
			four.time()
		}
	}
	b.ReportMetric(float64(one.median()), "ns/op")
	b.ReportMetric(float64(four.median())/float64(one.median()), "x-time-for-4x")
	b.ReportMetric(float64(allocated(one.compare)), "B/op")
	b.ReportMetric(testing.AllocsPerRun(1, one.compare), "allocs/op")
}

// timed is a comparison that is timed again and again.
type timed struct {
	rules         *diff.Rules
	before, after []byte
	// batch is how many calls make one timing.
	batch int
	times []time.Duration
}

func newTimed(b *testing.B, o diff.Options, n int, bodies func(n int) (before, after []byte)) *timed {
	b.Helper()
	t := &timed{rules: mustCompile(b, o), batch: 1}
	t.before, t.after = bodies(n)
	start := time.Now()
	t.compare()
	t.batch = max(1, int(time.Millisecond/max(1, time.Since(start))))
	return t
}

// compare lets errors be: some input is no JSON, and the tests know which.
func (t *timed) compare() { _, _ = diff.Compare(t.before, t.after, t.rules) }

// time takes one timing, on a heap without litter and with pools that are
// filled.
func (t *timed) time() {
	runtime.GC()
	t.compare()
	start := time.Now()
	for range t.batch {
		t.compare()
	}
	t.times = append(t.times, time.Since(start)/time.Duration(t.batch))
}

func (t *timed) median() time.Duration {
	slices.Sort(t.times)
	return t.times[len(t.times)/2]
}

// BenchmarkItemsMemory compares lists of 100,000 items, of which one in a
// hundred has changed, and tells what that takes of memory.
func BenchmarkItemsMemory(b *testing.B) {
	const n = 100_000
	before, after := manyItems(n)
	rules := mustCompile(b, byID())
	compare := func() {
		result, err := diff.Compare(before, after, rules)
		if err != nil || len(result.Changes) != n/100 {
			b.Errorf("%d changes, %v", len(result.Changes), err)
		}
	}
	b.SetBytes(int64(len(before) + len(after)))
	for b.Loop() {
		compare()
	}
	b.ReportMetric(float64(allocated(compare))/n, "B/element")
	b.ReportMetric(float64(peak(compare))/float64(len(after)), "peak-x-body")
}

// manyItems are about 20 MB, before and after.
func manyItems(n int) (before, after []byte) {
	list := make([]string, n)
	format := `{"id":%d,"number":"INV-2026-%06d","state":%q,"customer":{"id":%d,"email":"c%d@example.com"},` +
		`"total":%d.25,"paid":false,"due_at":"2026-01-02T03:04:05Z","note":null,"tags":["new","web"]}`
	for i := range list {
		list[i] = fmt.Sprintf(format, i, i, "open", i%1717, i%1717, i%5000)
	}
	before = array(list)
	for i := 50; i < n; i += 100 {
		list[i] = fmt.Sprintf(format, i, i, "paid", i%1717, i%1717, i%5000)
	}
	return before, array(list)
}

// allocated is how many bytes f allocates, whether or not they are freed.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// peak is how many bytes f holds at most, beyond what was held before. The
// collector works harder meanwhile, so that hardly any of it is litter.
func peak(f func()) uint64 {
	defer debug.SetGCPercent(debug.SetGCPercent(5))
	runtime.GC()
	held, most := onHeap(), uint64(0)
	var watch sync.WaitGroup
	done := make(chan struct{})
	watch.Go(func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				most = max(most, onHeap())
			}
		}
	})
	f()
	close(done)
	watch.Wait()
	return max(most, held) - held
}

func onHeap() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

func mustCompile(tb testing.TB, o diff.Options) *diff.Rules {
	tb.Helper()
	r, err := diff.Compile(o)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}
