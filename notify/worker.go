package notify

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"
)

// worker serves one endpoint: it owns its backlog and its state, and posts up
// to MaxInFlight deliveries at once. What is slow or broken about an endpoint
// holds up its own worker only.
type worker struct {
	*tenure

	name    string
	session *session
	mail    *mailbox
	log     *slog.Logger
	// done is closed when the worker has returned.
	done chan struct{}

	// These belong to the worker's goroutine.
	endpoint *Endpoint
	health   *health
	backlog  *backlog
	pacer    *pacer
	// gatherAt is when a batch has waited long enough; zero while none does.
	gatherAt time.Time
	inFlight int
	answers  chan answered
	// halted says that nothing is posted any more, for good.
	halted bool
	// readAgain is when the queue is read again after a failure.
	readAgain time.Time
	// tellAgain is when an alert that could not be told is tried again.
	tellAgain time.Time
	// failures logs what comes of the attempts.
	failures failureLog
	// reading, events and alerts are the troubles of reading the queue, of reading
	// what deliveries are about, and of telling others of the endpoint.
	reading, events, alerts trouble
}

// answered is an attempt that is over.
type answered struct {
	lane     *lane
	endpoint *Endpoint
	attempt  Attempt
	verdict  Verdict
	// probe says that a half-open breaker let it through.
	probe bool
	// err says that there was no attempt, because the event could not be read.
	err error
	// saved are the deliveries of a batch that was saved for this attempt, nil
	// where it was before; broken says of which no body can be made, and why.
	saved  []int64
	broken map[int64]error
	// left is the first delivery that did not fit into the batch, 0 for none.
	left int64
}

func newWorker(s *session, e *Endpoint, state EndpointState) *worker {
	log := s.options.Logger.With("endpoint", e.Name)
	w := &worker{
		tenure: newTenure(s),
		name:   e.Name, session: s, mail: newMailbox(), done: make(chan struct{}),
		log:      log,
		health:   newHealth(e, state, time.Now()),
		failures: failureLog{log: log},
		backlog:  newBacklog(s.options.Queue, e.Name, e.order(), s.options.bounds, s.recorder.flush),
		pacer:    &pacer{},
		answers:  make(chan answered, defaultMaxInFlight),
	}
	w.configure(e)
	w.publish()
	return w
}

func (w *worker) configure(e *Endpoint) {
	w.endpoint = e
	w.health.adopt(e, time.Now())
	w.pacer.configure(e.RateLimit, time.Now())
	w.backlog.bounds.perLane = max(w.session.options.bounds.perLane, e.Batch.MaxEvents)
	w.backlog.longest = e.Retry.longest()
}

// run serves the endpoint until the session halts, or the endpoint is removed or
// released, and no attempt is under way.
func (w *worker) run() {
	defer close(w.done)
	defer w.over()
	timer := time.NewTimer(0)
	defer timer.Stop()
	w.start()
	for {
		w.checkHalted()
		w.obey(w.mail.take())
		w.keep(time.Now())
		w.reorder()
		w.read(time.Now())
		w.launch(time.Now())
		w.renewPace(time.Now())
		w.publish()
		if w.inFlight == 0 && w.ended() {
			return
		}
		w.wait(timer)
	}
}

// start makes durable what an earlier worker of the same endpoint has done, so
// that none of it is read as waiting.
func (w *worker) start() {
	if err := w.session.recorder.flush(w.ctx); err != nil {
		w.halted = true
	}
}

// checkHalted sees a halt even while there are always pages to read.
func (w *worker) checkHalted() {
	select {
	case <-w.session.halted:
		w.halted = true
	default:
	}
}

func (w *worker) obey(in mail) {
	if in.endpoint != nil {
		w.configure(in.endpoint)
	}
	if in.woken {
		w.backlog.unread = true
	}
	for _, do := range in.asked {
		do()
	}
}

// reorder changes the order of the lanes once no attempt in the old ones is
// under way.
func (w *worker) reorder() {
	if w.halted || w.ordered() || w.inFlight > 0 {
		return
	}
	if err := w.backlog.reorder(w.ctx, w.endpoint.order()); err != nil {
		w.halted = true
	}
}

// ordered reports whether the lanes are those of the configured order.
func (w *worker) ordered() bool { return w.backlog.order == w.endpoint.order() }

// postable reports whether the endpoint may be posted to.
func (w *worker) postable(now time.Time) bool {
	return !w.halted && w.ordered() && w.health.postable(now) && !w.leaving() && !w.session.queue.stuck() && w.holds()
}

// leaving reports whether the endpoint is not to be served here any more.
func (w *worker) leaving() bool { return w.mail.removed() || w.mail.released() }

// readable reports whether a page of the queue should be read now. While the
// endpoint is not posted to there is no use for it.
func (w *worker) readable(now time.Time) bool {
	return w.postable(now) && !now.Before(w.readAgain) && w.backlog.readable(now)
}

// read reads one page, so that posting goes on between the pages of a long queue.
func (w *worker) read(now time.Time) {
	if !w.readable(now) {
		return
	}
	if err := w.backlog.read(w.ctx, now); err != nil {
		w.unreadable(err, now)
	} else if w.reading.well(0) {
		w.log.Info("deliveries are read again")
	}
}

// unreadable puts off reading, and says so once for all lanes that meet it.
func (w *worker) unreadable(err error, now time.Time) {
	if now.Before(w.readAgain) || w.lost(err) {
		return
	}
	w.readAgain = now.Add(readRetryWait)
	w.log.Log(w.ctx, w.reading.failed(0), "deliveries could not be read", "err", err, "again_in", readRetryWait)
}

// launch posts what is ready.
func (w *worker) launch(now time.Time) {
	if !w.postable(now) {
		return
	}
	w.backlog.round++
	w.gatherAt = time.Time{}
	for w.inFlight < w.health.most(w.inFlight) && w.admits(now) {
		l, err := w.next(now)
		if err != nil {
			w.unreadable(err, now)
			continue
		}
		if l == nil {
			return
		}
		if !w.coalesce(l, now) {
			continue
		}
		w.inFlight++
		w.pacer.begin(now)
		a := answered{lane: l, endpoint: w.endpoint, probe: w.health.begin()}
		if l.batch == "" {
			go w.post(a, l.items[0])
		} else {
			go w.postBatch(a, slices.Clone(l.items), l.saved)
		}
	}
}

// wait returns when there is something to do.
func (w *worker) wait(timer *time.Timer) {
	now := time.Now()
	if w.readable(now) {
		w.takeAnswers(now)
		return
	}
	halted := w.session.halted
	if w.halted {
		halted = nil
	}
	timer.Stop()
	if at := w.nextDue(now); !at.IsZero() {
		timer.Reset(at.Sub(now))
	}
	select {
	case a := <-w.answers:
		now = time.Now()
		w.settle(a, now)
		w.takeAnswers(now)
	case <-w.mail.kick:
	case <-timer.C:
	case <-halted:
		w.halted = true
	}
}

// nextDue returns when the worker has something to do by itself; zero for never.
func (w *worker) nextDue(now time.Time) time.Time {
	due := w.keepDue()
	switch {
	case w.halted || w.leaving() || !w.ordered():
		return time.Time{}
	case w.health.stopped() || w.session.queue.stuck():
		return due
	case !w.holds():
		return earliest(due, now.Add(holdWait))
	case !w.health.postable(now):
		return earliest(due, w.health.postableAt())
	}
	if w.inFlight < w.health.most(w.inFlight) {
		due = earliest(due, w.launchDue(now))
	}
	if now.Before(w.readAgain) {
		due = earliest(due, w.readAgain)
	}
	return due
}

// admits reports whether the rate limit lets another attempt be made now.
func (w *worker) admits(now time.Time) bool {
	if !w.pacer.limited() {
		return true
	}
	w.backlog.rouse(now)
	at, ok := w.pacer.next(now)
	open := ok && !at.After(now)
	if len(w.backlog.ready) == 0 || !open && !w.pacer.ahead() {
		return false
	}
	return w.reserve(now) && open
}

// launchDue returns when there is something to launch that nothing is now; zero
// for never, or when an answer has come.
func (w *worker) launchDue(now time.Time) time.Time {
	due := earliest(w.backlog.due(now), w.gatherAt)
	if !w.pacer.limited() {
		return due
	}
	if len(w.backlog.ready) > 0 && w.gatherAt.IsZero() {
		due = now
	}
	at, ok := w.pacer.next(now)
	switch {
	case !ok || due.IsZero():
		return time.Time{}
	case !due.After(now) && w.reserving(now):
		return time.Time{}
	case at.After(due):
		return at
	}
	return due
}

// takeAnswers settles all that has been answered.
func (w *worker) takeAnswers(now time.Time) {
	for {
		select {
		case a := <-w.answers:
			w.settle(a, now)
		default:
			return
		}
	}
}

// settle acts on an attempt that is over.
func (w *worker) settle(a answered, now time.Time) {
	w.inFlight--
	w.pacer.end(now)
	w.health.end(a.probe)
	if a.lane.batch != "" && !w.kept(&a, now) {
		return
	}
	switch {
	case a.err != nil:
		head := a.lane.items[0].id
		w.backlog.wait(a.lane, now.Add(readRetryWait))
		w.log.Log(w.ctx, w.events.failed(head), "event could not be read", "delivery", head, "err", a.err, "again_in", readRetryWait)
		return
	case a.verdict.Action == Drop:
		w.dropped()
		w.backlog.place(a.lane, now)
		return
	}
	if a.verdict.Action == Disable {
		a.attempt.Error += disabledNow
	}
	head := &a.lane.items[0]
	if w.events.well(head.id) {
		w.log.Info("events are read again")
	}
	o := conclude(head, a.attempt, a.verdict, a.endpoint.Retry, now, rand.Float64())
	o.Endpoint = w.name
	w.react(finding{
		verdict: a.verdict, delivery: head.id, reason: a.attempt.Error, probe: a.probe, dead: o.State == Dead,
	}, now)
	w.failures.tell(head, &o, a.verdict.Action != Deliver)
	report := Report{Endpoint: w.name, Attempt: o.Attempt, Posted: o.Attempt.Number > head.posts}
	if a.lane.batch != "" {
		w.settleBatch(a, o, report, now)
		return
	}
	report.ended(o.State)
	w.session.options.Done(report)
	w.session.recorder.add(w.tenure, o)
	if o.State != Waiting {
		w.backlog.finish(a.lane, now)
		return
	}
	head.posts, head.attempts, head.notBefore = o.Attempt.Number, o.Attempts, o.NotBefore
	w.backlog.place(a.lane, now)
}

func (w *worker) publish() {
	w.mail.publish(EndpointStatus{
		EndpointState: w.health.state, Enabled: w.endpoint.Enabled, LastError: w.failures.lastError,
		InFlight: w.inFlight, Held: w.backlog.held, Lanes: len(w.backlog.lanes),
	})
}

// ask has the worker do something between two steps and returns its error.
func (w *worker) ask(ctx context.Context, do func() error) error {
	answer := make(chan error, 1)
	w.mail.ask(func() { answer <- do() })
	select {
	case err := <-answer:
		return err
	case <-w.done:
		if w.mail.released() {
			return ErrElsewhere
		}
		return ErrNotRunning
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
