package bridge

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
)

// items is a list of the items from a number to another.
func items(from, to int) string {
	var list []string
	for i := from; i <= to; i++ {
		list = append(list, fmt.Sprintf(`{"id":%d}`, i))
	}
	return `{"data":[` + strings.Join(list, ",") + `]}`
}

func TestMaxRemovedAllows(t *testing.T) {
	t.Parallel()
	percent := func(p float64) MaxRemoved { return MaxRemoved{Percent: p, IsPercent: true} }
	for _, test := range []struct {
		max             MaxRemoved
		removed, before int
		want            bool
	}{
		{percent(50), 0, 0, true},
		{percent(50), 3, 3, true}, // three may always go
		{percent(50), 3, 4, true},
		{percent(50), 4, 4, false},
		{percent(50), 4, 7, false},
		{percent(50), 4, 8, true},
		{percent(50), 5, 9, false},
		{percent(0), 0, 100, true},
		{percent(0), 1, 100, false},
		{percent(0.1), 3, 100, true},
		{percent(100), 100, 100, true},
		{percent(0.5), 5, 1000, true},
		{percent(0.5), 6, 1000, false},
		{percent(33.3), 333, 1000, true},
		{MaxRemoved{}, 0, 10, true},
		{MaxRemoved{}, 1, 10, false},
		{MaxRemoved{Count: 2}, 2, 2, true},
		{MaxRemoved{Count: 2}, 3, 1000, false},
	} {
		if got := test.max.allows(test.removed, test.before); got != test.want {
			t.Errorf("%s of %d: %d may vanish: %t", test.max, test.before, test.removed, got)
		}
	}
	if s := percent(12.5).String() + " " + (MaxRemoved{Count: 7}).String(); s != "12.5% 7" {
		t.Error(s)
	}
}

func TestMassRemovalFailsThePoll(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	r.mustPoll(items(1, 10))
	row, polled := r.row(), r.polled
	for range 2 {
		err := r.poll(items(1, 4))
		var removal *RemovalError
		if !errors.As(err, &removal) || removal.Removed != 6 || removal.Before != 10 {
			t.Fatalf("error %v", err)
		}
		want := "6 of 10 items vanished, more than expect.max_removed (50%) allows; if that is right, run: pollwire accept shop"
		if err.Error() != want {
			t.Errorf("error %q", err)
		}
	}
	if r.row() != row || r.polled != polled {
		t.Error("the refused answer left something behind")
	}
	r.wantStory(r.news())
	// The list is whole again: nothing has happened.
	r.wantStory(r.mustPoll(items(1, 10)))
	r.wantStory(r.mustPoll(items(6, 10)), "deleted 1", "deleted 2", "deleted 3", "deleted 4", "deleted 5")
}

func TestAcceptedRemovalIsUsedUpOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	r.mustPoll(items(1, 10))
	if err := r.poll(items(1, 4)); err == nil {
		t.Fatal("accepted by nobody")
	}
	for range 2 { // twice is once
		if err := r.bridge.AcceptRemoval(t.Context(), "shop"); err != nil {
			t.Fatal(err)
		}
	}
	r.restart() // it is on disk
	r.wantStory(r.mustPoll(items(1, 4)), "deleted 5", "deleted 6", "deleted 7", "deleted 8", "deleted 9", "deleted 10")
	if r.row().AcceptRemoval {
		t.Error("the acceptance is still there")
	}
	r.mustPoll(items(1, 10))
	if err := r.poll(items(1, 4)); err == nil {
		t.Error("accepted a second time")
	}
}

// TestAcceptanceEndsWithTheNextAnswer, though that did not need it: an operator
// who accepts today's removal does not accept one of next month.
func TestAcceptanceEndsWithTheNextAnswer(t *testing.T) {
	t.Parallel()
	for name, next := range map[string]string{
		"the same bytes":  items(1, 10),
		"only noise":      strings.Replace(items(1, 10), `"id":1}`, `"id":1,"noise":1}`, 1),
		"a common change": items(1, 11),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, list())
			r.mustPoll(items(1, 10))
			if err := r.bridge.AcceptRemoval(t.Context(), "shop"); err != nil {
				t.Fatal(err)
			}
			// An answer that cannot be judged is none.
			if err := r.poll(`{"data":`); err == nil || !r.row().AcceptRemoval {
				t.Errorf("a bad answer used it up: %v", err)
			}
			r.mustPoll(next)
			if r.row().AcceptRemoval {
				t.Error("the acceptance is still on disk")
			}
			if err := r.poll(items(1, 3)); err == nil {
				t.Error("a later removal was accepted")
			}
		})
	}
}

// TestAcceptanceSurvivesABrokenCommit: the answer that used it up did not happen.
func TestAcceptanceSurvivesABrokenCommit(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	r.mustPoll(items(1, 10))
	if err := r.bridge.AcceptRemoval(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	r.store.before = 1
	if err := r.poll(items(1, 2)); !errors.Is(err, errDisk) {
		t.Fatal(err)
	}
	if got := len(r.mustPoll(items(1, 2))); got != 8 || r.row().AcceptRemoval {
		t.Errorf("%d events; row %+v", got, r.row())
	}
}

func TestNothingToAccept(t *testing.T) {
	t.Parallel()
	s := list()
	s.FailureThreshold = 1
	r := newRig(t, s)
	if err := r.bridge.AcceptRemoval(t.Context(), "shop"); !errors.Is(err, ErrNoAnswer) {
		t.Errorf("before the first poll: %v", err)
	}
	r.bridge.Fail(t.Context(), "shop", errors.New("no")) // there is a row now
	if err := r.bridge.AcceptRemoval(t.Context(), "shop"); !errors.Is(err, ErrNoAnswer) {
		t.Errorf("before the first answer: %v", err)
	}
}

// TestAcceptanceRacesPolls: whatever comes first, an acceptance that was
// acknowledged lets exactly one answer through, or is there for the next one.
func TestAcceptanceRacesPolls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, list())
		for range 20 {
			r.mustPoll(items(1, 10))
			accepted := make(chan error)
			go func() { accepted <- r.bridge.AcceptRemoval(t.Context(), "shop") }()
			err := r.poll(items(1, 2))
			if err := <-accepted; err != nil {
				t.Fatal(err)
			}
			if removed, left := err == nil, r.row().AcceptRemoval; removed == left {
				t.Fatalf("removed %t, acceptance left %t", removed, left)
			}
			if err != nil {
				r.mustPoll(items(1, 2))
			}
			if r.row().AcceptRemoval {
				t.Fatal("the acceptance was not used up")
			}
		}
	})
}
