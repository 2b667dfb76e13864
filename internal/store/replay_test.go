package store_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pollwire/pollwire/internal/store"
)

// TestBoundReplays: each replay has bounds of its own kind, and what is the same for
// many is looked for once.
func TestBoundReplays(t *testing.T) {
	t.Parallel()
	since, until := time.UnixMicro(1000), time.UnixMicro(2000)
	replays := []store.Replay{
		{Endpoint: "all", Told: 9},
		{Endpoint: "all too"},
		{Endpoint: "some", Since: since, Until: until},
		{Endpoint: "some too", Since: since, Until: until},
		{Endpoint: "dead", Dead: true},
		{Endpoint: "dead too", Dead: true},
		{Endpoint: "first", First: true, Since: since, Until: until},
		{Endpoint: "late", Since: since},
		{Endpoint: "first of all", First: true, Start: 9, Reached: 9, Last: 9},
		{Endpoint: "first of none", First: true, Since: since, FinishedAt: until},
	}
	type asked struct {
		Endpoint     string
		Since, Until int64
	}
	var asks []asked
	err := store.BoundReplays(t.Context(), replays, func(_ context.Context, r *store.Replay, since, until int64) ([2]int64, error) {
		asks = append(asks, asked{r.Endpoint, since, until})
		n := int64(10 * len(asks))
		return [2]int64{n, n + 5}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]asked{
		{"all", math.MinInt64, math.MaxInt64},
		{"some", 1000, 2000},
		{"dead", math.MinInt64, math.MaxInt64},
		{"dead too", math.MinInt64, math.MaxInt64},
		{"first", 1000, math.MaxInt64},
	}, asks); d != "" {
		t.Errorf("asked (-want +got):\n%s", d)
	}
	var got [][4]int64
	for _, r := range replays {
		got = append(got, [4]int64{r.Start, r.Reached, r.Last, r.Told})
	}
	if d := cmp.Diff([][4]int64{
		{10, 10, 15}, {10, 10, 15}, {20, 20, 25}, {20, 20, 25}, {30, 30, 35}, {40, 40, 45}, {50, 50, 0}, {50, 50, 55}, {}, {},
	}, got); d != "" {
		t.Errorf("start, reached, last, told (-want +got):\n%s", d)
	}
	err = store.BoundReplays(t.Context(), replays, func(context.Context, *store.Replay, int64, int64) ([2]int64, error) {
		return [2]int64{}, errRead
	})
	if !errors.Is(err, errRead) {
		t.Errorf("got %v", err)
	}
}

func TestAheadOfReplay(t *testing.T) {
	t.Parallel()
	at := time.UnixMicro(1000)
	for name, test := range map[string]struct {
		replay store.Replay
		want   [3]int64
	}{
		"all":   {store.Replay{Last: 7}, [3]int64{7, math.MinInt64, math.MaxInt64}},
		"some":  {store.Replay{Last: 7, Since: at, Until: at.Add(time.Second)}, [3]int64{7, 1000, 1001000}},
		"first": {store.Replay{First: true, Since: at}, [3]int64{math.MaxInt64, math.MinInt64, math.MaxInt64}},
	} {
		last, since, until := test.replay.Ahead()
		if got := [3]int64{last, since, until}; got != test.want {
			t.Errorf("%s: got %v, want %v", name, got, test.want)
		}
	}
}
