package layers

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPublicPackagesNameNoInternalType reads the compiler's own export data:
// what another program would see.
func TestPublicPackagesNameNoInternalType(t *testing.T) {
	t.Parallel()
	args := []string{"-export", "-deps"}
	for _, name := range public {
		args = append(args, "./"+name)
	}
	files := make(map[string]string)
	for _, p := range list(t, args...) {
		files[p.ImportPath] = p.Export
	}
	imp := importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(files[path])
	})
	for _, name := range public {
		p, err := imp.Import(module + "/" + name)
		if err != nil {
			t.Fatalf("import %s: %v", name, err)
		}
		for _, found := range internalNames(p) {
			t.Errorf("%s, which other programs use: %s", name, found)
		}
	}
}

// internalNames are the internal types that the exported signatures of p name.
func internalNames(p *types.Package) []string {
	w := walker{pkg: p, seen: make(map[types.Type]bool), found: make(map[string]bool)}
	for _, name := range p.Scope().Names() {
		if obj := p.Scope().Lookup(name); obj.Exported() {
			w.at = name
			w.visit(obj.Type())
		}
	}
	return slices.Sorted(maps.Keys(w.found))
}

// walker goes through all that is visible of types.
type walker struct {
	pkg   *types.Package
	at    string
	seen  map[types.Type]bool
	found map[string]bool
}

func (w *walker) visit(t types.Type) {
	t = types.Unalias(t)
	if w.seen[t] {
		return
	}
	w.seen[t] = true
	switch t := t.(type) {
	case *types.Named:
		w.named(t)
	case *types.Struct:
		for f := range t.Fields() {
			if f.Exported() {
				w.visit(f.Type())
			}
		}
	case *types.Interface:
		for m := range t.Methods() {
			if m.Exported() {
				w.visit(m.Type())
			}
		}
	case *types.Signature:
		w.visit(t.Params())
		w.visit(t.Results())
	case *types.Tuple:
		for v := range t.Variables() {
			w.visit(v.Type())
		}
	case *types.Map:
		w.visit(t.Key())
		w.visit(t.Elem())
	case interface{ Elem() types.Type }: // Pointer, Slice, Array, Chan
		w.visit(t.Elem())
	}
}

func (w *walker) named(t *types.Named) {
	for arg := range t.TypeArgs().Types() {
		w.visit(arg)
	}
	p := t.Obj().Pkg()
	if p == nil {
		return
	}
	if strings.HasPrefix(p.Path(), module+"/internal/") {
		w.found[fmt.Sprintf("%s names %s.%s", w.at, relative(p.Path()), t.Obj().Name())] = true
		return
	}
	if p != w.pkg {
		return
	}
	w.visit(t.Underlying())
	for m := range t.Methods() {
		if m.Exported() {
			w.visit(m.Type())
		}
	}
}

func TestInternalNamesAreFound(t *testing.T) {
	t.Parallel()
	secret := check(t, module+"/internal/secret", nil, `package secret; type T struct{}; type G[A any] struct{}; type I interface{ M() T }`)
	for _, tc := range []struct {
		source string
		want   []string
	}{
		{`func F(secret.T) {}`, []string{"F names internal/secret.T"}},
		{`func F() (int, []map[string]*secret.T) { return 0, nil }`, []string{"F names internal/secret.T"}},
		{`type S struct { A chan secret.T; b secret.I }`, []string{"S names internal/secret.T"}},
		{`type S struct { secret.I }`, []string{"S names internal/secret.I"}},
		{`type S struct{}; func (*S) M(...secret.T) {}`, []string{"S names internal/secret.T"}},
		{`type I interface { M(func(secret.T)) }`, []string{"I names internal/secret.T"}},
		{`type A = secret.T`, []string{"A names internal/secret.T"}},
		{`var V secret.G[secret.T]`, []string{"V names internal/secret.G", "V names internal/secret.T"}},
		{`func F() u { return u{} }; type u struct { X secret.T }`, []string{"F names internal/secret.T"}},
		{`type S struct { t secret.T }; func (S) m(secret.T) {}; func f(secret.T) {}; var v secret.T`, nil},
	} {
		p := check(t, module+"/open", secret, `package open; import "`+secret.Path()+`"; `+tc.source)
		if diff := cmp.Diff(tc.want, internalNames(p)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.source, diff)
		}
	}
}

// check type-checks a package that imports one other at most.
func check(tb testing.TB, path string, imported *types.Package, source string) *types.Package {
	tb.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "x.go", source, 0)
	if err != nil {
		tb.Fatal(err)
	}
	conf := types.Config{Importer: only{imported}}
	p, err := conf.Check(path, fset, []*ast.File{file}, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// only imports one package, whatever it is asked for.
type only struct{ pkg *types.Package }

func (o only) Import(string) (*types.Package, error) { return o.pkg, nil }
