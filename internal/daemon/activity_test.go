package daemon

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/pollwire/pollwire/internal/store"
)

// changesLog is a log of changes in memory, position i+1 at index i.
type changesLog struct {
	changes []change
	reads   int
	counted int64
	err     error
	// during runs inside each read.
	during func()
}

type change struct {
	source string
	at     time.Time
}

func (l *changesLog) LastPosition(context.Context) (int64, error) {
	return int64(len(l.changes)), l.err
}

func (l *changesLog) Activity(_ context.Context, q store.ActivityQuery) ([]store.Activity, error) {
	l.reads++
	if l.during != nil {
		l.during()
	}
	var found []store.Activity
	for _, c := range l.changes[q.After:q.Until] {
		l.counted++
		if !c.at.Before(q.Since) {
			found = append(found, store.Activity{Source: c.source, Begin: c.at.Truncate(q.Step), Changes: 1})
		}
	}
	return found, l.err
}

// What is counted on the way is what there is to count, whatever comes when, and
// also where the clock is set back.
func TestActivityCountsTheLastDay(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		log := &changesLog{}
		a := newActivity(log)
		now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		t.Repeat(map[string]func(*rapid.T){
			"change": func(t *rapid.T) {
				for range rapid.IntRange(1, 5).Draw(t, "changes") {
					late := time.Duration(rapid.IntRange(0, 30*3600).Draw(t, "late")) * time.Second
					log.changes = append(log.changes, change{rapid.SampledFrom([]string{"a", "b"}).Draw(t, "source"), now.Add(-late)})
				}
			},
			"wait": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(0, 40*60).Draw(t, "minutes")) * time.Minute)
			},
			"set the clock back": func(t *rapid.T) {
				now = now.Add(-time.Duration(rapid.IntRange(0, 5*60).Draw(t, "minutes")) * time.Minute)
				for i := range log.changes {
					if log.changes[i].at.After(now) {
						log.changes[i].at = now // what is of the future has a test of its own
					}
				}
				a = newActivity(log)
			},
			"": func(t *rapid.T) {
				if err := a.read(t.Context(), now); err != nil {
					t.Fatal(err)
				}
				for _, source := range []string{"a", "b", "never"} {
					if d := cmp.Diff(counted(log, source, now), a.of(source)); d != "" {
						t.Fatalf("changes of %s (-want +got):\n%s", source, d)
					}
				}
			},
		})
	})
}

// counted counts anew.
func counted(log *changesLog, source string, now time.Time) []int64 {
	want := make([]int64, activityHours)
	for _, c := range log.changes {
		if ago := now.Unix()/3600 - c.at.Unix()/3600; c.source == source && ago < activityHours {
			want[activityHours-1-ago]++
		}
	}
	return want
}

// A clock that is set back leaves changes of the future, and hours that have
// been counted and are yet to come.
func TestActivityAfterTheClockWasSetBack(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 13, 30, 0, 0, time.UTC)
	log := &changesLog{changes: []change{{"a", now.Add(-2 * time.Hour)}, {"a", now}}}
	a := newActivity(log)
	want := make([]int64, activityHours)
	for _, step := range []struct {
		set  time.Duration
		want map[int]int64 // by hours ago
	}{
		{0, map[int]int64{2: 1, 0: 1}},
		{-time.Hour, map[int]int64{1: 1, 0: 1}},
		{-5 * time.Hour, map[int]int64{0: 2}},
		{time.Hour, map[int]int64{6: 2}},
	} {
		if err := a.read(t.Context(), now.Add(step.set)); err != nil {
			t.Fatal(err)
		}
		clear(want)
		for ago, n := range step.want {
			want[activityHours-1-ago] = n
		}
		if d := cmp.Diff(want, a.of("a")); d != "" {
			t.Errorf("set by %v (-want +got):\n%s", step.set, d)
		}
	}
}

// A source that has been quiet for a day takes no room.
func TestActivityForgets(t *testing.T) {
	t.Parallel()
	log := &changesLog{changes: []change{{"a", time.Unix(0, 0)}}}
	a := newActivity(log)
	for hour := range activityHours + 1 {
		if err := a.read(t.Context(), time.Unix(int64(hour)*3600, 0)); err != nil {
			t.Fatal(err)
		}
		if want := hour < activityHours; (len(a.counts) == 1) != want {
			t.Errorf("hour %d: %d sources", hour, len(a.counts))
		}
	}
}

// Many who look at once read the log once, and only what came since it was read
// before. One that gives up does not wait for the others.
func TestActivityIsSharedByThoseWhoLook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := &changesLog{changes: slices.Repeat([]change{{"a", time.Now()}}, 100)}
		hold := make(chan struct{})
		log.during = func() { <-hold }
		a := newActivity(log)
		look := func() {
			changes, release, err := a.Changes(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			defer release()
			if n := changes("a")[activityHours-1]; n != int64(len(log.changes)) {
				t.Errorf("%d changes", n)
			}
		}
		for range 10 {
			go look()
		}
		synctest.Wait()
		ctx, cancel := context.WithCancelCause(t.Context())
		gone := errors.New("gone")
		cancel(gone)
		if _, _, err := a.Changes(ctx); !errors.Is(err, gone) {
			t.Errorf("one that gave up got %v", err)
		}
		close(hold)
		synctest.Wait()
		if log.reads != 1 {
			t.Errorf("%d reads", log.reads)
		}
		<-time.After(activityAge)
		log.changes = append(log.changes, change{"a", time.Now()})
		log.counted = 0
		look()
		if log.reads != 2 || log.counted != 1 {
			t.Errorf("%d reads, of %d changes", log.reads, log.counted)
		}
	})
}

// A read that fails is tried again by the next who looks.
func TestActivityReadsAgainAfterAnError(t *testing.T) {
	t.Parallel()
	log := &changesLog{err: errors.New("the disk says no"), changes: []change{{"a", time.Now()}}}
	a := newActivity(log)
	if _, _, err := a.Changes(t.Context()); !errors.Is(err, log.err) {
		t.Errorf("got %v", err)
	}
	log.err = nil
	changes, release, err := a.Changes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if n := changes("a")[activityHours-1]; n != 1 {
		t.Errorf("%d changes", n)
	}
}
