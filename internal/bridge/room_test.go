package bridge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/poller"
)

// slowStore takes a second to commit, and counts the commits under way.
type slowStore struct {
	Store
	now, most atomic.Int64
}

func (s *slowStore) Sources(context.Context, ...string) ([]store.Source, error) { return nil, nil }

func (s *slowStore) Commit(context.Context, *store.Commit) error {
	n := s.now.Add(1)
	for most := s.most.Load(); n > most && !s.most.CompareAndSwap(most, n); most = s.most.Load() {
	}
	<-time.After(time.Second)
	s.now.Add(-1)
	return nil
}

// TestLargeAnswersAreTakenInTurn: however many large answers come in one
// second, only so many are compared at once, and all of them are in the end.
func TestLargeAnswersAreTakenInTurn(t *testing.T) {
	t.Parallel()
	for size, want := range map[int]int64{100: 10, 400: 2, 1000: 1, 5000: 1} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { observeMany(t, size, want) })
		})
	}
}

func observeMany(t *testing.T, size int, want int64) {
	s := &slowStore{}
	var sources []*Source
	for n := range 20 {
		source := document()
		source.Name = fmt.Sprint(n)
		sources = append(sources, &source)
	}
	b, err := New(t.Context(), Options{Store: s, Sources: sources, Wake: func(...string) {}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	b.room = newRoom(1000)
	body := []byte(`"` + strings.Repeat("x", size-2) + `"`)
	for n := range sources {
		go func() {
			o := &poller.Observation{Source: sources[n].Name, ContentType: "application/json", Body: body, At: time.Now()}
			if err := b.Observe(t.Context(), o); err != nil {
				t.Error(err)
			}
		}()
	}
	synctest.Wait()
	late, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("gone")
	cancel(gone)
	if err := b.Observe(late, &poller.Observation{Source: "0", Body: body}); !errors.Is(err, gone) && want < 10 {
		t.Errorf("who does not want to wait any more gets %v", err)
	}
	<-time.After(time.Minute)
	if most := s.most.Load(); most != want {
		t.Errorf("%d at once, want %d", most, want)
	}
}
