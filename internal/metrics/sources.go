package metrics

import (
	"slices"
	"sync"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/pollwire/pollwire/poller"
)

// sources is the account of each source. There may be ten thousand, so it keeps
// a few numbers of each and makes series of them only while a scrape reads them.
type sources struct {
	tenancy tenancy

	mu  sync.Mutex
	all map[string]*source
	// sorted are all of them by name. It is replaced, never changed.
	sorted []*source
}

// source is the account of one.
type source struct {
	name   string
	labels []*dto.LabelPair
	tally  tally // under the lock
}

// tally is what is counted of a source.
type tally struct {
	polls, failures, changes, bytes uint64
	// streak is how many polls in a row have failed.
	streak uint64
	// success is when one last succeeded; zero before the first.
	success time.Time
}

// SetSources says which sources there are. What was counted of those that stay
// is kept, and no series is left of the others.
func (m *Metrics) SetSources(names []string) { m.sources.set(names) }

func (s *sources) set(names []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.all
	s.all = make(map[string]*source, len(names))
	s.sorted = make([]*source, 0, len(names))
	for _, name := range slices.Sorted(slices.Values(names)) {
		a := old[name]
		if a == nil {
			a = &source{name: name, labels: labelled("source", name)}
		}
		s.all[name] = a
		s.sorted = append(s.sorted, a)
	}
}

// polled counts a poll. One that ends after its source was removed is not.
func (s *sources) polled(name string, r *poller.Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.all[name]
	if a == nil {
		return
	}
	t := &a.tally
	t.polls++
	t.changes += uint64(r.Verdict.Changes)
	t.bytes += uint64(r.Bytes)
	if r.Err != nil {
		t.failures++
		t.streak++
		return
	}
	t.streak, t.success = 0, r.At
}

// families are what is told of them. Polls wait no longer than it takes to copy
// the numbers.
func (s *sources) families() []*family {
	s.mu.Lock()
	all := s.sorted
	tallies := make([]tally, len(all))
	for i, a := range all {
		tallies[i] = a.tally
	}
	s.mu.Unlock()

	n := len(all)
	polls := newFamily("pollwire_source_polls_total", "Polls of a source that ended.", true, n)
	failures := newFamily("pollwire_source_poll_failures_total", "Polls of a source that failed.", true, n)
	changes := newFamily("pollwire_source_changes_total", "Changes of a source that were found and logged, told or not.", true, n)
	bytes := newFamily("pollwire_source_response_bytes_total", "Bytes of the answers of a source, decompressed.", true, n)
	streak := newFamily("pollwire_source_consecutive_failures", "Polls of a source that have failed since the last one that did not.", false, n)
	success := newFamily("pollwire_source_last_success_timestamp_seconds",
		"When a poll of a source last succeeded, in Unix time; absent before the first one since the start.", false, n)
	failing, held := 0, 0
	for i := range all {
		labels, t := all[i].labels, &tallies[i]
		holds := s.tenancy.source(all[i].name)
		if !holds && t.polls == 0 {
			continue
		}
		polls.add(labels, float64(t.polls))
		failures.add(labels, float64(t.failures))
		changes.add(labels, float64(t.changes))
		bytes.add(labels, float64(t.bytes))
		if !holds {
			continue // what was counted once stays; how the source stands another node tells
		}
		held++
		streak.add(labels, float64(t.streak))
		if !t.success.IsZero() {
			success.add(labels, unix(t.success))
		}
		if t.streak > 0 {
			failing++
		}
	}
	configured := newFamily("pollwire_sources", "Sources of the configuration; of those that nodes share, what this one has.", false, 1)
	configured.add(nil, float64(held))
	sick := newFamily("pollwire_sources_failing", "Sources of which the last poll failed.", false, 1)
	sick.add(nil, float64(failing))
	return []*family{polls, failures, changes, bytes, streak, success, configured, sick}
}
