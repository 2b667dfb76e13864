package diff

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	jsonpatch "github.com/evanphx/json-patch/v5"
)

// benchList is a list of about 100 KB, as an API gives it.
func benchList(n int) []map[string]any {
	list := make([]map[string]any, n)
	for i := range list {
		list[i] = map[string]any{
			"id": 1000 + i, "name": fmt.Sprintf("order %d", i), "state": "open", "total": float64(i) + 0.5,
			"customer": map[string]any{"id": i % 17, "email": fmt.Sprintf("c%d@example.com", i%17)},
			"tags":     []string{"a", "b", "c"}, "updated_at": "2026-01-02T03:04:05Z", "notes": "nothing to note here, really",
		}
	}
	return list
}

func mustMarshal(b *testing.B, v any) []byte {
	b.Helper()
	body, err := json.Marshal(v)
	if err != nil {
		b.Fatal(err)
	}
	return body
}

// benchBodies are a list, and the list with 3 items changed, 1 added at the
// head, 1 removed.
func benchBodies(b *testing.B) (before, after []byte) {
	b.Helper()
	list := benchList(500)
	before = mustMarshal(b, list)
	for _, i := range []int{10, 200, 499} {
		list[i]["state"] = "paid"
	}
	list = append(list[:100], list[101:]...)
	added := benchList(1)
	added[0]["id"] = 1
	return before, mustMarshal(b, append(added, list...))
}

func benchCompare(b *testing.B, before, after []byte, o Options, changes int) {
	b.Helper()
	r := mustCompile(b, o)
	b.SetBytes(int64(len(before) + len(after)))
	b.ReportAllocs()
	for b.Loop() {
		result, err := Compare(before, after, r)
		if err != nil || len(result.Changes) != changes {
			b.Fatalf("%d changes, %v", len(result.Changes), err)
		}
	}
}

func BenchmarkCompareUnchanged(b *testing.B) {
	before, _ := benchBodies(b)
	var spelled bytes.Buffer
	if err := json.Indent(&spelled, before, "", " "); err != nil {
		b.Fatal(err)
	}
	items := Options{Items: &Items{Key: []string{"id"}}}
	b.Run("bytes", func(b *testing.B) { benchCompare(b, before, bytes.Clone(before), items, 0) })
	b.Run("spelling", func(b *testing.B) { benchCompare(b, before, spelled.Bytes(), Options{}, 0) })
}

func BenchmarkCompareSmall(b *testing.B) {
	before := []byte(`{"id":7,"state":"open","total":12.50,"updated_at":"2026-01-02","tags":["a","b"]}`)
	after := []byte(`{"id":7,"state":"paid","total":12.5,"updated_at":"2026-01-03","tags":["a","b"]}`)
	benchCompare(b, before, after, Options{Ignore: []string{"updated_at"}}, 1)
}

func BenchmarkCompareList(b *testing.B) {
	before, after := benchBodies(b)
	b.Run("items", func(b *testing.B) {
		benchCompare(b, before, after, Options{Items: &Items{Key: []string{"id"}}, Ignore: []string{"updated_at"}}, 5)
	})
	b.Run("document", func(b *testing.B) { benchCompare(b, before, after, Options{}, 1) })
}

func BenchmarkCompareNested(b *testing.B) {
	tree := func(leaf int) any {
		var v any = benchList(500)
		v.([]map[string]any)[250]["total"] = leaf
		for range 40 {
			v = map[string]any{"child": v, "list": benchList(5), "n": 1}
		}
		return []any{v, benchList(5000), benchList(10000), benchList(8000)}
	}
	benchCompare(b, mustMarshal(b, tree(1)), mustMarshal(b, tree(2)), Options{}, 1)
}

// BenchmarkSum is the floor: SHA-256 of both bodies of BenchmarkCompareList.
func BenchmarkSum(b *testing.B) {
	before, after := benchBodies(b)
	b.SetBytes(int64(len(before) + len(after)))
	for b.Loop() {
		sha256.Sum256(before)
		sha256.Sum256(after)
	}
}

// shuffled is our patch of a list of n items that was put in another order.
func shuffled(b *testing.B, n int) (before []byte, patch []Operation) {
	b.Helper()
	list := make([]map[string]any, n)
	for i := range list {
		list[i] = map[string]any{"id": i, "name": fmt.Sprintf("order %d", i)}
	}
	before = mustMarshal(b, list)
	rand.New(rand.NewPCG(1, 1)).Shuffle(n, func(i, j int) { list[i], list[j] = list[j], list[i] })
	result, err := Compare(before, mustMarshal(b, list), mustCompile(b, Options{}))
	if err != nil {
		b.Fatal(err)
	}
	return before, result.Changes[0].Patch
}

// BenchmarkApply shows how the work grows with a list: the time for an
// operation should stay much the same.
func BenchmarkApply(b *testing.B) {
	for _, n := range []int{6_250, 25_000, 100_000} {
		b.Run(fmt.Sprintf("shuffled/%d", n), func(b *testing.B) {
			before, patch := shuffled(b, n)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Apply(before, patch); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(patch)), "ns/operation")
		})
	}
	small := []byte(`{"id":7,"state":"open","total":12.50,"updated_at":"2026-01-02","tags":["a","b"]}`)
	written := []byte(`[{"op":"replace","path":"/state","value":"paid"},{"op":"add","path":"/tags/1","value":"c"},{"op":"remove","path":"/updated_at"}]`)
	b.Run("small", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			patch, err := ParsePatch(written)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := Apply(small, patch); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("small/evanphx", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			patch, err := jsonpatch.DecodePatch(written)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := patch.Apply(small); err != nil {
				b.Fatal(err)
			}
		}
	})
}
