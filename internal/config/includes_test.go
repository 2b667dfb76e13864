package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestIncludes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"include: [\"conf.d/*.yaml\"]\nsources: []\n":             true,
		"include: [other/*.yaml, conf.d/shop.yaml]\n":             true,
		"include: [\"*/shop.yaml\", missing.yaml]\nsauces: [1]\n": true,
		"include: [\"conf.d/*.yml\"]\nsources: []\n":              false,
		"include: conf.d/shop.yaml\n":                             false,
		"sources: []\n":                                           false,
		"include: [\"conf.d/broken.yaml\", \"conf.d/*.yaml\"]\n":  true,
	} {
		dir := t.TempDir()
		main, shop := filepath.Join(dir, "pollwire.yaml"), filepath.Join(dir, "conf.d", "shop.yaml")
		if err := os.Mkdir(filepath.Dir(shop), 0o700); err != nil {
			t.Fatal(err)
		}
		for path, content := range map[string]string{main: text, shop: "sources: []\n", filepath.Join(dir, "conf.d", "broken.yaml"): "a: [\n"} {
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := Includes(main, shop); got != want || err != nil {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}

func TestIncludesRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	main := filepath.Join(dir, "pollwire.yaml")
	for _, tc := range []struct{ text, file, want string }{
		{"", main, "there is no such file"},
		{"a: [", main, "this is no valid YAML"},
		{"sources: []", filepath.Join(dir, "gone.yaml"), "gone.yaml: read configuration: there is no such file"},
	} {
		if tc.text != "" {
			if err := os.WriteFile(main, []byte(tc.text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		_, err := Includes(main, tc.file)
		if _, ok := errors.AsType[Errors](err); !ok || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%q: %v, want %q", tc.text, err, tc.want)
		}
	}
}
