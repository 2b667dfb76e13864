package rivals

import (
	"crypto/sha256"
	"encoding/json"
	"testing"

	"github.com/josephburnett/jd/v2"
	rlabs "github.com/r3labs/diff/v3"
	"github.com/wI2L/jsondiff"

	"github.com/pollwire/pollwire/diff"
)

// tool is one way to look at two bodies. All take bytes and, but for the
// floors, give operations as bytes.
type tool struct {
	name string
	// unit is that of its ratio.
	unit string
	run  func(before, after []byte) (outcome, error)
	// rfc6902 says that what it gives is a JSON patch.
	rfc6902 bool
	// floor says that it finds no differences: it does what cannot be left out.
	floor bool
	// skips are the documents that it is not given.
	skips []string
}

type outcome struct {
	patch      []byte
	operations int
}

// tools are ours and all others, ours first. The others are asked in the way
// that their documentation gives for bytes, and each option is here because it
// makes the patch smaller or the work less.
func tools(tb testing.TB) []tool {
	return []tool{
		pollwire(tb),
		{name: "wI2L/jsondiff", unit: "x-wI2L", run: wI2L(), rfc6902: true},
		{name: "wI2L/jsondiff, LCS", unit: "x-wI2L-LCS", run: wI2L(jsondiff.LCS()), rfc6902: true},
		{name: "josephburnett/jd, setkeys", unit: "x-jd", run: josephburnett},
		// Without order it compares every element of an array with every other,
		// all the way down, which takes minutes there.
		{name: "r3labs/diff", unit: "x-r3labs", run: r3labs(), skips: []string{nested}},
		{name: "r3labs/diff, SliceOrdering", unit: "x-r3labs-ordered", run: r3labs(rlabs.SliceOrdering(true))},
		{name: "json.Unmarshal of both", unit: "x-Unmarshal", run: unmarshal, floor: true},
		{name: "sha256 of both", unit: "sha256s", run: sum, floor: true},
	}
}

// pollwire compares the bodies as one document each, with no rules.
func pollwire(tb testing.TB) tool {
	tb.Helper()
	rules, err := diff.Compile(diff.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	run := func(before, after []byte) (outcome, error) {
		result, err := diff.Compare(before, after, rules)
		if err != nil || len(result.Changes) == 0 {
			return outcome{}, err
		}
		patch := result.Changes[0].Patch
		return outcome{diff.AppendPatch(nil, patch), len(patch)}, nil
	}
	return tool{name: "pollwire/diff", run: run, rfc6902: true}
}

func wI2L(options ...jsondiff.Option) func(before, after []byte) (outcome, error) {
	return func(before, after []byte) (outcome, error) {
		patch, err := jsondiff.CompareJSON(before, after, options...)
		if err != nil {
			return outcome{}, err
		}
		marshalled, err := json.Marshal(patch)
		return outcome{marshalled, len(patch)}, err
	}
}

// josephburnett finds the elements of an array by their id, which is faster
// than by place. It has no JSON patch for that: its own form is what it gives.
func josephburnett(before, after []byte) (outcome, error) {
	x, err := jd.ReadJsonString(string(before))
	if err != nil {
		return outcome{}, err
	}
	y, err := jd.ReadJsonString(string(after))
	if err != nil {
		return outcome{}, err
	}
	keys := jd.SetKeys("id")
	d := x.Diff(y, keys)
	return outcome{[]byte(d.Render(keys)), len(d)}, nil
}

// r3labs knows Go values, not bytes, and what shape an API's answer has is not
// known before. Its log of changes becomes JSON by encoding/json. By itself it
// takes an array for a set; with SliceOrdering it compares by place alone.
func r3labs(options ...func(*rlabs.Differ) error) func(before, after []byte) (outcome, error) {
	return func(before, after []byte) (outcome, error) {
		x, y, err := unmarshalBoth(before, after)
		if err != nil {
			return outcome{}, err
		}
		changes, err := rlabs.Diff(x, y, options...)
		if err != nil {
			return outcome{}, err
		}
		marshalled, err := json.Marshal(changes)
		return outcome{marshalled, len(changes)}, err
	}
}

// unmarshal is what every tool does first that works on Go values.
func unmarshal(before, after []byte) (outcome, error) {
	_, _, err := unmarshalBoth(before, after)
	return outcome{}, err
}

func unmarshalBoth(before, after []byte) (x, y any, err error) {
	if err := json.Unmarshal(before, &x); err != nil {
		return nil, nil, err
	}
	return x, y, json.Unmarshal(after, &y)
}

// sum is the floor of ours: a change carries the hashes of both values.
func sum(before, after []byte) (outcome, error) {
	sha256.Sum256(before)
	sha256.Sum256(after)
	return outcome{}, nil
}
