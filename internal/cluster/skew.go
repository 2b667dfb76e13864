package cluster

import (
	"time"

	"github.com/pollwire/pollwire/internal/store"
)

const (
	// maxSkew is how far the wall clock of a node and the database's may be apart:
	// what is due, and what is left of a limit, are times in the database that one
	// node writes by its clock and another one reads by its own.
	maxSkew = time.Second
	// endSkew is how near they must be to count as the same again: one that is about
	// maxSkew off is not to be said again and again.
	endSkew = maxSkew / 2
)

// skew is by how much the wall clock of the node is ahead of the database's: nobody
// knows when between a question and its answer the database looked at its own.
type skew struct{ least, most time.Duration }

// skewOf compares the clocks by what the database said of its members; false where it
// said nothing. Where the wall clock was set meanwhile, or the machine slept, the
// answer is as uncertain as that was long.
func skewOf(asked, answered moment, members []store.Member) (skew, bool) {
	if len(members) == 0 {
		return skew{}, false
	}
	most := answered.wall.Sub(members[0].SeenAt.Add(members[0].Age))
	return skew{most - answered.since(asked), most}, true
}

// apart says that the clocks are surely too far apart, near that they surely are not.
func (s skew) apart() bool { return s.least > maxSkew || s.most < -maxSkew }
func (s skew) near() bool  { return s.least >= -endSkew && s.most <= endSkew }

// ahead is what is most likely.
func (s skew) ahead() time.Duration { return (s.least + s.most) / 2 }

// compareClocks notices that the wall clock of the node and the database's are apart,
// and says so once when that begins and once when it has ended. Others are told with
// the next beat.
func (n *Node) compareClocks(asked, answered moment, members []store.Member) {
	s, ok := skewOf(asked, answered, members)
	if !ok {
		return
	}
	n.mu.Lock()
	was := n.self.ClockAhead != 0
	switch {
	case s.apart():
		n.self.ClockAhead = s.ahead().Round(time.Microsecond)
	case s.near():
		n.self.ClockAhead = 0
	}
	is := n.self.ClockAhead != 0
	n.mu.Unlock()
	switch {
	case is && !was:
		side := "ahead"
		if s.most < 0 {
			side = "behind"
		}
		n.logger.Warn("the clocks of this node and of the database are apart: limits, retries and schedules go by them, so set both right, by NTP as chrony does it",
			"node_is", side, "by", s.ahead().Abs().Round(time.Millisecond), "give_or_take", ((s.most - s.least) / 2).Round(time.Millisecond))
	case was && !is:
		n.logger.Info("the clocks of this node and of the database are the same again")
	}
}
