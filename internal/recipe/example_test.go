package recipe_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// example keeps the first webhook of a line TYPE SUBJECT for the guide: in testdata,
// where -update writes it.
func (w *world) example(t *testing.T, name, line string) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, e := range w.told {
		if e.Type+" "+e.Subject != line {
			continue
		}
		compareExample(t, name, exampleOf(t, w.raw[i]))
		return
	}
}

// exampleOf is a webhook as the guide shows it.
func exampleOf(t *testing.T, body []byte) []byte {
	t.Helper()
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		t.Fatal(err)
	}
	var data map[string]json.RawMessage
	if err := json.Unmarshal(members["data"], &data); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	out.WriteString("{")
	writeMember(&out, "type", members["type"])
	writeMember(&out, "subject", members["subject"])
	out.WriteString(`"data":{`)
	for _, key := range []string{"change", "before", "after", "changed"} {
		writeMember(&out, key, data[key])
	}
	text := strings.TrimSuffix(out.String(), ",") + "}}"
	var indented bytes.Buffer
	if err := json.Indent(&indented, []byte(text), "", "  "); err != nil {
		t.Fatal(err)
	}
	return append(indented.Bytes(), '\n')
}

// writeMember writes a member with a comma behind it. The change of a document has
// no subject.
func writeMember(out *bytes.Buffer, name string, value json.RawMessage) {
	if value == nil {
		return
	}
	out.WriteString(`"` + name + `":`)
	out.Write(value)
	out.WriteByte(',')
}

func compareExample(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", "examples", name+".json")
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the example of the guide is another one; make docs writes it anew:\n%s", got)
	}
}
