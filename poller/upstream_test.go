package poller

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// upstream counts what arrives in an exact sliding window, as a strict API does.
// Requests take a random time to arrive, and answers one to come back.
type upstream struct {
	requests int
	per      time.Duration
	// slowest is how long way and answer take together at most.
	slowest time.Duration
	// refuseEvery is how many requests in the mean one is refused for a while.
	refuseEvery int
	// tells says that answers tell how many requests remain.
	tells bool
	// costs and redirects are by path; 1 and none where it has none.
	costs, redirects map[string]int

	mu     sync.Mutex
	random *rand.Rand
	window []arrival
	inside int // the cost of the window
	// total is the cost of all that arrived, most the most in any window.
	total, most int
	// refusedUntil is when nothing may be sent before, and refusedFor for how
	// long that was in all.
	refusedUntil time.Time
	refusedFor   time.Duration
	// defied were sent within such a time, and late are those that arrived
	// while the window was full.
	defied, late int
	served       map[string]int
}

func newUpstream(requests int, per time.Duration) *upstream {
	return &upstream{
		requests: requests, per: per, random: rand.New(rand.NewPCG(1, 2)),
		costs: map[string]int{}, redirects: map[string]int{}, served: map[string]int{},
	}
}

func (u *upstream) RoundTrip(r *http.Request) (*http.Response, error) {
	u.mu.Lock()
	if time.Now().Before(u.refusedUntil) {
		u.defied++
	}
	way := within(u.random, u.slowest/2)
	back := within(u.random, u.slowest/2)
	u.mu.Unlock()
	if err := pause(r.Context(), way); err != nil {
		u.arrive(r) // It may have got there all the same.
		return nil, err
	}
	status, header := u.arrive(r)
	if err := pause(r.Context(), back); err != nil {
		return nil, err
	}
	u.answer(status, header)
	return fakeAnswer(status, "x", header), nil
}

// arrive counts a request and decides what it is answered.
func (u *upstream) arrive(r *http.Request) (int, http.Header) {
	u.mu.Lock()
	defer u.mu.Unlock()
	cost := max(1, u.costs[r.URL.Path])
	full := u.count(cost)
	h := http.Header{}
	if u.tells {
		h.Set("X-Ratelimit-Limit", strconv.Itoa(u.requests))
		h.Set("X-Ratelimit-Remaining", strconv.Itoa(max(0, u.requests-u.inside)))
		free := u.window[0].at.Add(u.per)
		h.Set("X-Ratelimit-Reset", strconv.FormatInt(free.Add(time.Second).Unix(), 10))
	}
	switch hops, _ := strconv.Atoi(r.URL.Query().Get("hop")); {
	case full:
		u.late++
		return http.StatusTooManyRequests, h
	case u.refuseEvery > 0 && u.random.IntN(u.refuseEvery) == 0:
		h.Set("Retry-After", strconv.Itoa(1+u.random.IntN(120)))
		return http.StatusTooManyRequests, h
	case hops < u.redirects[r.URL.Path]:
		h.Set("Location", "?hop="+strconv.Itoa(hops+1))
		return http.StatusFound, h
	}
	u.served[r.URL.Path]++
	return http.StatusOK, h
}

// count adds to the window, and says whether that was too much.
func (u *upstream) count(cost int) (full bool) {
	now := time.Now()
	n := 0
	for n < len(u.window) && now.Sub(u.window[n].at) >= u.per {
		u.inside -= u.window[n].cost
		n++
	}
	u.window = append(u.window[:0], u.window[n:]...)
	u.window = append(u.window, arrival{now, cost})
	u.inside += cost
	u.total += cost
	u.most = max(u.most, u.inside)
	return u.inside > u.requests
}

// answer takes note of what the client has been told by now.
func (u *upstream) answer(status int, h http.Header) {
	u.mu.Lock()
	defer u.mu.Unlock()
	seconds, _ := strconv.Atoi(h.Get("Retry-After"))
	until := time.Now().Add(time.Duration(seconds) * time.Second)
	if status == http.StatusTooManyRequests && until.After(u.refusedUntil) {
		from := time.Now()
		if u.refusedUntil.After(from) {
			from = u.refusedUntil
		}
		u.refusedFor += until.Sub(from)
		u.refusedUntil = until
	}
}

// others uses the budget too, at most so much at once, every now and then.
func (u *upstream) others(ctx context.Context, atOnce int, every time.Duration) {
	for pause(ctx, every) == nil {
		u.mu.Lock()
		if n := u.random.IntN(atOnce + 1); n > 0 && u.inside+n <= u.requests {
			u.count(n)
			u.total -= n
		}
		u.mu.Unlock()
	}
}
