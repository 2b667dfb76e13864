package bridge

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/poller"
)

// testPages are pages as a poller puts them aside: each is gone when the next
// one is read.
type testPages struct {
	pages  []string
	buffer []byte
	// reads counts them; from broken on, where it is not 0, they fail.
	reads, broken int
}

var errSpool = errors.New("the spool says no")

func (p *testPages) Len() int { return len(p.pages) }

func (p *testPages) Page(i int) ([]byte, error) {
	if p.reads++; p.broken > 0 && p.reads >= p.broken {
		return nil, errSpool
	}
	copy(p.buffer, bytes.Repeat([]byte("#"), len(p.buffer)))
	p.buffer = append(p.buffer[:0], p.pages[i]...)
	return p.buffer, nil
}

// answer is an observation of one page or of several.
func (r *rig) answer(contentType string, pages ...string) (*poller.Observation, *testPages) {
	if len(pages) == 1 {
		return r.observation(contentType, pages[0]), nil
	}
	var hashes []byte
	largest := 0
	for _, page := range pages {
		hash := sha256.Sum256([]byte(page))
		hashes, largest = append(hashes, hash[:]...), max(largest, len(page))
	}
	of := &testPages{pages: pages}
	o := &poller.Observation{
		Source: r.source.Name, At: time.Now(), Status: 200, ContentType: contentType, Pages: of, Largest: largest, Doubtful: r.doubt,
		State: poller.State{RawHash: sha256.Sum256(hashes)},
	}
	if o.State.RawHash == r.polled.RawHash {
		o.Unchanged, o.Pages = true, nil
	}
	return o, of
}

// take observes an answer, and lets go of its pages as a poller does.
func (r *rig) take(o *poller.Observation, of *testPages) error {
	err := r.bridge.Observe(r.t.Context(), o)
	if err == nil {
		r.polled = o.State
	}
	if of != nil {
		copy(of.buffer, bytes.Repeat([]byte("#"), len(of.buffer)))
		of.broken = 1
	}
	return err
}

func (r *rig) pollPages(pages ...string) error { return r.take(r.answer("application/json", pages...)) }

func (r *rig) mustPollPages(story []string, pages ...string) {
	r.t.Helper()
	if err := r.pollPages(pages...); err != nil {
		r.t.Fatalf("poll of %s: %v", pages, err)
	}
	r.wantStory(r.news(), story...)
}

// tells is the story of a poll.
func tells(events ...string) []string { return events }

// page is one with these items, such as 1=a.
func page(items ...string) string {
	for i, item := range items {
		id, v, _ := strings.Cut(item, "=")
		items[i] = fmt.Sprintf(`{"id":%s,"v":%q}`, id, v)
	}
	return `{"data":[` + strings.Join(items, ",") + `]}`
}

// TestPagesAreOneList: an item is found on whichever page it is, one page and
// several are the same list, and a restart forgets nothing of them.
func TestPagesAreOneList(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	r.mustPollPages(nil, page("1=a", "2=a"), page("3=a", "4=a"), page("5=a"))
	if n := r.store.commits; n != 1 {
		t.Fatalf("%d commits", n)
	}
	for i, step := range []struct {
		pages []string
		story []string
	}{
		{[]string{page("1=a", "2=a"), page("3=a", "4=a"), page("5=a")}, nil},
		{[]string{page("1=a", "2=a"), page("3=a", "4=a"), page("5=b")}, tells("updated 5")},
		// All of them move to another page, and none of them changes.
		{[]string{page("1=a"), page("2=a", "3=a"), page("4=a", "5=b")}, nil},
		{[]string{page("0=a", "1=a"), page("2=a", "4=a"), page("5=b")}, tells("created 0", "deleted 3")},
		{[]string{page("0=a", "1=a", "2=b", "4=a", "5=b")}, tells("updated 2")},
		{[]string{page("0=a", "1=a", "2=b", "4=a", "5=c")}, tells("updated 5")},
		{[]string{page("0=a", "1=a", "2=b"), page("4=a", "5=d")}, tells("updated 5")},
		{[]string{page("0=a"), page("1=a"), page("2=b"), page("4=a", "5=d", "6=a")}, tells("created 6")},
	} {
		if i%2 == 1 {
			r.restart()
		}
		r.mustPollPages(step.story, step.pages...)
	}
	snap, err := r.store.Snapshot(t.Context(), "shop")
	if err != nil || snap.Body != nil || snap.Pages == nil || snap.Pages.Len() != 4 {
		t.Fatalf("snapshot %+v: %v", snap, err)
	}
	if body, err := snap.Pages.Page(3); err != nil || string(body) != page("4=a", "5=d", "6=a") {
		t.Errorf("page 4 is %s: %v", body, err)
	}
}

// TestPagesOfOtherFormats are told by the first page.
func TestPagesOfOtherFormats(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		format, contentType, key string
		path                     string
		pages                    [3]string
	}{
		{"csv", "text/csv", "id", "", [3]string{"id,v\n1,a\n", "id,v\n2,a\n", "id,v\n2,b\n"}},
		{"ndjson", "application/x-ndjson", "id", "", [3]string{"{\"id\":1}\n", "{\"id\":2,\"v\":1}\n", "{\"id\":2,\"v\":2}\n"}},
		{"xml", "", "@id", "r.i", [3]string{`<?xml version="1.0"?><r><i id="1"/></r>`, `<r><i id="2">a</i></r>`, `<r><i id="2">b</i></r>`}},
		{"json", "text/plain", "id", "", [3]string{`[{"id":1}]`, `[{"id":2,"v":1}]`, `[{"id":2,"v":2}]`}},
	} {
		s := list()
		s.Rules = rules(diff.Options{Items: &diff.Items{Path: test.path, Key: []string{test.key}}})
		r := newRig(t, s)
		for i, story := range [][]string{nil, tells("updated 2")} {
			if err := r.take(r.answer(test.contentType, test.pages[0], test.pages[1+i])); err != nil {
				t.Fatalf("%s: %v", test.format, err)
			}
			r.wantStory(r.news(), story...)
		}
		snap, err := r.store.Snapshot(t.Context(), "shop")
		if err != nil || string(snap.Format) != test.format {
			t.Errorf("%s is taken for %s: %v", test.format, snap.Format, err)
		}
		if err := r.take(r.answer("text/html", "<html></html>", test.pages[1])); err == nil {
			t.Errorf("%s: a page of HTML is taken", test.format)
		}
	}
}

// TestBadPagesAreNoObservation: nothing is kept of an answer one page of which
// is not as it must be, be it the first answer or a later one.
func TestBadPagesAreNoObservation(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		pages []string
		want  error
		text  string
	}{
		"another format":   {[]string{page("1=a"), "<html></html>"}, diff.ErrInvalidJSON, "page 2"},
		"no list":          {[]string{page("1=a"), `{"error":"slow down"}`}, diff.ErrNoList, "page 2"},
		"key on two pages": {[]string{page("1=a"), page("1=b")}, diff.ErrBadKey, "page 1 and items[0] of page 2"},
		"item without key": {[]string{page("1=a"), `{"data":[{"v":1}]}`}, diff.ErrBadKey, "page 2"},
		"no page":          {[]string{}, diff.ErrNoList, "no pages"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, emit := range []bool{false, true} {
				s := list()
				s.Emit, s.Format = emit, diff.JSON
				r := newRig(t, s)
				for range 2 {
					commits := r.store.commits
					if err := r.pollPages(test.pages...); !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.text) {
						t.Errorf("error %v", err)
					}
					if r.store.commits != commits {
						t.Error("it was written")
					}
					r.mustPoll(page("1=a"))
				}
			}
		})
	}
}

// TestFirstPages: what a first answer of several pages tells, if it is to.
func TestFirstPages(t *testing.T) {
	t.Parallel()
	s := list()
	s.Emit = true
	r := newRig(t, s)
	r.mustPollPages(tells("created 1", "created 2", "created 3"), page("1=a", "2=a"), page("3=a"))
	// Another request is a first look again, which tells of no item.
	r.source.RequestKey = "another"
	r.restart()
	r.mustPollPages(tells("source.rebaselined"), page("7=a"), page("8=a"))
	r.mustPollPages(tells("created 9"), page("7=a"), page("8=a", "9=a"))
}

// TestCountsOverPages: min_items and max_removed mean the list, not a page.
func TestCountsOverPages(t *testing.T) {
	t.Parallel()
	s := list()
	s.MinItems, s.MaxRemoved = 3, MaxRemoved{Count: 1}
	for _, emit := range []bool{false, true} {
		s.Emit = emit
		r := newRig(t, s)
		if err := r.pollPages(page("1=a"), page("2=a")); err == nil || err.Error() != (&CountError{Got: 2, Want: 3}).Error() {
			t.Errorf("emit %t: error %v", emit, err)
		}
	}
	s.Emit = false
	r := newRig(t, s)
	r.mustPollPages(nil, page("1=a", "2=a"), page("3=a", "4=a"), page("5=a"))
	var count *CountError
	if err := r.pollPages(page("1=a"), page("2=a")); !errors.As(err, &count) {
		t.Errorf("error %v", err)
	}
	var removal *RemovalError
	if err := r.pollPages(page("1=a"), page("3=a", "5=a")); !errors.As(err, &removal) || removal.Removed != 2 || removal.Before != 5 {
		t.Errorf("error %v", err)
	}
	if err := r.bridge.AcceptRemoval(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	r.mustPollPages(tells("deleted 2", "deleted 4"), page("1=a"), page("3=a", "5=a"))
	r.mustPollPages(tells("created 6", "deleted 1"), page("3=a"), page("5=a"), page("6=a"))
}
