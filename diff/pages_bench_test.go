package diff

import (
	"bytes"
	"runtime"
	"strconv"
	"testing"
)

// madePages makes the pages of a long list as they are read, in one buffer.
type madePages struct {
	pages, each int
	// change says of an item that it has changed.
	change func(id int) bool
	shift  int

	buffer []byte
	// most is the most memory that was live when a page was read, if it is looked
	// for, which takes long.
	look  bool
	reads int
	most  uint64
}

func (p *madePages) Len() int { return p.pages }

func (p *madePages) Page(i int) ([]byte, error) {
	p.reads++
	if p.look && p.reads%64 == 0 {
		p.most = max(p.most, liveHeap())
	}
	p.buffer = append(p.buffer[:0], '[')
	for n := range p.each {
		if n > 0 {
			p.buffer = append(p.buffer, ',')
		}
		p.buffer = p.item(p.buffer, i*p.each+n+p.shift)
	}
	p.buffer = append(p.buffer, ']')
	return p.buffer, nil
}

func (p *madePages) item(b []byte, id int) []byte {
	state := `"open"`
	if p.change(id) {
		state = `"paid"`
	}
	b = append(strconv.AppendInt(append(b, `{"id":`...), int64(id), 10), `,"state":`...)
	b = append(append(b, state...), `,"customer":{"id":`...)
	b = append(strconv.AppendInt(b, int64(id*7919%1009), 10), `,"email":"someone@example.com"},"tags":["a","b","c"],`...)
	return append(b, `"updated_at":"2026-01-02T03:04:05Z","notes":"nothing to note here, really"}`...)
}

// whole is the list in one body.
func (p *madePages) whole() []byte {
	b := []byte{'['}
	for id := range p.pages * p.each {
		if id > 0 {
			b = append(b, ',')
		}
		b = p.item(b, id+p.shift)
	}
	return append(b, ']')
}

func liveHeap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func never(int) bool { return false }

// BenchmarkComparePages compares 1,000 pages of 100 items, and the same items
// in one body: how long it takes, what it allocates, and how much memory is live
// at the most, bodies included.
func BenchmarkComparePages(b *testing.B) {
	const pages, each = 1000, 100
	r := mustCompile(b, Options{Items: &Items{Key: []string{"id"}}, Ignore: []string{"updated_at"}})
	for _, bc := range []struct {
		name    string
		change  func(id int) bool
		shift   int
		changes int
	}{
		{"nothing", never, 0, 0},
		{"ten", func(id int) bool { return id%(pages*each/10) == 7 }, 0, 10},
		{"each page", func(id int) bool { return id%each == 7 }, 0, pages},
		{"moved on", never, 3, 6},
	} {
		before := &madePages{pages: pages, each: each, change: never}
		after := &madePages{pages: pages, each: each, change: bc.change, shift: bc.shift}
		b.Run(bc.name+"/pages", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				result, err := ComparePages(before, after, r)
				if err != nil || len(result.Changes) != bc.changes {
					b.Fatal(len(result.Changes), err)
				}
			}
			base := liveHeap()
			after.look = true
			_, _ = ComparePages(before, after, r)
			after.look = false
			b.ReportMetric(float64(int64(after.most)-int64(base))/1e6, "live-MB")
		})
		b.Run(bc.name+"/whole", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				// The bodies are made here as the pages are there.
				x, y := before.whole(), after.whole()
				result, err := Compare(x, y, r)
				if err != nil || len(result.Changes) != bc.changes {
					b.Fatal(len(result.Changes), err)
				}
			}
		})
	}
}

// TestPagesMemory holds memory to it that no more than a page of each answer and
// a little for each item is kept, also where every item has changed in what is
// not compared of it. Not parallel: it measures the whole process.
func TestPagesMemory(t *testing.T) {
	for _, tc := range []struct {
		name    string
		path    string
		change  func(id int) bool
		shift   int
		changes int
	}{
		{"whole items", "", func(id int) bool { return id%1000 == 0 }, 5, 49},
		{"a path of names", "customer", func(int) bool { return true }, 5, 10},
		{"a path of gjson", "{id,customer}", func(int) bool { return true }, 5, 10},
	} {
		t.Run(tc.name, func(t *testing.T) {
			before := &madePages{pages: 400, each: 100, change: never}
			after := &madePages{pages: 400, each: 100, change: tc.change, shift: tc.shift, look: true}
			bodies := len(before.whole())
			r := mustCompile(t, Options{Items: &Items{Key: []string{"id"}}, Select: tc.path})
			base := liveHeap()
			result, err := ComparePages(before, after, r)
			if err != nil || len(result.Changes) != tc.changes {
				t.Fatal(len(result.Changes), err)
			}
			const item = 240 // of both answers, with the room that growing takes
			page := 64 * bodies / before.pages
			if most := int(after.most) - int(base); most > before.pages*before.each*item+page {
				t.Errorf("%d bytes were live, %d for each item; the bodies have %d", most, most/(before.pages*before.each), bodies)
			}
			if c := result.Changes[0]; !bytes.Contains(c.ItemAfter, []byte(`"state"`)) {
				t.Errorf("the item is %s", c.ItemAfter)
			}
		})
	}
}
