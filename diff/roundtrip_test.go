package diff

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	jsonpatch "github.com/evanphx/json-patch/v5"
)

// tripOptions are the rules that round trips are made by: whatever they are, a
// patch is exact.
func tripOptions() []Options {
	keys := map[string][]string{"@this": {"id"}, "a": {"id"}, "a.#.b": {"id"}}
	return []Options{
		{},
		{Keys: keys},
		{IgnoreOrder: true},
		{Keys: keys, IgnoreOrder: true, SignificantDigits: 3},
		{Ignore: []string{"b", "*.a", "#.c", "0"}, Keys: keys},
	}
}

func tripRules(tb testing.TB) []*Rules {
	tb.Helper()
	var rules []*Rules
	for _, o := range tripOptions() {
		rules = append(rules, mustCompile(tb, o))
	}
	return rules
}

// trip is a comparison, and what is known of it from where it was made.
type trip struct {
	was, now      any
	before, after []byte
	patch         []Operation
	changed       bool
}

func (t *trip) String() string {
	return fmt.Sprintf("before %s\nafter  %s\npatch  %s", t.before, t.after, AppendPatch(nil, t.patch))
}

// makeTrip compares two documents by some of the rules. Few of them are equal.
func makeTrip(g generator, rules []*Rules) (*trip, error) {
	const tries = 10
	t := &trip{}
	equal, isList := true, g.pick(8) == 0
	for try := g.pick(tries); equal && try < tries; try++ {
		if isList {
			t.was, t.now = g.collections()
		} else {
			t.was = g.value(2)
			t.now = g.mutate(t.was)
		}
		equal = sameValue(t.was, t.now)
	}
	t.before, t.after = g.write(t.was), g.write(t.now)
	which := g.pick(len(rules))
	result, err := Compare(t.before, t.after, rules[which])
	if err != nil {
		return nil, err
	}
	if t.changed = len(result.Changes) > 0; t.changed {
		t.patch = result.Changes[0].Patch
	}
	// The first rules are exact; by the others less may be seen.
	if equal == t.changed && (equal || which < 2) {
		return nil, fmt.Errorf("equal is %v in truth\n%s", equal, t)
	}
	return t, nil
}

// TestRoundTrips makes patches of random documents, and lets three apply them:
// this package, the slow reference, and a library of others. All must arrive at
// the newer document, as the generator has it. They are judged in batches, as each
// call of the others has a cost of its own that is far above that of a small document.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	const shards, batch = 4, 64
	trips := manyCases
	if testing.Short() || raceEnabled {
		trips /= 20
	}
	rules := tripRules(t)
	var moved, judged atomic.Int64
	t.Run("shards", func(t *testing.T) {
		for shard := range uint64(shards) {
			t.Run(fmt.Sprint(shard), func(t *testing.T) {
				t.Parallel()
				b := tripBatch{}
				for n := uint64(0); b.judged < trips/shards; n++ {
					trip, err := makeTrip(generator{dice{rand.New(rand.NewPCG(10+shard, n))}}, rules)
					if err == nil {
						err = b.add(trip, batch)
					}
					if err != nil {
						t.Fatalf("up to trip %d: %v", n, err)
					}
				}
				moved.Add(int64(b.moved))
				judged.Add(int64(b.judged))
			})
		}
	})
	if judged.Load() < int64(trips) || moved.Load() < int64(trips/100) {
		t.Errorf("only %d of %d trips have a move", moved.Load(), judged.Load())
	}
}

// tripBatch are trips that are judged together.
type tripBatch struct {
	trips         []*trip
	judged, moved int
}

// add has the batch judged when it is full. Of trips without a patch, and those
// whose patch the library takes for another, no more is asked.
func (b *tripBatch) add(t *trip, size int) error {
	if !t.changed || slices.ContainsFunc(t.patch, leadsThroughEmptyName) {
		return nil
	}
	if slices.ContainsFunc(t.patch, func(o Operation) bool { return o.Op == "move" }) {
		b.moved++
	}
	if b.trips = append(b.trips, t); len(b.trips) < size {
		return nil
	}
	b.judged += len(b.trips)
	err := judge(b.trips)
	for i := 0; err != nil && i < len(b.trips); i++ {
		// One of them is to blame.
		if alone := judge(b.trips[i : i+1]); alone != nil {
			return fmt.Errorf("%w\n%s", alone, b.trips[i])
		}
	}
	b.trips = b.trips[:0]
	return err
}

// judge applies the patches of trips. The library gets all documents as one, and
// what is to be decoded is decoded at once.
func judge(trips []*trip) error {
	ours, docs, patches, all := []byte{'['}, []byte{'['}, []byte{'['}, []Operation(nil)
	for i, t := range trips {
		if i > 0 {
			ours, docs, patches = append(ours, ','), append(docs, ','), append(patches, ',')
		}
		got, err := Apply(t.before, t.patch)
		if err != nil {
			return err
		}
		ours, docs, patches = append(ours, got...), append(docs, t.before...), AppendPatch(patches, t.patch)
		place := "/" + strconv.Itoa(i)
		for _, o := range t.patch {
			o.Path, o.From = place+o.Path, place+o.From
			all = append(all, o)
		}
	}
	ours, docs, patches = append(ours, ']'), append(docs, ']'), append(patches, ']')
	theirs, err := applyTheirs(docs, all)
	if err != nil {
		return fmt.Errorf("the library: %w", err)
	}
	our, their, patch := parseAny(ours).([]any), parseAny(theirs).([]any), parseAny(patches).([]any)
	for i, t := range trips {
		slow, err := patchSlowly(decoded(t.was), patch[i].([]any))
		switch {
		case err != nil:
			return fmt.Errorf("the reference: %w", err)
		case !isValue(slow, t.now):
			return fmt.Errorf("the reference gives %v", slow)
		case !isValue(our[i], t.now):
			return fmt.Errorf("Apply gives %v", our[i])
		case !isValue(their[i], t.now):
			return fmt.Errorf("the library gives %v", their[i])
		}
	}
	return nil
}

// applyTheirs applies a patch by a library of others.
func applyTheirs(doc []byte, patch []Operation) ([]byte, error) {
	theirs, err := jsonpatch.DecodePatch(AppendPatch(nil, patch))
	if err != nil {
		return nil, err
	}
	return theirs.Apply(doc)
}

// theirsDiffers reports operations that the library takes for another, or fails
// at: those through empty names, copies and moves of whole documents, and tests
// for what has a null in it.
func theirsDiffers(o Operation) bool {
	return leadsThroughEmptyName(o) || strings.Contains(o.From+"/", "//") || o.Op == "copy" && (o.Path == "" || o.From == "") ||
		o.Op == "move" && o.Path == "" || o.Op == "test" && bytes.Contains(o.Value, []byte("null"))
}

func TestWithTestsFitsOneDocument(t *testing.T) {
	t.Parallel()
	rules := tripRules(t)
	refused := 0
	for n := range uint64(2000) {
		g := generator{dice{rand.New(rand.NewPCG(20, n))}}
		trip, err := makeTrip(g, rules)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Apply(trip.before, WithTests(trip.patch))
		if err != nil || trip.changed && !equalJSON(parseAny(got), decoded(trip.now)) {
			t.Fatalf("got %s, %v\n%s", got, err, trip)
		}
		if !trip.changed {
			continue
		}
		// Something changes at the place of an operation before it is made.
		k := g.pick(len(trip.patch))
		o := trip.patch[k]
		if o.Old == nil {
			continue
		}
		at := o.Path
		if o.Op == "move" {
			at = o.From
		}
		meanwhile := mustApply(t, mustApply(t, trip.before, trip.patch[:k]), []Operation{{Op: "replace", Path: at, Value: []byte(`"other"`)}})
		if got, err := Apply(meanwhile, WithTests(trip.patch[k:])); !errors.Is(err, ErrPatchConflict) {
			t.Fatalf("%s after %d operations becomes %s (%v)\n%s", meanwhile, k, got, err, trip)
		}
		refused++
	}
	if refused < 200 {
		t.Errorf("only %d were refused", refused)
	}
}

// TestApplyAgreesOnRandomOperations makes patches of all operations, some of
// which do not fit. The reference says what must come of it, and the library too
// where it takes the patch.
func TestApplyAgreesOnRandomOperations(t *testing.T) {
	t.Parallel()
	cases := manyCases / 10
	if testing.Short() || raceEnabled {
		cases /= 10
	}
	failed, agreed := 0, 0
	for n := range uint64(cases) {
		g := generator{dice{rand.New(rand.NewPCG(30, n))}}
		doc := g.write(g.value(3))
		patch, want, wrong := g.patch(parseAny(doc))
		said := fmt.Sprintf("document %s\npatch %s", doc, AppendPatch(nil, patch))
		got, err := Apply(doc, patch)
		if wrong {
			failed++
			if at := fmt.Sprintf(": operation %d, ", len(patch)-1); !errors.Is(err, ErrPatchConflict) || !strings.Contains(err.Error(), at) {
				t.Fatalf("got %s, %v, but the last operation does not fit\n%s", got, err, said)
			}
			continue
		}
		if err != nil || !equalJSON(parseAny(got), want) {
			t.Fatalf("got %s, %v, want %v\n%s", got, err, want, said)
		}
		if again := mustApply(t, doc, mustParsePatch(t, string(AppendPatch(nil, patch)))); !bytes.Equal(again, got) {
			t.Fatalf("written and read again, it gives %s instead of %s\n%s", again, got, said)
		}
		if slices.ContainsFunc(patch, theirsDiffers) {
			continue
		}
		if theirs, err := applyTheirs(doc, patch); err == nil {
			agreed++
			if !equalJSON(parseAny(theirs), want) {
				t.Fatalf("got %s, the library %s\n%s", got, theirs, said)
			}
		}
	}
	if failed < cases/10 || agreed < cases/10 {
		t.Errorf("of %d cases %d failed, and the library took %d", cases, failed, agreed)
	}
}
