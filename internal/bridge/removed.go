package bridge

import (
	"fmt"

	"github.com/pollwire/pollwire/diff"
)

// minRemoved is how many items may always vanish where max_removed is a
// percentage above 0: half of four items is no mass removal.
const minRemoved = 3

// MaxRemoved bounds how many items of a complete list may vanish at once,
// as a percentage of those that were there or as a count.
type MaxRemoved struct {
	Percent   float64
	Count     int
	IsPercent bool
}

func (m MaxRemoved) String() string {
	if m.IsPercent {
		return fmt.Sprintf("%g%%", m.Percent)
	}
	return fmt.Sprint(m.Count)
}

// allows says whether so many of the items that were there may vanish.
func (m MaxRemoved) allows(removed, before int) bool {
	if m.IsPercent {
		if m.Percent == 0 {
			return removed == 0 // who writes 0% means it
		}
		return removed <= minRemoved || float64(removed)*100 <= m.Percent*float64(before)
	}
	return removed <= m.Count
}

// RemovalError says that more items vanished from a list than is believable.
type RemovalError struct {
	Source          string
	Removed, Before int
	Max             MaxRemoved
}

func (e *RemovalError) Error() string {
	return fmt.Sprintf("%d of %d items vanished, more than expect.max_removed (%s) allows; if that is right, run: pollwire accept %s",
		e.Removed, e.Before, e.Max, e.Source)
}

// checkRemoved refuses a list from which too much vanished, unless an operator
// has accepted it.
func (st *state) checkRemoved(result diff.Result) error {
	removed := 0
	for i := range result.Changes {
		if c := &result.Changes[i]; c.Kind == diff.Deleted && !c.Filtered {
			removed++
		}
	}
	if st.row.AcceptRemoval || st.source.MaxRemoved.allows(removed, result.Before) {
		return nil
	}
	return &RemovalError{Source: st.source.Name, Removed: removed, Before: result.Before, Max: st.source.MaxRemoved}
}
