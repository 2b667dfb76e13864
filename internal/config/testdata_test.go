package config

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the messages of testdata/*.bad.yaml anew")

// TestMistakes holds every mistake in testdata to its exact message, which
// stands in a file of the same name.
func TestMistakes(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.bad.yaml")
	if err != nil || len(files) < 45 {
		t.Fatalf("found %d files, want at least 45: %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".bad.yaml")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := mustRead(t, file)
			_, err := Parse(filepath.Base(file), data, fakeLookup())
			if err == nil {
				t.Fatal("it was taken")
			}
			got := err.Error() + "\n"
			for _, secret := range []string{"topsecret", "joe:", "top-secret", "dG9w", "MfKQ9r8G"} {
				if strings.Contains(got, secret) {
					t.Errorf("the message shows a secret: %s", got)
				}
			}
			golden := filepath.Join("testdata", name+".txt")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(mustRead(t, golden)), got); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
		})
	}
}

func mustRead(tb testing.TB, path string) []byte {
	tb.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}
