package poller

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// noise is a text that hardly compresses.
func noise(seed uint64, size int) string {
	const letters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"
	r := rand.New(rand.NewPCG(seed, seed))
	var b strings.Builder
	for range size {
		b.WriteByte(letters[r.IntN(len(letters))])
	}
	return b.String()
}

func TestSpool(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := &spool{zip: &zipper{}, dir: dir}
	var want [][]byte
	for i := range 40 {
		page := []byte(noise(uint64(i), 1+i*997))
		if i%3 == 0 {
			page = bytes.Repeat([]byte(`{"id":1}`), 10_000*i)
		}
		want = append(want, page)
		if err := s.add(page); err != nil {
			t.Fatal(err)
		}
	}
	if s.file == nil || len(s.memory) == 0 || len(s.memory) > spoolMemory {
		t.Fatalf("%d bytes in memory, file %v", len(s.memory), s.file)
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) > 0 {
		t.Errorf("the file has a name: %v, %v", names, err)
	}
	if s.Len() != len(want) {
		t.Errorf("%d pages", s.Len())
	}
	for _, i := range rand.Perm(len(want)) {
		page, err := s.Page(i)
		if err != nil || !bytes.Equal(page, want[i]) {
			t.Errorf("page %d is not what was put there: %v", i, err)
		}
	}
	s.close()
	s.close()
	(*spool)(nil).close()
}

// A disk that is full fails the poll, and says where it would have to be.
func TestSpoolFails(t *testing.T) {
	t.Parallel()
	missing := t.TempDir() + "/missing"
	s := &spool{zip: &zipper{}, dir: missing}
	err := s.add([]byte(noise(1, spoolMemory*2)))
	if !errors.Is(err, errSpool) || !strings.Contains(err.Error(), "in "+missing+" (TMPDIR chooses another place): no such file or directory") {
		t.Errorf("without a directory: %v", err)
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	s = &spool{zip: &zipper{}, file: full}
	defer s.close()
	err = s.add([]byte("page"))
	if !errors.Is(err, errSpool) || !strings.Contains(err.Error(), "no space left on device") {
		t.Errorf("on a full disk: %v", err)
	}
}

// Memory holds one page: a list of 200 MB takes no more than one of two pages.
func TestPagesAreStreamed(t *testing.T) {
	const pages, size = 400, 100 << 10
	b := &book{manner: manners()[1], pages: []string{}}
	item := noise(1, 1000)
	for i := range pages {
		b.pages = append(b.pages, `[{"id":`+strconv.Itoa(i+1)+`}]`)
	}
	filler := `"` + strings.Repeat(item, size/len(item)) + `"`
	b.manner.answer = func(b *book, page, next int) (string, string) {
		link := "null"
		if next >= 0 {
			link = quoteJSON(b.link(next))
		}
		return `{"data":` + b.page(page) + `,"x":` + filler + `,"paging":{"next":` + link + `}}`, ""
	}
	p, s, got := newPagedPoller(t, b)
	s.Pagination.MaxPages = pages
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	p.Poll(t.Context(), s, 1)
	p.Poll(t.Context(), s, 2)
	before, most := heap(), uint64(0)
	for request := 3; p.Poll(t.Context(), s, request).More; request++ {
		if request%50 == 0 {
			most = max(most, heap())
		}
	}
	if len(got.ids) != pages {
		t.Fatalf("%d items, failures %q", len(got.ids), got.fails)
	}
	if most > before+6<<20 {
		t.Errorf("the heap grew from %d to %d bytes while %d pages came", before, most, pages)
	}
}

func BenchmarkSpool(b *testing.B) {
	page := []byte(strings.Repeat(`{"id":12345,"state":"open","updated_at":"2026-01-02T03:04:05Z"},`, 1600))
	zip := &zipper{}
	b.SetBytes(int64(len(page)))
	for b.Loop() {
		s := &spool{zip: zip}
		if err := s.add(page); err != nil {
			b.Fatal(err)
		}
		if _, err := s.Page(0); err != nil {
			b.Fatal(err)
		}
		s.close()
	}
}
