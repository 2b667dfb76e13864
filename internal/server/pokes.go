package server

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"log/slog"
	"sync"
	"time"
)

// pokeInterval is how often a source is polled for pokes at most.
const pokeInterval = time.Second

// Poker polls sources that were poked.
type Poker interface {
	// Poke makes a source due now and returns at once; where a poll has begun,
	// another one follows it. Where the source must be left alone, Poke does
	// nothing and returns for how long: it is to be called again then.
	Poke(source string) (wait time.Duration, err error)
	// MayPoke returns a *Refusal where pokes of a source would come to nothing until
	// somebody changes that. It returns at once.
	MayPoke(source string) error
}

// pokes are the sources that can be poked. A source is polled soon after each
// poke, but for all pokes that come until then only once: one that comes when
// the poll was asked for leads to the next.
type pokes struct {
	poker    Poker
	log      *slog.Logger
	refusals refusals
	// key makes the hashes of this process its own, so that nobody can choose
	// what they are compared with.
	key [sha256.Size]byte

	mu     sync.Mutex
	closed bool
	// bySum has the sources by the hash of their name and secret. Whether name
	// or secret is wrong, one lookup finds nothing, and takes the same time.
	bySum map[[sha256.Size]byte]*poke
	names map[string]*poke
	// under are the polls that are still to come.
	under sync.WaitGroup
}

// poke is what is known of one source, guarded by the lock of pokes.
type poke struct {
	source string
	// pending says that a poll is still to come, at the timer's end.
	pending bool
	timer   *time.Timer
	// next is when the source may be polled again.
	next time.Time
}

// newPokes makes pokes of the secrets of sources, by name.
func newPokes(secrets map[string]string, poker Poker, log *slog.Logger) *pokes {
	ps := &pokes{poker: poker, log: log}
	_, _ = rand.Read(ps.key[:]) // It never fails.
	ps.set(secrets)
	return ps
}

// set replaces the sources that can be poked, and their secrets. Polls that are
// still to come of sources that stay come, those of others do not.
func (ps *pokes) set(secrets map[string]string) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	gone := ps.names
	ps.bySum = make(map[[sha256.Size]byte]*poke, len(secrets))
	ps.names = make(map[string]*poke, len(secrets))
	for source, secret := range secrets {
		if secret == "" {
			continue
		}
		p := gone[source]
		delete(gone, source)
		if p == nil {
			p = &poke{source: source}
		}
		ps.bySum[ps.sum(source, secret)], ps.names[source] = p, p
	}
	for _, p := range gone {
		ps.giveUp(p)
	}
}

// giveUp drops the poll of a source that is still to come. The lock is held.
func (ps *pokes) giveUp(p *poke) {
	if p.pending && p.timer.Stop() {
		p.pending = false
		ps.under.Done()
	}
}

// sum is the hash of a name and a secret. A secret never holds the NUL byte
// between them.
func (ps *pokes) sum(source, secret string) [sha256.Size]byte {
	mac := hmac.New(sha256.New, ps.key[:])
	mac.Write([]byte(source + "\x00" + secret))
	return [sha256.Size]byte(mac.Sum(nil))
}

// find returns the source of a name for which one of the secrets is right, nil
// if there is none.
func (ps *pokes) find(source string, secrets []string) *poke {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	var found *poke
	for _, secret := range secrets {
		if p := ps.bySum[ps.sum(source, secret)]; p != nil {
			found = p
		}
	}
	return found
}

// poke lets a source be polled as soon as it may be.
func (ps *pokes) poke(p *poke) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.plan(p, time.Until(p.next))
}

// plan polls a source after a wait, if it is not to be polled anyway. The lock
// is held.
func (ps *pokes) plan(p *poke, wait time.Duration) {
	if p.pending || ps.closed {
		return
	}
	p.pending = true
	ps.under.Add(1)
	p.timer = time.AfterFunc(max(wait, 0), func() {
		defer ps.under.Done()
		ps.fire(p)
	})
}

// fire polls a source.
func (ps *pokes) fire(p *poke) {
	// From here on a poke leads to another poll, for this one may be too early
	// to see what it means.
	ps.mu.Lock()
	p.pending, p.next = false, time.Now().Add(pokeInterval)
	ps.mu.Unlock()
	wait, err := ps.poker.Poke(p.source)
	if err != nil {
		ps.log.Warn("poke came to nothing", "source", p.source, "err", err)
		return
	}
	if wait > 0 {
		ps.mu.Lock()
		defer ps.mu.Unlock()
		ps.postpone(p, max(wait, pokeInterval))
	}
}

// postpone plans a poll that could not be made now. A poke that came meanwhile
// has planned one already, which will find out itself how long it has to wait.
// The lock is held.
func (ps *pokes) postpone(p *poke, wait time.Duration) {
	p.next = time.Now().Add(wait)
	ps.plan(p, wait)
}

// refuse counts a poke with a wrong secret, and says whether it may be looked
// at further.
func (ps *pokes) refuse(source string) bool {
	ok, unlogged := ps.refusals.count(time.Now())
	ps.mu.Lock()
	known := ps.names[source] != nil
	ps.mu.Unlock()
	switch {
	case unlogged == 0:
	case known:
		ps.log.Warn("pokes refused, the secret is wrong", "source", source, "count", unlogged)
	default:
		// The name is not logged: a secret may have been put in its place.
		ps.log.Warn("pokes refused, there is no such source to poke", "count", unlogged)
	}
	return ok
}

// stop gives up the polls that are still to come: after a start, the schedule
// sees to them. It returns when none is being asked for any more.
func (ps *pokes) stop() {
	ps.mu.Lock()
	ps.closed = true
	for _, p := range ps.names {
		ps.giveUp(p)
	}
	ps.mu.Unlock()
	ps.under.Wait()
}
