// Package layers holds the import direction of the project, and what else
// holds for all of its source. It consists of tests alone.
package layers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// root is the directory of the module.
const root = "../.."

// pkg is a package of this project as `go list -json` tells it.
type pkg struct {
	ImportPath string
	// Export is the file with what the compiler exports.
	Export                             string
	Imports, TestImports, XTestImports []string
}

// name is the path within the project.
func (p *pkg) name() string { return relative(p.ImportPath) }

// relative is an import path within the project; others stay as they are.
func relative(path string) string { return strings.TrimPrefix(path, module+"/") }

// list runs go list with args in the module's root.
func list(tb testing.TB, args ...string) []*pkg {
	tb.Helper()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(tb.Context(), "go", append([]string{"list", "-json"}, args...)...)
	cmd.Dir, cmd.Stderr = root, &stderr
	out, err := cmd.Output()
	if err != nil {
		tb.Fatalf("%v: %v\n%s", cmd, err, stderr.String())
	}
	var pkgs []*pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			tb.Fatalf("decode the output of go list: %v", err)
		}
		pkgs = append(pkgs, &p)
	}
}

// TestImportDirection holds the real imports against the table.
func TestImportDirection(t *testing.T) {
	t.Parallel()
	pkgs := list(t, "./...")
	if len(pkgs) < 5 {
		t.Fatalf("go list found %d packages", len(pkgs))
	}
	for _, refusal := range refusals(pkgs, table) {
		t.Error(refusal)
	}
}

// refusals are the imports that the table does not allow. What is not a test
// keeps to its row. A test may import more, to see how things work together,
// but nothing of a layer above its own: that would make the lower package's
// tests break with the upper one.
func refusals(pkgs []*pkg, table map[string]row) []string {
	var all []string
	for _, p := range pkgs {
		r, ok := table[p.name()]
		if !ok {
			all = append(all, fmt.Sprintf("%s has no row in the table of internal/layers: add one that says what it may import, and why", p.name()))
			continue
		}
		for _, path := range p.Imports {
			if path == module || strings.HasPrefix(path, module+"/") {
				if !r.allows(relative(path), table) {
					all = append(all, fmt.Sprintf("%s imports %s, but may import %s of this project: %s",
						p.name(), relative(path), r.allowed(), r.why))
				}
			}
			all = append(all, outsideRefusals(p.name(), path)...)
		}
		for _, path := range slices.Concat(p.TestImports, p.XTestImports) {
			if upper, ok := table[relative(path)]; ok && upper.layer > r.layer {
				all = append(all, fmt.Sprintf("a test of %s imports %s, which is above it: move the test up", p.name(), relative(path)))
			}
		}
	}
	return all
}

func (r row) allows(name string, table map[string]row) bool {
	if slices.Contains(r.may, anything) {
		lower, ok := table[name]
		return ok && lower.layer < r.layer
	}
	return slices.Contains(r.may, name)
}

func (r row) allowed() string {
	switch {
	case len(r.may) == 0:
		return "nothing"
	case slices.Contains(r.may, anything):
		return "only what is below it"
	}
	return "only " + strings.Join(r.may, ", ")
}

// outsideRefusals holds the import of something of others against its owners.
func outsideRefusals(name, path string) []string {
	var all []string
	for _, o := range owners {
		if within(path, o.imported) && !slices.Contains(o.by, name) {
			all = append(all, fmt.Sprintf("%s imports %s, which only %s may: %s", name, path, strings.Join(o.by, ", "), o.why))
		}
	}
	if name == "diff" && slices.ContainsFunc(impure, func(i string) bool { return within(path, i) }) {
		all = append(all, fmt.Sprintf("diff imports %s, but does no I/O and reads no clock: it is pure", path))
	}
	return all
}

// within says whether path is the package, or below the path with a slash at its end.
func within(path, pattern string) bool {
	return path == pattern || strings.HasSuffix(pattern, "/") && strings.HasPrefix(path, pattern)
}

// TestTableIsSound: a typing error in the table would let anything pass.
func TestTableIsSound(t *testing.T) {
	t.Parallel()
	for _, name := range slices.Sorted(maps.Keys(table)) {
		r := table[name]
		if r.why == "" {
			t.Errorf("%s gives no reason", name)
		}
		for _, m := range r.may {
			if m == anything {
				continue
			}
			lower, ok := table[m]
			if !ok {
				t.Errorf("%s may import %s, which has no row", name, m)
			}
			if lower.layer > r.layer {
				t.Errorf("%s of layer %d may import %s of layer %d", name, r.layer, m, lower.layer)
			}
			if lower.layer == r.layer && slices.Contains(lower.may, name) {
				t.Errorf("%s and %s may import each other", name, m)
			}
		}
	}
}

func TestRefusalsGiveTheirReason(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		pkg  pkg
		want []string
	}{
		{"allowed", pkg{ImportPath: module + "/poller", Imports: []string{"os", module + "/diff"}}, nil},
		{"pure", pkg{ImportPath: module + "/diff", Imports: []string{module + "/internal/store"}}, []string{
			"diff imports internal/store, but may import nothing of this project: it is pure: bytes and rules in, changes out, for any program",
		}},
		{"no I/O", pkg{ImportPath: module + "/diff", Imports: []string{"bytes", "net/netip"}}, []string{
			"diff imports net/netip, but does no I/O and reads no clock: it is pure",
		}},
		{"each other", pkg{ImportPath: module + "/poller", Imports: []string{module + "/notify"}}, []string{
			"poller imports notify, but may import only diff, internal/httpclient, internal/seal of this project: asking knows nothing of telling, nor of what keeps its state",
		}},
		{"another engine", pkg{ImportPath: module + "/internal/store/sqlite", Imports: []string{module + "/internal/store/postgres"}}, []string{
			"internal/store/sqlite imports internal/store/postgres, but may import only diff, poller, notify, internal/store, internal/store/blob, internal/store/group of this project: an engine keeps the store's contract, and never knows another engine",
		}},
		{"daemon", pkg{ImportPath: module + "/internal/daemon", Imports: []string{module + "/internal/config", module + "/internal/store/sqlite"}}, nil},
		{"daemon upward", pkg{ImportPath: module + "/internal/daemon", Imports: []string{module + "/internal/demo"}}, []string{
			"internal/daemon imports internal/demo, but may import only what is below it of this project: it wires what lies below it, and nothing above",
		}},
		{"unlisted", pkg{ImportPath: module + "/internal/util"}, []string{
			"internal/util has no row in the table of internal/layers: add one that says what it may import, and why",
		}},
		{"the import of an unlisted one", pkg{ImportPath: module + "/internal/daemon", Imports: []string{module + "/internal/util"}}, []string{
			"internal/daemon imports internal/util, but may import only what is below it of this project: it wires what lies below it, and nothing above",
		}},
		{"owned", pkg{ImportPath: module + "/internal/bridge", Imports: []string{"database/sql", "modernc.org/sqlite"}}, []string{
			"internal/bridge imports database/sql, which only internal/store/sqlite, internal/store/postgres may: SQL is the engines' own",
			"internal/bridge imports modernc.org/sqlite, which only internal/store/sqlite may: the engine is the store's choice",
		}},
		{"test beside and below", pkg{
			ImportPath: module + "/internal/bridge", TestImports: []string{module + "/internal/store/sqlite"},
			XTestImports: []string{module + "/internal/config", "database/sql", module + "/internal/bridge"},
		}, nil},
		{"test upward", pkg{ImportPath: module + "/notify", XTestImports: []string{module + "/internal/store/sqlite"}}, []string{
			"a test of notify imports internal/store/sqlite, which is above it: move the test up",
		}},
	} {
		if diff := cmp.Diff(tc.want, refusals([]*pkg{&tc.pkg}, table)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}
