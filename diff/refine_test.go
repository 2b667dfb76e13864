package diff

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Pages whose items differ only in what a path of gjson leaves out hold no
// change, so that they are not read for one.
func TestPagesAreReadForWhatIsCompared(t *testing.T) {
	t.Parallel()
	r := mustCompile(t, Options{Items: &Items{Key: []string{"id"}}, Select: "{v}"})
	before := pagesOf(`[{"id":1,"v":1,"at":1}]`, `[{"id":2,"v":1,"at":1}]`, `[{"id":3,"v":1}]`)
	after := pagesOf(`[{"id":1,"v":1.0,"at":2}]`, `[{"id":2,"v":2,"at":2}]`, `[{"id":3,"v":1}]`)
	got := mustComparePages(t, before, after, r)
	if d := cmp.Diff([]told{{Updated, "2", `{"v":1}`, `{"v":2}`}}, tell(got.Changes)); d != "" {
		t.Errorf("changes (-want +got):\n%s", d)
	}
	for name, reads := range map[string][]int{"older": before.reads, "newer": after.reads} {
		if d := cmp.Diff([]int{2, 3, 1}, reads); d != "" {
			t.Errorf("reads of the %s pages (-want +got):\n%s", name, d)
		}
	}
}
