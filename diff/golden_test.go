package diff

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden compares answers as real APIs give them. The whole result must be
// what want.json says.
func TestGolden(t *testing.T) {
	t.Parallel()
	root := filepath.Join("testdata", "golden")
	for _, name := range fileNames(t, root) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := filepath.Join(root, name)
			var o Options
			if err := json.Unmarshal(readFile(t, folder, "options.json"), &o); err != nil {
				t.Fatal(err)
			}
			before, after := readFile(t, folder, "before.txt"), readFile(t, folder, "after.txt")
			result, err := Compare(before, after, mustCompile(t, o))
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			encoder := json.NewEncoder(&got)
			encoder.SetEscapeHTML(false)
			encoder.SetIndent("", "  ")
			type hashed struct {
				Change
				Changed            []string
				Hash, PreviousHash string
			}
			list := []hashed{}
			for _, c := range result.Changes {
				list = append(list, hashed{c, c.Changed(), c.Hash(), c.PreviousHash()})
			}
			if err := encoder.Encode(struct {
				Changes       []hashed
				Before, After int
			}{list, result.Before, result.After}); err != nil {
				t.Fatal(err)
			}
			if *update {
				if err := os.WriteFile(filepath.Join(folder, "want.json"), got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if d := cmp.Diff(string(readFile(t, folder, "want.json")), got.String()); d != "" {
				t.Errorf("result (-want +got):\n%s", d)
			}
		})
	}
}
