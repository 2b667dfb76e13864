package daemon

import (
	"context"
	"errors"
	"time"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
	"github.com/pollwire/pollwire/poller"
)

// sickStore is a store of which one method fails.
type sickStore struct {
	database
	sick   string
	err    error         // what that method fails with
	failed chan struct{} // closed when the disk is said to have failed
}

var errSick = errors.New("the store is sick")

// sicken puts a store in the daemon's place whose named method fails.
func sicken(d *Daemon, method string) *sickStore {
	s := &sickStore{sick: method, err: errSick, failed: make(chan struct{})}
	open := d.open
	d.open = func(ctx context.Context) (database, error) {
		var err error
		s.database, err = open(ctx)
		return s, err
	}
	return s
}

func (s *sickStore) is(method string) error {
	if s.sick == method {
		return s.err
	}
	return nil
}

func (s *sickStore) EndpointStates(ctx context.Context, endpoints ...string) ([]notify.EndpointState, error) {
	if err := s.is("EndpointStates"); err != nil {
		return nil, err
	}
	return s.database.EndpointStates(ctx, endpoints...)
}

func (s *sickStore) AddReplays(ctx context.Context, replays []store.Replay) error {
	if err := s.is("AddReplays"); err != nil {
		return err
	}
	return s.database.AddReplays(ctx, replays)
}

func (s *sickStore) Budgets(ctx context.Context, limits ...string) ([]poller.Budget, error) {
	if err := s.is("Budgets"); err != nil {
		return nil, err
	}
	return s.database.Budgets(ctx, limits...)
}

func (s *sickStore) NextRuns(ctx context.Context, sources ...string) (map[string]time.Time, error) {
	if err := s.is("NextRuns"); err != nil {
		return nil, err
	}
	return s.database.NextRuns(ctx, sources...)
}

func (s *sickStore) Record(ctx context.Context, outcomes []notify.Outcome) error {
	if err := s.is("Record"); err != nil {
		return err
	}
	return s.database.Record(ctx, outcomes)
}

func (s *sickStore) Fatal() <-chan struct{} { return s.failed }

func (s *sickStore) Err() error { return errSick }

func (s *sickStore) Ping(ctx context.Context) error {
	if err := s.is("Ping"); err != nil {
		return err
	}
	return s.database.Ping(ctx)
}
