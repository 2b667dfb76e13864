package poller

import "time"

// Schedule says when a source is due.
type Schedule interface {
	// Next returns the first due time after t, or the zero time if there is none.
	Next(t time.Time) time.Time
}
