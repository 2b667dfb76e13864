package eventlog

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

// The cursors that need no event.
const (
	// Beginning is before the first event of the log.
	Beginning = "beginning"
	// Now is behind the last one.
	Now = "now"
)

// CursorError says that a cursor is of no use, and what to do about it.
type CursorError struct {
	Reason string
	// Lost says that the cursor is well formed, but that the log has no place for it.
	Lost bool
}

func (e *CursorError) Error() string { return e.Reason }

// markLength is how many characters of an event's ID mark its cursor, of the
// random ones at its end.
const markLength = 8

// place is a place in the log, behind a position. As text it is the position
// and, behind a dash, the mark of its event: so a cursor that is older than the
// backup that was restored since is found out, even where its position has
// another event by now.
type place struct {
	position int64
	// mark is empty where the event is not known.
	mark string
}

func newPlace(e *notify.Event) place {
	return place{e.Position, e.ID[max(0, len(e.ID)-markLength):]}
}

// markAt is the mark where the place is at a position.
func (p place) markAt(position int64) string {
	if p.position != position {
		return ""
	}
	return p.mark
}

func (p place) String() string {
	if p.mark == "" {
		return strconv.FormatInt(p.position, 10)
	}
	return strconv.FormatInt(p.position, 10) + "-" + p.mark
}

func parsePlace(text string) (place, error) {
	digits, mark, marked := strings.Cut(text, "-")
	position, err := strconv.ParseInt(digits, 10, 64)
	canonical := err == nil && position >= 0 && strconv.FormatInt(position, 10) == digits
	if !canonical || marked && (mark == "" || len(mark) > markLength || strings.Trim(mark, "0123456789ABCDEFGHJKMNPQRSTVWXYZ") != "") {
		return place{}, &CursorError{Reason: fmt.Sprintf(
			"%.60q is no cursor: give the next of a page, the id of an event, %s or %s", text, Beginning, Now)}
	}
	return place{position, mark}, nil
}

// resolve finds the place of a cursor.
func (l *Log) resolve(ctx context.Context, after string) (place, error) {
	switch {
	case after == "" || after == Beginning:
		return place{}, nil
	case after == Now:
		last, err := l.store.LastPosition(ctx)
		if err != nil {
			return place{}, fmt.Errorf("find end of the log: %w", err)
		}
		return place{position: last}, nil
	case strings.HasPrefix(after, "evt_"):
		event, err := l.store.EventByID(ctx, after)
		if errors.Is(err, store.ErrNotFound) {
			return place{}, &CursorError{Lost: true, Reason: fmt.Sprintf(
				"there is no event %.60q in the log; it may have been removed by retention: begin anew, with after=%s", after, Beginning)}
		}
		if err != nil {
			return place{}, fmt.Errorf("find event of a cursor: %w", err)
		}
		return newPlace(&event), nil
	}
	p, err := parsePlace(after)
	if err != nil {
		return place{}, err
	}
	return p, l.verify(ctx, p)
}

// verify finds out cursors of another log. One whose event was removed by
// retention is believed.
func (l *Log) verify(ctx context.Context, p place) error {
	if p.position == 0 {
		return nil
	}
	known, inTail := l.tail.mark(p.position)
	if !inTail {
		last, err := l.store.LastPosition(ctx)
		if err != nil {
			return fmt.Errorf("find end of the log: %w", err)
		}
		if p.position > last {
			return foreign(p)
		}
		if p.mark == "" {
			return nil
		}
		event, err := l.store.Event(ctx, p.position)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("find event of a cursor: %w", err)
		}
		known = newPlace(&event).mark
	}
	if p.mark != "" && p.mark != known {
		return foreign(p)
	}
	return nil
}

func foreign(p place) error {
	return &CursorError{Lost: true, Reason: fmt.Sprintf(
		"the cursor %q belongs to another log, perhaps from before a backup was restored: begin anew, with after=%s", p, Beginning)}
}
