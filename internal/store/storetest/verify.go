package storetest

import (
	"testing"

	"github.com/pollwire/pollwire/internal/store"
)

// VerifyLog reads the whole store and checks what must hold at any moment, also
// after a crash, of a log from which nothing was removed: the changes of each
// source are numbered from 1 without gaps, up to its row's number, and the
// last snapshot is of the row's version, with all its pages. It reads one after the
// other, so nobody may write meanwhile.
func VerifyLog(tb testing.TB, s store.Store) {
	tb.Helper()
	last := map[string]int64{}
	var after int64
	for {
		page, err := s.Events(tb.Context(), after, 500)
		if err != nil {
			tb.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, e := range page {
			after = e.Position
			if e.Alert {
				equal(tb, "sequence of an alert", e.Sequence, int64(0))
				continue
			}
			last[e.Source]++
			equal(tb, "sequence of "+e.Source, e.Sequence, last[e.Source])
		}
	}
	for _, src := range must(s.Sources(tb.Context()))(tb) {
		equal(tb, "last sequence of "+src.Name, src.Sequence, last[src.Name])
		if src.Version > 0 {
			equal(tb, "last version of "+src.Name, readPages(tb, must(s.Snapshot(tb.Context(), src.Name))(tb)).Version, src.Version)
		}
	}
}
