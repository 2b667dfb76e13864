package notify

import (
	"testing"
	"time"
)

// TestPaceCountsWhatMayHaveBeen: whatever the clocks say, what another process has
// made counts for as long as it may be in the window.
func TestPaceCountsWhatMayHaveBeen(t *testing.T) {
	t.Parallel()
	limit := RateLimit{Requests: 10, Per: time.Minute, Burst: 10}
	now := time.Now()
	for name, tc := range map[string]struct {
		saved Pace
		skew  time.Duration
		// next is when the next attempt may be made, total what counts.
		next  time.Duration
		total int
	}{
		"nothing":                  {saved: Pace{}},
		"what is over":             {saved: Pace{Spent: []Spend{{now.Add(-time.Minute), 10}}}},
		"what was over elsewhere":  {saved: Pace{Spent: []Spend{{now.Add(-time.Minute), 10}}}, skew: time.Second, next: time.Second, total: 10},
		"what is in the window":    {saved: Pace{Spent: []Spend{{now.Add(-50 * time.Second), 4}, {now.Add(-20 * time.Second), 6}}}, next: 10 * time.Second, total: 10},
		"what the clock was ahead": {saved: Pace{Spent: []Spend{{now.Add(time.Hour), 10}}}, next: time.Minute, total: 10},
		"what is out of order":     {saved: Pace{Spent: []Spend{{now.Add(-time.Second), 9}, {now.Add(-50 * time.Second), 1}}}, next: 10 * time.Second, total: 10},
		"what was reserved":        {saved: Pace{Reserved: 10}, next: time.Minute, total: 10},
		"nonsense":                 {saved: Pace{Reserved: 1 << 40, Spent: []Spend{{now, -5}, {time.Time{}, 3}}}, next: time.Minute, total: 10},
		// As it was when it was saved, the first counts until it is over.
		"what is reserved beside": {saved: Pace{Reserved: 3, Spent: []Spend{{now.Add(-59 * time.Second), 10}}}, next: time.Second, total: 13},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var p pacer
			p.configure(limit, now)
			p.restore(tc.saved, tc.skew, now)
			at, ok := p.next(now)
			if !ok || at.Sub(now) != tc.next || p.total != tc.total {
				t.Errorf("the next is made in %s, %d count; want %s, %d", at.Sub(now), p.total, tc.next, tc.total)
			}
			if p.reserved.covered() {
				t.Error("attempts are reserved that nobody has saved")
			}
		})
	}
}

// TestPaceIsSavedByItsAge: a clock that was set since changes nothing, and however
// much was made, what is saved is small.
func TestPaceIsSavedByItsAge(t *testing.T) {
	t.Parallel()
	var p pacer
	now := time.Now()
	p.configure(RateLimit{Requests: 1000, Per: time.Minute, Burst: 1000}, now)
	p.known = true
	for range 900 {
		p.begin(now)
		p.end(now)
		now = now.Add(60 * time.Millisecond)
	}
	saved := p.save("ops", 1, now)
	sum := 0
	for _, s := range saved.Spent {
		sum += s.Count
	}
	if sum != 900 || len(saved.Spent) > savedGrain+2 || saved.Reserved != p.chunk() {
		t.Errorf("%d of %d entries, %d reserved", sum, len(saved.Spent), saved.Reserved)
	}
	p.reserved.end(true)
	exact := p.saveExact("ops", now)
	if exact.Reserved != 0 || len(exact.Spent) < 100 || p.reserved.covered() {
		t.Errorf("%d entries, %d reserved; want all there is", len(exact.Spent), exact.Reserved)
	}
}

// TestReservationThatFailed leaves what is allowed by both states that may be on
// disk.
func TestReservationThatFailed(t *testing.T) {
	t.Parallel()
	var r reservation
	r.begin(5, 0)
	if r.covered() {
		t.Error("covered before the save has ended")
	}
	r.end(true)
	r.begin(3, 0)
	r.spend()
	r.end(false)
	if r.left != 2 || !r.stale || !r.touched {
		t.Errorf("%+v", r)
	}
	r.begin(0, 1)
	if r.covered() || !r.touched {
		t.Errorf("%+v", r)
	}
}
