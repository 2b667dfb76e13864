package bridge

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/pollwire/pollwire/internal/store"
)

// TestRenamedSourceGoesOn where the one of its older name stopped: what changed
// meanwhile is told, under the next number.
func TestRenamedSourceGoesOn(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	r.mustPoll(isUp)
	r.wantStory(r.mustPoll(isDown), "updated 1")
	r.source.Name = "store"
	for range 2 { // a second start finds nothing to do
		if err := TakeOver(t.Context(), r.store, map[string]string{"store": "shop"}, r.logging); err != nil {
			t.Fatal(err)
		}
	}
	r.restart()
	if r.polled.RawHash == [32]byte{} {
		t.Error("the poller's state was not taken over")
	}
	events := r.mustPoll(isUp)
	r.wantStory(events, "updated 1")
	if e := events[0]; e.Source != "store" || e.Sequence != 2 || string(dataOf(e).Before) != `{"id":1,"v":"down"}` {
		t.Errorf("event %+v: %s", e, e.Data)
	}
}

// renamer answers every name with an error.
type renamer map[string]error

func (r renamer) Rename(_ context.Context, from, _ string) error { return r[from] }

func TestTakeOverSaysWhatItDid(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s := renamer{"old-a": nil, "old-b": store.ErrConflict, "old-c": store.ErrNotFound, "old-d": errDisk}
	if err := TakeOver(t.Context(), s, map[string]string{"a": "old-a", "b": "old-b", "c": "old-c"}, logger); err != nil {
		t.Error(err)
	}
	for _, want := range []string{
		`level=INFO msg="source took over the state of its older name" source=a formerly=old-a`,
		`level=WARN msg="source has a state of its own, so that of its older name is left alone" source=b formerly=old-b`,
		`level=DEBUG msg="source has nothing to take over" source=c formerly=old-c`,
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("log lacks %s:\n%s", want, &log)
		}
	}
	if err := TakeOver(t.Context(), s, map[string]string{"d": "old-d"}, logger); !errors.Is(err, errDisk) || !strings.Contains(err.Error(), "take over the state of old-d for source d") {
		t.Error(err)
	}
}
