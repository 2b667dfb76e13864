package dashboard

import (
	"fmt"

	"github.com/pollwire/pollwire/internal/server"
)

// activity is a picture of bars, such as that of the changes of the last hours;
// template "activity".
type activity struct {
	Total, Most   int64
	Label         string
	Width, Height int
	Bars          []activityBar
	// Axis are the words below it: left, in the middle, right.
	Axis [3]string
}

// activityBar is one bar, such as an hour.
type activityBar struct {
	X, Y, Width, Height float64
	Class, Title        string
}

const (
	activityHeight = 64
	activityStep   = 20
	activityGap    = 4
)

// newActivity draws counts, one an hour, the oldest first.
func newActivity(counts []int64) activity {
	a := activity{Width: len(counts)*activityStep - activityGap, Height: activityHeight, Axis: [3]string{"24 h ago", "12 h", "now"}}
	for _, n := range counts {
		a.Total += n
		a.Most = max(a.Most, n)
	}
	for i, n := range counts {
		height, class := 2.0, "bar none" // an hour without changes is seen to be one
		if n > 0 {
			class = "bar"
			height = 4 + float64(n)*(activityHeight-4)/float64(a.Most)
		}
		hours := len(counts) - 1 - i
		when := fmt.Sprintf("%d to %d h ago", hours+1, hours)
		if hours == 0 {
			when = "the last hour"
		}
		a.Bars = append(a.Bars, activityBar{
			X: float64(i * activityStep), Y: activityHeight - height, Width: activityStep - activityGap, Height: height,
			Class: class, Title: fmt.Sprintf("%s: %d", when, n),
		})
	}
	a.Label = fmt.Sprintf("Changes in the last %d hours: %d, at most %d in one", len(counts), a.Total, a.Most)
	return a
}

// sumChanges adds up the hours of all sources.
func sumChanges(sources []server.Source) []int64 {
	sum := make([]int64, 24)
	for i := range sources {
		changes := sources[i].Changes
		if len(changes) > len(sum) {
			changes = changes[len(changes)-len(sum):]
		}
		for j, n := range changes {
			sum[len(sum)-len(changes)+j] += n
		}
	}
	return sum
}
