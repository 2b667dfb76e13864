// Package rivals measures package diff beside the other ways to find what
// changed in JSON, and beside its floor, in one run. It consists of tests
// alone, and is a module of its own so that what it compares with never becomes
// a dependency of pollwire.
package rivals

import (
	"reflect"
	"runtime"
	"slices"
	"testing"
	"time"

	jsonpatch "github.com/evanphx/json-patch/v5"
)

// rounds is how often a document is given to each tool, one tool after the
// other, so that what slows the machine down for a while slows all of them.
const rounds = 7

// shortest is about what a timing takes at least: a call that takes less is
// made many times.
const shortest = time.Millisecond

// longest is what a call may take to be made once untimed before each timing.
// To one that takes longer, filled pools are nothing, and the run would be long.
const longest = time.Second

// TestDocuments holds the documents to what the table says of them, and our
// patches to what they are for.
func TestDocuments(t *testing.T) {
	t.Parallel()
	ours := pollwire(t)
	for _, d := range documents(t) {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			for _, body := range [][]byte{d.before, d.after} {
				if n := len(body); n < d.size*95/100 || n > d.size*105/100 {
					t.Errorf("%d bytes, want about %d", n, d.size)
				}
			}
			got := mustRun(t, ours, d)
			if got.operations != d.operations || len(got.patch) > d.patchSize {
				t.Errorf("%d operations in %d bytes, want %d in at most %d: %.2000s",
					got.operations, len(got.patch), d.operations, d.patchSize, got.patch)
			}
			mustLead(t, d, got.patch)
		})
	}
}

// TestRivalsDoTheirWork: a tool that is asked for nothing looks fast.
func TestRivalsDoTheirWork(t *testing.T) {
	t.Parallel()
	for _, d := range documents(t)[:2] {
		for _, tool := range tools(t) {
			t.Run(d.name+"/"+tool.name, func(t *testing.T) {
				t.Parallel()
				got := mustRun(t, tool, d)
				switch {
				case tool.floor:
				case got.operations < 1:
					t.Errorf("no difference found: %s", got.patch)
				case tool.rfc6902:
					mustLead(t, d, got.patch)
				}
			})
		}
	}
}

func mustRun(tb testing.TB, tool tool, d document) outcome {
	tb.Helper()
	got, err := tool.run(d.before, d.after)
	if err != nil {
		tb.Fatalf("%s with the %s: %v", tool.name, d.name, err)
	}
	return got
}

// mustLead applies a patch with a library that none of the tools is.
func mustLead(tb testing.TB, d document, patch []byte) {
	tb.Helper()
	decoded, err := jsonpatch.DecodePatch(patch)
	if err != nil {
		tb.Fatal(err)
	}
	got, err := decoded.Apply(d.before)
	if err != nil {
		tb.Fatal(err)
	}
	x, y, err := unmarshalBoth(got, d.after)
	if err != nil || !reflect.DeepEqual(x, y) {
		tb.Errorf("the patch leads elsewhere (%v)", err)
	}
}

// BenchmarkRivals gives each document to every tool. Of ours it tells time and
// allocations, of each other tool how many times as long it takes (x-…), and
// of the floor how many times it fits into our time. With -v it prints the
// medians as a table.
func BenchmarkRivals(b *testing.B) {
	var columns []column
	for _, d := range documents(b) {
		b.Run(d.name, func(b *testing.B) {
			runs := measure(b, d, tools(b))
			objects, bytes := allocated(b, runs[0].tool, d)
			b.ReportMetric(objects, "allocs/op")
			b.ReportMetric(bytes, "B/op")
			report(b, runs)
			columns = append(columns, column{d, runs})
		})
	}
	b.Log("medians\n" + table(columns))
}

// run is what one tool made of one document.
type run struct {
	tool
	outcome
	// once is about what a call takes.
	once  time.Duration
	times []time.Duration
}

// measure runs the tools that take the document, ours first.
func measure(b *testing.B, d document, tools []tool) []*run {
	b.Helper()
	var runs []*run
	for _, t := range tools {
		if slices.Contains(t.skips, d.name) {
			continue
		}
		got, took := timed(b, t, d)
		if took < longest {
			_, took = timed(b, t, d) // The first call also pays for what is only then loaded.
		}
		runs = append(runs, &run{tool: t, outcome: got, once: took})
	}
	for b.Loop() {
		for range rounds {
			for _, r := range runs {
				r.times = append(r.times, r.time(b, d))
			}
		}
	}
	return runs
}

func timed(b *testing.B, t tool, d document) (outcome, time.Duration) {
	b.Helper()
	start := time.Now()
	got := mustRun(b, t, d)
	return got, time.Since(start)
}

// time is how long a call takes. Each tool finds a heap without the litter of
// the one before it, and its pools filled.
func (r *run) time(b *testing.B, d document) time.Duration {
	b.Helper()
	batch := max(1, shortest/max(1, r.once))
	runtime.GC()
	if r.once < longest {
		mustRun(b, r.tool, d)
	}
	start := time.Now()
	for range batch {
		mustRun(b, r.tool, d)
	}
	return time.Since(start) / batch
}

func (r *run) median() time.Duration {
	slices.Sort(r.times)
	return r.times[len(r.times)/2]
}

// report tells the figures of ours, which is the first, and the ratios.
func report(b *testing.B, runs []*run) {
	ours := float64(runs[0].median())
	b.ReportMetric(ours, "ns/op")
	b.ReportMetric(float64(runs[0].operations), "operations")
	b.ReportMetric(float64(len(runs[0].patch)), "patch-bytes")
	for _, r := range runs[1:] {
		if r.name == floor {
			b.ReportMetric(ours/float64(r.median()), r.unit)
		} else {
			b.ReportMetric(float64(r.median())/ours, r.unit)
		}
	}
}

// allocated is what a call allocates once its pools are filled.
func allocated(b *testing.B, t tool, d document) (objects, bytes float64) {
	b.Helper()
	const calls = 10
	var before, after runtime.MemStats
	mustRun(b, t, d)
	runtime.ReadMemStats(&before)
	for range calls {
		mustRun(b, t, d)
	}
	runtime.ReadMemStats(&after)
	return float64((after.Mallocs - before.Mallocs) / calls), float64((after.TotalAlloc - before.TotalAlloc) / calls)
}
