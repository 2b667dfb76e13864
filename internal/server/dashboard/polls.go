package dashboard

import (
	"fmt"
	"slices"

	"github.com/pollwire/pollwire/internal/server"
)

const (
	// drawnPolls is how many polls the picture shows, and listedPolls how many the
	// table lists before the rest is unfolded.
	drawnPolls  = 80
	listedPolls = 12
)

// pollsView is what is shown of the last polls of a source.
type pollsView struct {
	// Picture shows how long each took and what it came to; template "activity".
	Picture activity
	// First are the newest, Rest those that are unfolded.
	First, Rest []pollRow
	// Failed counts those that failed of Count.
	Count, Failed int
	// Usual is how long half of them took at most, in milliseconds.
	Usual int64
}

// pollRow is a poll, as the table shows it.
type pollRow struct {
	server.Poll
	// Same says that it failed for the reason for which the next one did, which is
	// said there.
	Same bool
}

// newPolls shows polls, which come the newest first.
func newPolls(polls []server.Poll) pollsView {
	v := pollsView{Count: len(polls), Usual: medianDuration(polls), Picture: drawPolls(polls[:min(len(polls), drawnPolls)])}
	rows, above := make([]pollRow, len(polls)), ""
	for i := range polls {
		if i == listedPolls {
			above = ""
		}
		rows[i] = pollRow{polls[i], polls[i].Error != "" && polls[i].Error == above}
		above = polls[i].Error
		if polls[i].Outcome == server.PollFailed {
			v.Failed++
		}
	}
	v.First = rows
	if len(rows) > listedPolls+3 { // it is not worth it for two or three
		v.First, v.Rest = rows[:listedPolls], rows[listedPolls:]
	}
	return v
}

// drawPolls draws how long polls took, the oldest at the left. One that took very
// long does not flatten all others: beyond four times the usual it ends at the top.
func drawPolls(polls []server.Poll) activity {
	a := activity{Width: drawnPolls*activityStep - activityGap, Height: activityHeight, Axis: [3]string{"older", "", "now"}}
	top := max(4*medianDuration(polls), 1)
	longest := int64(1)
	for i := range polls {
		longest = max(longest, polls[i].DurationMS)
	}
	top = min(top, longest)
	for i := len(polls) - 1; i >= 0; i-- {
		p := &polls[i]
		height := 3 + float64(min(p.DurationMS, top))*(activityHeight-3)/float64(top)
		a.Bars = append(a.Bars, activityBar{
			X: float64((drawnPolls - 1 - i) * activityStep), Y: activityHeight - height, Width: activityStep - activityGap, Height: height,
			Class: pollClass(p), Title: fmt.Sprintf("%s, %s, %s", p.At.UTC().Format("15:04:05"), p.Outcome, milliseconds(p.DurationMS)),
		})
	}
	a.Label = fmt.Sprintf("How long the last %d polls took; half of them within %s", len(polls), milliseconds(medianDuration(polls)))
	return a
}

// pollClass is the class of the bar of a poll.
func pollClass(p *server.Poll) string {
	switch p.Outcome {
	case server.PollFailed:
		return "bar bad"
	case server.PollUnchanged:
		return "bar quiet"
	default:
		return "bar"
	}
}

// medianDuration is how long half of the polls took at most.
func medianDuration(polls []server.Poll) int64 {
	if len(polls) == 0 {
		return 0
	}
	durations := make([]int64, len(polls))
	for i := range polls {
		durations[i] = polls[i].DurationMS
	}
	slices.Sort(durations)
	return durations[(len(durations)-1)/2]
}
