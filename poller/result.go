package poller

import "time"

// Result is what came of a poll that has ended, for those who keep account.
type Result struct {
	// At is when it ended.
	At time.Time
	// Duration is how long its requests took, without the waits between them, and
	// Requests how many were made.
	Duration time.Duration
	Requests int
	// Status is the code of the answer, of several pages that of the first one; 0
	// where there was none.
	Status int
	// Bytes is the length of the answer, decompressed; 0 of a 304.
	Bytes int64
	// Verdict is what the [Observer] made of the answer; its zero value where Err is
	// set, unless that is a *[KeptError].
	Verdict Verdict
	// Err is why the poll failed, nil where it did not.
	Err error
}

// Verdict is what an [Observer] made of an answer.
type Verdict struct {
	// Outcome is the observer's word for it.
	Outcome string
	// Changes is how many changes it found.
	Changes int
}
