package notify

import "log/slog"

// maxTroubled is how many subjects a trouble keeps apart.
const maxTroubled = 1024

// trouble is a failure that comes again until something is repaired: the first
// time is for the operator, the others for who looks closely. It belongs to one
// goroutine.
type trouble struct {
	// in are the subjects that are in it.
	in map[int64]struct{}
}

// failed notes that something failed, and returns at which level that is logged.
func (t *trouble) failed(subject int64) slog.Level {
	level := slog.LevelDebug
	if len(t.in) == 0 {
		t.in = make(map[int64]struct{})
		level = slog.LevelError
	}
	if len(t.in) < maxTroubled {
		t.in[subject] = struct{}{}
	}
	return level
}

// well notes that it did not fail, and reports whether all trouble is over by that.
func (t *trouble) well(subject int64) bool {
	if _, ok := t.in[subject]; !ok {
		return false
	}
	delete(t.in, subject)
	return len(t.in) == 0
}
