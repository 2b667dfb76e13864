package layers

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestNoInitAndNoSleep reads all source, tests included, and files that are
// built elsewhere. It walks the directories itself: go test then knows them as
// this package's input, and does not answer from its cache after a change,
// which it would where only go list reads them.
func TestNoInitAndNoSleep(t *testing.T) {
	t.Parallel()
	read := 0
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "testdata"):
			return filepath.SkipDir
		case entry.IsDir() || filepath.Ext(path) != ".go":
			return nil
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		read++
		for _, found := range forbidden(t, source) {
			t.Errorf("%s:%s", path, found)
		}
		return nil
	})
	if err != nil || read < 10 {
		t.Errorf("read %d files: %v", read, err)
	}
}

// forbidden are the places in a source file that do what nothing here does.
func forbidden(tb testing.TB, source []byte) []string {
	tb.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "", source, parser.SkipObjectResolution)
	if err != nil {
		tb.Fatal(err)
	}
	var found []string
	add := func(at token.Pos, what string) {
		found = append(found, fmt.Sprintf("%d: %s", fset.Position(at).Line, what))
	}
	clock := localName(file, "time")
	if clock == "." {
		add(file.Pos(), "time is imported with a dot, which hides what is used of it")
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Name.Name == "init" && n.Recv == nil {
				add(n.Pos(), "a func init runs where nobody called it: let a constructor do this")
			}
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && clock != "" && x.Name == clock && n.Sel.Name == "Sleep" {
				add(n.Pos(), "time.Sleep cannot be stopped, and guesses in tests: wait on a channel, a timer and ctx, or use testing/synctest")
			}
		}
		return true
	})
	return found
}

// localName is what the file calls an imported package, empty when it does not.
func localName(file *ast.File, path string) string {
	for _, spec := range file.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err != nil || p != path {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return filepath.Base(path)
	}
	return ""
}

func TestForbiddenIsFound(t *testing.T) {
	t.Parallel()
	const sleep = "time.Sleep cannot be stopped, and guesses in tests: wait on a channel, a timer and ctx, or use testing/synctest"
	for _, tc := range []struct {
		source string
		want   []string
	}{
		{"package a\n\nfunc init() {}", []string{"3: a func init runs where nobody called it: let a constructor do this"}},
		{"package a\ntype T struct{}\nfunc (T) init() {}", nil},
		{"package a\nimport \"time\"\nfunc f() { time.Sleep(1) }", []string{"3: " + sleep}},
		{"package a\nimport \"time\"\nvar f = time.Sleep", []string{"3: " + sleep}},
		{"package a\nimport clock \"time\"\nvar f = clock.Sleep", []string{"3: " + sleep}},
		{"package a\nimport . \"time\"\nvar f = Sleep", []string{"1: time is imported with a dot, which hides what is used of it"}},
		{"package a\nimport \"other/time\"\nvar f = time.Sleep", nil},
		{"package a\nimport \"time\"\n// time.Sleep is not used.\nvar s = \"time.Sleep\"\nvar d = time.Second", nil},
	} {
		if diff := cmp.Diff(tc.want, forbidden(t, []byte(tc.source))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.source, diff)
		}
	}
}
