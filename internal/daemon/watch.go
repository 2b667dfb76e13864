package daemon

import (
	"context"
	"time"

	"github.com/pollwire/pollwire/internal/server"
)

// surveyInterval is how often the place of the database is looked at.
const surveyInterval = 10 * time.Second

// watchStore looks after the store until ctx is done: it ends the daemon where
// nothing can be written any more, and where only a new start puts the database
// back to its place, and logs what the operator should do before it comes to that.
func (d *Daemon) watchStore(ctx context.Context, s database) {
	ticker := time.NewTicker(surveyInterval)
	defer ticker.Stop()
	problem, warning := turn{}, turn{}
	for {
		survey := s.Survey()
		if news, _ := problem.is(survey.Problem); news {
			d.logger.Error("the database is not where it was", "err", survey.Problem)
		}
		if survey.Reopen {
			d.fail(survey.Problem)
			return
		}
		switch news, over := warning.is(survey.Warning); {
		case news:
			d.logger.Warn("the disk is short of space", "err", survey.Warning)
		case over:
			d.logger.Info("the disk has space again")
		}
		select {
		case <-ctx.Done():
			return
		case <-s.Fatal():
			d.fail(s.Err())
			return
		case <-ticker.C:
		}
	}
}

// turn keeps what stays as it is out of the log.
type turn struct{ failing bool }

// is says whether err is the first after none, and whether it is the end of them.
func (t *turn) is(err error) (news, over bool) {
	was := t.failing
	t.failing = err != nil
	return t.failing && !was, was && !t.failing
}

// checks are what makes the daemon ready, and what the operator is warned of.
func (d *Daemon) checks() []server.Check {
	checks := []server.Check{
		{Name: "database", Func: d.store.Ping},
		{Name: "loops", Func: d.Alive},
		// A small write may find room where a larger one does not.
		{Name: "deliveries", Func: func(context.Context) error { return d.dispatcher.Blocked() }},
		{Name: "disk", Warning: true, Func: func(context.Context) error { return d.store.Survey().Warning }},
	}
	if d.others != nil {
		checks = append(checks, d.others.checks()...)
	}
	return checks
}
