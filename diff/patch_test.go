package diff

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	jsonpatch "github.com/evanphx/json-patch/v5"
)

func TestAppendPatch(t *testing.T) {
	t.Parallel()
	patch := []Operation{
		{Op: "add", Path: `/a"\<`, Value: json.RawMessage(`{"x": "<"}`)},
		{Op: "remove", Path: "/\xed\xa0\x80/0"},
		{Op: "replace", Path: "", Value: json.RawMessage("null")},
	}
	want := `[{"op":"add","path":"/a\"\\<","value":{"x": "<"}},{"op":"remove","path":"/\ud800/0"},{"op":"replace","path":"","value":null}]`
	if got := string(AppendPatch([]byte(">"), patch)); got != ">"+want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := string(AppendPatch(nil, nil)); got != "[]" {
		t.Errorf("got %s for nothing", got)
	}
	marshalled, err := json.Marshal(patch)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(marshalled), `\ud800`) || !equalJSON(parseAny(marshalled), parseAny([]byte(want))) {
		t.Errorf("json.Marshal gives %s", marshalled)
	}
	var back []Operation
	if err := json.Unmarshal(AppendPatch(nil, patch[:1]), &back); err != nil || back[0].Path != patch[0].Path {
		t.Errorf("read back as %+v (%v)", back, err)
	}
}

// The library of others applies our patches to whole documents, unwrapped too.
func TestPatchAppliesToTheDocumentItself(t *testing.T) {
	t.Parallel()
	for _, tc := range [][2]string{
		{`{"a":1,"b":[1,2]}`, `{"b":[2,3],"c":null}`},
		{`{"a":1}`, `[1]`},
		{`[1,[2]]`, `[[2,12345678901234567890],1e400]`},
	} {
		c := mustCompare(t, tc[0], tc[1], mustCompile(t, Options{})).Changes[0]
		patch, err := jsonpatch.DecodePatch(AppendPatch(nil, c.Patch))
		if err != nil {
			t.Fatal(err)
		}
		got, err := patch.Apply([]byte(tc[0]))
		if err != nil || !equalJSON(parseAny(got), parseAny([]byte(tc[1]))) {
			t.Errorf("%s becomes %s (%v), want %s", tc[0], got, err, tc[1])
		}
	}
}

// Paths repeat the names above them, so that hostile documents could have
// patches without end. Beyond a limit the whole value is replaced.
func TestPathsAreLimited(t *testing.T) {
	t.Parallel()
	numbers := func(from int) string {
		var b strings.Builder
		for i := range 20_000 {
			fmt.Fprintf(&b, `"%d":%d,`, i, from+i)
		}
		return "{" + strings.TrimSuffix(b.String(), ",") + "}"
	}
	long := strings.Repeat("n", 100_000)
	for name, wrap := range map[string][2]string{
		"deep":      {strings.Repeat("[", 5000), strings.Repeat("]", 5000)},
		"long name": {`{"` + long + `":`, `}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before, after := wrap[0]+numbers(0)+wrap[1], wrap[0]+numbers(1)+wrap[1]
			c := mustCompare(t, before, after, mustCompile(t, Options{})).Changes[0]
			if len(c.Changed()) != 1 || c.Changed()[0] != "" {
				t.Errorf("%d pointers", len(c.Changed()))
			}
			if len(c.Patch) != 1 || c.Patch[0].Op != "replace" || c.Patch[0].Path != "" || string(c.Patch[0].Value) != after {
				t.Errorf("%d operations", len(c.Patch))
			}
		})
	}
	// A plain document with as many changes keeps them all.
	if c := mustCompare(t, numbers(0), numbers(1), mustCompile(t, Options{})).Changes[0]; len(c.Patch) != 20_000 || len(c.Changed()) != 20_000 {
		t.Errorf("%d operations, %d pointers", len(c.Patch), len(c.Changed()))
	}
}
