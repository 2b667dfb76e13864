package sqlite

import (
	"context"
	"fmt"

	"github.com/pollwire/pollwire/notify"
)

// ownLane is the lane of a delivery without the beginning that notify.ReplayLane
// gives it. SQLite's substr of text stops at a NUL, that of blobs does not.
const ownLane = "CASE WHEN replay = 0 OR lane = '' THEN lane ELSE CAST(substr(CAST(lane AS BLOB), 9) AS TEXT) END"

// laneSource is the source that a lane is of. Where the lane names one, that is
// its name of today, which the log may not have.
const laneSource = "CASE WHEN instr(" + ownLane + ", char(0)) > 1 THEN substr(" + ownLane + ", 1, instr(" + ownLane + `, char(0)) - 1)
	WHEN ` + ownLane + " NOT IN ('', char(0)) THEN " + ownLane + `
	ELSE (SELECT e.source FROM events e WHERE e.position = deliveries.event) END`

// withReplay is the beginning of the lane of a delivery.
const withReplay = "CASE WHEN replay = 0 THEN '' ELSE char(0) || 'replay' || char(0) END || "

// laneIn gives, for each order, the lane of a delivery in it, and which lanes
// are none of its own.
var laneIn = map[notify.Order]struct{ lane, other string }{
	notify.OrderNone:     {"''", "lane <> ''"},
	notify.OrderEndpoint: {withReplay + "char(0)", ownLane + " <> char(0)"},
	notify.OrderSource:   {withReplay + laneSource, "(lane = '' OR instr(" + ownLane + ", char(0)) > 0)"},
	notify.OrderItem: {
		withReplay + laneSource + " || char(0) || (SELECT e.subject FROM events e WHERE e.position = deliveries.event)",
		"instr(" + ownLane + ", char(0)) < 2",
	},
}

// relabelBatch bounds the deliveries that one transaction relabels, so that
// other writes never wait long for it.
const relabelBatch = 1000

const findRelabel = "SELECT id FROM deliveries WHERE state = 'waiting' AND endpoint = ? AND id > ? ORDER BY id LIMIT ?"

// Relabel gives the waiting deliveries of an endpoint whose lane is none of an
// order's the one that they have in it.
func (s *Store) Relabel(ctx context.Context, endpoint string, order notify.Order) error {
	in, ok := laneIn[order]
	if !ok {
		return fmt.Errorf("relabel deliveries of endpoint %s: no order %q", endpoint, order)
	}
	relabel := "UPDATE deliveries SET lane = " + in.lane +
		" WHERE state = 'waiting' AND endpoint = ? AND id > ? AND id <= ? AND " + in.other
	for after := int64(0); ; {
		found, err := list(ctx, s.reader, scanID, findRelabel, endpoint, after, relabelBatch)
		if err == nil && len(found) > 0 {
			last := found[len(found)-1]
			err = s.write(ctx, 64*len(found), func(s *session) error {
				_, err := s.exec(relabel, endpoint, after, last)
				return err
			})
			after = last
		}
		if err != nil {
			return fmt.Errorf("relabel deliveries of endpoint %s: %w", endpoint, err)
		}
		if len(found) < relabelBatch {
			return nil
		}
	}
}
