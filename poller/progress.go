package poller

import "sync"

// progress is where a source stands between its requests. A poll works on the
// one that it began with: where SetState or Forget put another in its place
// meanwhile, its outcome concerns nobody any more.
type progress struct {
	mu    sync.Mutex
	state State
	// underWay is the poll that waits for its next request, nil for none, and
	// attempts how often that request has failed.
	underWay *Visit
	attempts int
	// owed is the last accepted answer as long as it is to be acknowledged, else nil.
	owed *debt
	// ended says that another progress is in place of this one.
	ended bool
	// failing is the kind of the last failure, empty after a success.
	failing string
}

// visit returns the poll to make a request of, and how often that will have
// been made then. It is a new poll where none is under way for this very source,
// or where a new one is asked for.
func (pr *progress) visit(f *Fetcher, s *Source, anew bool) (v *Visit, attempt int) {
	pr.mu.Lock()
	defer pr.mu.Unlock()
	v, attempt = pr.underWay, pr.attempts+1
	pr.underWay, pr.attempts = nil, 0
	if v != nil && (anew || v.source != s) {
		v.Close()
		v = nil
	}
	if v == nil {
		v, attempt = f.Begin(s, pr.state), 1
	}
	return v, attempt
}

// attempt is how often the next request will have been made then, where it is none
// of a visit; it is the first one of a new poll.
func (pr *progress) attempt(anew bool) int {
	pr.mu.Lock()
	defer pr.mu.Unlock()
	attempt := pr.attempts + 1
	if pr.attempts = 0; anew {
		return 1
	}
	return attempt
}

// keep keeps a poll for its next request.
func (pr *progress) keep(v *Visit, attempts int) {
	pr.mu.Lock()
	defer pr.mu.Unlock()
	if pr.ended {
		v.Close()
		return
	}
	pr.underWay, pr.attempts = v, attempts
}

// take takes the poll under way, nil where there is none.
func (pr *progress) take() *Visit {
	pr.mu.Lock()
	defer pr.mu.Unlock()
	v := pr.underWay
	pr.underWay, pr.attempts = nil, 0
	return v
}

// end drops the poll under way for good. A nil progress has none.
func (pr *progress) end() {
	if pr == nil {
		return
	}
	pr.mu.Lock()
	defer pr.mu.Unlock()
	pr.underWay.Close()
	pr.underWay, pr.ended = nil, true
}

// isEnded says whether another progress is in place of this one.
func (pr *progress) isEnded() bool {
	pr.mu.Lock()
	defer pr.mu.Unlock()
	return pr.ended
}

// succeed adopts the state of an accepted answer, and reports whether the
// source was failing before.
func (pr *progress) succeed(s State) (recovered bool) {
	pr.mu.Lock()
	defer pr.mu.Unlock()
	recovered = pr.failing != ""
	pr.state, pr.failing = s, ""
	return recovered
}

// adopt adopts the state of an answer that was kept though its poll has failed.
func (pr *progress) adopt(s State) {
	pr.mu.Lock()
	defer pr.mu.Unlock()
	pr.state = s
}

// owe notes what is owed for the last accepted answer; nil for nothing.
func (pr *progress) owe(d *debt) {
	pr.mu.Lock()
	defer pr.mu.Unlock()
	pr.owed = d
}

// owes returns what a source owes, nil for nothing. Where the source acknowledges
// in another way by now, the answer is asked for again and acknowledged so.
func (pr *progress) owes(s *Source) *debt {
	pr.mu.Lock()
	defer pr.mu.Unlock()
	if pr.owed != nil && (s.Acknowledge == nil || *s.Acknowledge != pr.owed.Acknowledgement) {
		pr.owed, pr.attempts = nil, 0
	}
	return pr.owed
}

// fail notes a failure, and reports whether it is another one than the last.
func (pr *progress) fail(kind string) (news bool) {
	pr.mu.Lock()
	defer pr.mu.Unlock()
	news = pr.failing != kind
	pr.failing = kind
	return news
}
