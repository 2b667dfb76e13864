package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/store/postgres"
	"github.com/pollwire/pollwire/internal/store/postgres/postgrestest"
	"github.com/pollwire/pollwire/notify"
)

// defaultFaults is how many faults the test makes; make chaos sets more in
// POLLWIRE_FAULTS.
const defaultFaults = 11

// TestChaos makes one fault after another in a fleet whose upstream changes all the
// time: nodes are killed, stopped, frozen and cut off, and so is the database. At
// the end the log's chain is unbroken, each receiver has been told all of it and in
// its order, the upstream was never asked more often than its limit allows, and
// nothing was written, asked or told by another node than the one that had the lease.
func TestChaos(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 3)
	f.suffer(t, f.faults(), faultsOf(t))
}

// faultsOf is how many faults a test makes.
func faultsOf(t *testing.T) int {
	t.Helper()
	s := os.Getenv("POLLWIRE_FAULTS")
	if s == "" {
		return defaultFaults
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatalf("POLLWIRE_FAULTS: %v", err)
	}
	return n
}

// TestPooledChaos makes some faults in a fleet that reaches its database by a
// PgBouncer in transaction mode, and that one ends now and then too.
func TestPooledChaos(t *testing.T) {
	t.Parallel()
	postgrestest.NeedPooler(t)
	f := newFleet(t, 3)
	f.pool(t)
	first := []string{"pooler restarted", "killed", "cut off from the database", "database killed"}
	kinds := append(f.faults(), fault{"pooler restarted", func(t *testing.T) string {
		f.pooler.Stop()
		d := f.rest(2000)
		var err error
		if f.pooler, err = f.server.Pool(); err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("after %v", d)
	}})
	slices.SortStableFunc(kinds, func(a, b fault) int {
		return cmp.Compare(slices.Index(first, b.name), slices.Index(first, a.name))
	})
	f.suffer(t, kinds, max(len(first), faultsOf(t)/10))
}

// suffer makes faults, each kind at least once if there are so many, while lists
// change all the time; and checks what has become of that.
func (f *fleet) suffer(t *testing.T, kinds []fault, faults int) {
	t.Helper()
	f.keepAudit(t)
	f.ledger(t, 12)
	f.startAll(t)
	f.await(t, "all lists to be known", func() bool { return f.api.answered(2) })
	f.api.letLoose(true)
	for n := range faults {
		kind := kinds[f.random.IntN(len(kinds))]
		if n < len(kinds) {
			kind = kinds[n]
		}
		f.tend(t)
		begun := time.Now()
		what := kind.make(t)
		t.Logf("fault %d of %d: %s %s, %v", n+1, faults, kind.name, what, time.Since(begun).Round(time.Millisecond))
		f.rest(2000)
	}
	f.end(t)
}

// fault is a way of breaking something and of mending it again.
type fault struct {
	name string
	make func(t *testing.T) (what string)
}

func (f *fleet) faults() []fault {
	return []fault{
		{"killed", func(t *testing.T) string {
			n := f.any()
			n.kill()
			f.rest(12_000)
			f.start(t, n)
			return fmt.Sprint("node-", n.index)
		}},
		{"stopped", func(t *testing.T) string {
			n := f.any()
			n.stop(t)
			f.rest(1000)
			f.start(t, n)
			return fmt.Sprint("node-", n.index)
		}},
		{"frozen", func(t *testing.T) string {
			n := f.any()
			f.freeze(t, n)
			d := f.rest(15_000)
			n.signal(t, syscall.SIGCONT)
			return fmt.Sprintf("node-%d for %v", n.index, d)
		}},
		{"cut off from the database", func(t *testing.T) string {
			n := f.any()
			f.network.cut(t, f.port, n.index)
			return fmt.Sprintf("node-%d %s", n.index, f.mendAfter(t, 15_000))
		}},
		{"cut off from the answers of the database", func(t *testing.T) string {
			n := f.any()
			f.network.deafen(t, f.port, n.index)
			return fmt.Sprintf("node-%d %s", n.index, f.mendAfter(t, 12_000))
		}},
		{"killed while another was cut off", func(t *testing.T) string {
			n := f.any()
			other := f.nodes[(n.index+1)%len(f.nodes)]
			f.network.cut(t, f.port, other.index)
			f.rest(8000)
			n.kill()
			f.rest(8000)
			f.network.mend(t)
			f.start(t, n)
			return fmt.Sprintf("node-%d and node-%d", n.index, other.index)
		}},
		{"database cut off from all", func(t *testing.T) string {
			f.network.cut(t, f.port, -1)
			return f.mendAfter(t, 12_000)
		}},
		{"database killed", func(t *testing.T) string {
			if err := f.server.Kill(); err != nil {
				t.Fatal(err)
			}
			d := f.rest(3000)
			if err := f.server.Restart(); err != nil {
				t.Fatal(err)
			}
			return fmt.Sprintf("for %v", d)
		}},
		{"database restarted", func(t *testing.T) string {
			if err := f.server.Signal(syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
			f.server.Wait()
			if err := f.server.Restart(); err != nil {
				t.Fatal(err)
			}
			return ""
		}},
		{"all killed", func(t *testing.T) string {
			for _, n := range f.nodes {
				n.kill()
			}
			f.startAll(t)
			return ""
		}},
		{"restarted one after another", func(t *testing.T) string {
			for _, n := range f.nodes {
				n.stop(t)
				f.start(t, n)
				f.rest(500)
			}
			return ""
		}},
	}
}

// mendAfter mends the network after a random while, and says after which.
func (f *fleet) mendAfter(t *testing.T, most int) string {
	t.Helper()
	d := f.rest(most)
	f.network.mend(t)
	return fmt.Sprintf("for %v", d)
}

// any is one of the nodes.
func (f *fleet) any() *fleetNode { return f.nodes[f.random.IntN(len(f.nodes))] }

// rest lets things go on for a random while of up to so many milliseconds.
func (f *fleet) rest(most int) time.Duration {
	d := time.Duration(1+f.random.IntN(most)) * time.Millisecond
	<-time.After(d)
	return d.Round(time.Millisecond)
}

// await returns when a condition holds, and how long that took.
func (f *fleet) await(t *testing.T, what string, holds func() bool) time.Duration {
	t.Helper()
	begun := time.Now()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for !holds() {
		<-ticker.C
		f.tend(t)
		if time.Since(begun) < patience {
			continue
		}
		for _, n := range f.nodes {
			t.Logf("node-%d:\n%s", n.index, n.stderr.last(40))
		}
		f.logWrongs(t)
		t.Fatalf("waiting for %s in vain", what)
	}
	return time.Since(begun)
}

// tend starts again what could not begin.
func (f *fleet) tend(t *testing.T) {
	t.Helper()
	for _, n := range f.nodes {
		n.tend(t)
	}
}

func (f *fleet) logWrongs(t *testing.T) {
	t.Helper()
	for name, b := range f.books {
		b.mu.Lock()
		t.Logf("%s: %v", name, b.wrongs)
		b.mu.Unlock()
	}
}

// settle lets the upstream rest, and waits until all receivers know what it says.
func (f *fleet) settle(t *testing.T) {
	t.Helper()
	f.api.letLoose(false)
	answered := make(map[string]int)
	for _, source := range f.sources {
		answered[source] = f.api.count(source)
	}
	f.await(t, "all lists to be asked again", func() bool {
		return !slices.ContainsFunc(f.sources, func(s string) bool { return f.api.count(s) < answered[s]+2 })
	})
	for name, b := range f.books {
		for _, source := range f.sources {
			f.await(t, name+" to agree on "+source, func() bool { return b.holds(source, f.api.state(source)) })
		}
	}
	for _, n := range f.nodes {
		n.stop(t)
	}
}

// checkBooks fails for everything that a receiver saw and should not have.
func (f *fleet) checkBooks(t *testing.T) {
	t.Helper()
	for name, b := range f.books {
		b.mu.Lock()
		for _, wrong := range b.wrongs {
			t.Errorf("%s: %s", name, wrong)
		}
		for run, n := range b.again {
			if !f.lost(run) {
				t.Errorf("%s was told %d webhooks again that it had answered, by %s, which had lost nothing", name, n, run)
			}
		}
		t.Logf("%s: %s", name, b.summary())
		b.mu.Unlock()
	}
}

// lost says whether a node has said that it lost what it held, or had to give it up
// in the middle.
func (f *fleet) lost(run string) bool {
	return slices.ContainsFunc(f.nodes, func(n *fleetNode) bool {
		if !strings.HasPrefix(run, fmt.Sprintf("node-%d.", n.index)) {
			return false
		}
		said := n.stderr.since(0)
		return slices.ContainsFunc([]string{"gives up what it did and joins again", "lease was lost", "not all that was under way came to its end"},
			func(words string) bool { return strings.Contains(said, words) })
	})
}

// checkLimit fails where the upstream was asked more often than its limit allows.
func (f *fleet) checkLimit(t *testing.T) {
	t.Helper()
	shared := func(source string) bool {
		i := slices.Index(f.sources, source)
		return i >= 0 && i%2 == 0
	}
	most := f.visits.most(shared, sharedPer)
	t.Logf("at most %d requests of %d in %v", most, sharedRequests, sharedPer)
	if most > sharedRequests {
		t.Errorf("the upstream was asked %d times within %v, %d are allowed", most, sharedPer, sharedRequests)
	}
}

// checkLog holds the log against promise and books: numbers of changes without
// gaps, each change beginning where the last one of its key ended, each event told.
func (f *fleet) checkLog(t *testing.T) {
	t.Helper()
	events := f.log(t)
	sequence, hash := make(map[string]int64), make(map[string]string)
	for i := range events {
		e := &events[i]
		if e.Sequence != sequence[e.Source]+1 {
			t.Errorf("%s: number %d comes after %d", e.Source, e.Sequence, sequence[e.Source])
		}
		sequence[e.Source] = e.Sequence
		var data struct {
			Hash     string `json:"hash"`
			Previous string `json:"previous_hash"`
		}
		if err := json.Unmarshal(e.Data, &data); err != nil {
			t.Fatal(err)
		}
		key := e.Source + "\n" + e.Subject
		if data.Previous != hash[key] {
			t.Errorf("%s %s, number %d: previous_hash %q, but the last hash was %q", e.Source, e.Subject, e.Sequence, data.Previous, hash[key])
		}
		hash[key] = data.Hash
	}
	for name, b := range f.books {
		b.mu.Lock()
		for i := range events {
			if _, told := b.events[events[i].ID]; !told {
				t.Errorf("%s was never told %s %s", name, events[i].Source, events[i].ID)
			}
		}
		if len(b.events) > len(events) {
			t.Errorf("%s was told %d events, the log has %d", name, len(b.events), len(events))
		}
		b.mu.Unlock()
	}
	t.Logf("%d events in the log", len(events))
}

// log are the changes of the log.
func (f *fleet) log(t *testing.T) []notify.Event {
	t.Helper()
	s, err := postgres.Open(t.Context(), postgres.Options{DSN: f.dsn, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	var events []notify.Event
	var last int64
	for {
		page, err := s.Events(t.Context(), last, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		last = page[len(page)-1].Position
		events = append(events, page...)
	}
	return slices.DeleteFunc(events, func(e notify.Event) bool { return e.Alert || strings.HasPrefix(e.Type, "pollwire.source.") })
}
