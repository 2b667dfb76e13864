package dashboard

import (
	"encoding/json"
	"hash/maphash"
	"strconv"
	"strings"

	"github.com/aymanbagabas/go-udiff/lcs"
)

// maxCompared is of how many bytes before and after together two values are
// compared here, in a fifth of a second and 45 MB at most. Beyond, the patch says
// what changed.
const maxCompared = 1 << 20

// maxSmall and maxSmallRows bound a change that is shown among others: in bytes
// of its envelope, and in rows.
const (
	maxSmall     = 32 << 10
	maxSmallRows = 60
)

// diffView shows a change side by side; template "diff".
type diffView struct {
	Rows []diffRow
	// Whole says that there is only one side, of what was created or deleted.
	Whole bool
	// Patch says that the rows are steps of a patch, as the values are too large.
	Patch bool
	// More says that there are more rows than are shown.
	More bool
	// Ignored says that some rows differ and are no change by the source's rules.
	Ignored bool
}

// changeData is the data of a change's envelope.
type changeData struct {
	Change  string          `json:"change"`
	Key     *string         `json:"key"`
	Before  json.RawMessage `json:"before"`
	After   json.RawMessage `json:"after"`
	Changed []string        `json:"changed"`
	Patch   json.RawMessage `json:"patch"`
	Reason  string          `json:"reason"`
	// Hash and PreviousHash are null where there is no value.
	Hash         *string `json:"hash"`
	PreviousHash *string `json:"previous_hash"`
}

// smallDiff shows what changed in few rows, nil where that would take much time
// or room, or where there is nothing to compare.
func smallDiff(envelope json.RawMessage) *diffView {
	if len(envelope) > maxSmall {
		return nil
	}
	var e struct {
		Data changeData `json:"data"`
	}
	if json.Unmarshal(envelope, &e) != nil || e.Data.Change == "" {
		return nil
	}
	v := newDiffView(&e.Data)
	if len(v.Rows) == 0 || len(v.Rows) > maxSmallRows {
		return nil
	}
	return &v
}

// newDiffView shows what changed. It always shows something: where a value
// cannot be read, the patch as it is.
func newDiffView(data *changeData) diffView {
	if len(data.Before)+len(data.After) > maxCompared {
		return patchView(data.Patch)
	}
	r := treeReader{seed: maphash.MakeSeed()}
	before, errBefore := r.read(data.Before)
	after, errAfter := r.read(data.After)
	if errBefore != nil || errAfter != nil {
		return patchView(data.Patch)
	}
	w := diffWriter{counted: newCounted(data.Changed)}
	w.compare("", place{}, before, after)
	v := w.view()
	v.Whole = data.Change != "updated"
	return v
}

// place is where a value stands.
type place struct {
	depth int
	// pointer is its JSON pointer, or that of the outermost array that it is in:
	// elements are aligned here in another way than where the change was found.
	pointer string
	inArray bool
}

func (p place) member(name string) place {
	next := place{p.depth + 1, p.pointer, p.inArray}
	if !p.inArray {
		next.pointer += "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
	}
	return next
}

func (p place) element() place { return place{p.depth + 1, p.pointer, true} }

// compare shows two values of one name; one that is nil is not there.
func (w *diffWriter) compare(name string, p place, b, a *tree) {
	switch {
	case w.full:
	case b == nil && a == nil:
	case b == nil:
		w.one(name, p, rowAdded, a)
	case a == nil:
		w.one(name, p, rowRemoved, b)
	case b.sum == a.sum:
		// What is in a container that did not change is of no interest.
		w.same(name, p, a.inline())
	case b.kind == '{' && a.kind == '{':
		w.around(name, p, "{")
		w.objects(p, b, a)
		w.around("", p, "}")
	case b.kind == '[' && a.kind == '[':
		w.around(name, p, "[")
		w.arrays(p, b, a)
		w.around("", p, "]")
	case b.isContainer() || a.isContainer():
		w.one(name, p, rowRemoved, b)
		w.one(name, p, rowAdded, a)
	case b.kind == '"' && a.kind == '"' && (strings.Contains(b.text, "\n") || strings.Contains(a.text, "\n")):
		w.around(name, p, "")
		w.texts(place{p.depth + 1, p.pointer, p.inArray}, b.text, a.text)
	default:
		w.pair(name, p, b.inline(), a.inline())
	}
}

// one shows a value that only one side has, with all that is in it.
func (w *diffWriter) one(name string, p place, kind string, t *tree) {
	switch {
	case w.full:
	case t.kind == '{' && t.size() > 0:
		w.side(name, p, kind, "{")
		for _, m := range t.members {
			w.one(m.name, p.member(m.name), kind, m.value)
		}
		w.side("", p, kind, "}")
	case t.kind == '[' && t.size() > 0:
		w.side(name, p, kind, "[")
		for _, e := range t.elements {
			w.one("", p.element(), kind, e)
		}
		w.side("", p, kind, "]")
	case t.kind == '"' && strings.Contains(t.text, "\n"):
		w.side(name, p, kind, "")
		for line := range strings.Lines(t.text) {
			w.side("", place{p.depth + 1, p.pointer, p.inArray}, kind, strings.TrimSuffix(line, "\n"))
		}
	default:
		w.side(name, p, kind, t.inline())
	}
}

// objects shows members in the order that they have after; those that are gone
// stand behind the one that they followed.
func (w *diffWriter) objects(p place, b, a *tree) {
	was := make(map[string]*tree, len(b.members))
	for _, m := range b.members {
		was[m.name] = m.value
	}
	stays := make(map[string]bool, len(a.members))
	for _, m := range a.members {
		stays[m.name] = true
	}
	gone := make(map[string][]member) // by the name that they follow
	first := make([]member, 0)
	last, hasLast := "", false
	for _, m := range b.members {
		switch {
		case stays[m.name]:
			last, hasLast = m.name, true
		case hasLast:
			gone[last] = append(gone[last], m)
		default:
			first = append(first, m)
		}
	}
	for _, m := range first {
		w.compare(m.name, p.member(m.name), m.value, nil)
	}
	for _, m := range a.members {
		w.compare(m.name, p.member(m.name), was[m.name], m.value)
		for _, g := range gone[m.name] {
			w.compare(g.name, p.member(g.name), g.value, nil)
		}
	}
}

// arrays shows elements that are alike beside each other, and between them those
// that seem to be the same one, changed.
func (w *diffWriter) arrays(p place, b, a *tree) {
	at := 0
	for _, e := range lcs.DiffLines(sums(b.elements), sums(a.elements)) {
		for _, element := range b.elements[at:e.Start] {
			w.same("", p.element(), element.inline())
		}
		w.hunk(p.element(), b.elements[e.Start:e.End], a.elements[e.ReplStart:e.ReplEnd])
		at = e.End
	}
	for _, element := range b.elements[at:] {
		w.same("", p.element(), element.inline())
	}
}

// hunk shows elements that took the place of others.
func (w *diffWriter) hunk(p place, b, a []*tree) {
	rest := make(map[string][]int, len(b)) // places in b, by identity
	for i, t := range b {
		id := identity(t)
		rest[id] = append(rest[id], i)
	}
	pair := make([]int, len(a)) // places in b
	paired := make([]bool, len(b))
	for i, t := range a {
		pair[i] = -1
		if id := identity(t); len(rest[id]) > 0 {
			pair[i], rest[id] = rest[id][0], rest[id][1:]
			paired[pair[i]] = true
		}
	}
	// What is gone stands before what came, up to the next pair.
	upTo := make([]int, len(a)+1)
	upTo[len(a)] = len(b)
	for i := len(a) - 1; i >= 0; i-- {
		if upTo[i] = upTo[i+1]; pair[i] >= 0 {
			upTo[i] = pair[i]
		}
	}
	next := 0 // in b
	for i := range upTo {
		for ; next < upTo[i]; next++ {
			if !paired[next] {
				w.compare("", p, b[next], nil)
			}
		}
		switch {
		case i == len(a):
		case pair[i] < 0:
			w.compare("", p, nil, a[i])
		default:
			w.compare("", p, b[pair[i]], a[i])
		}
	}
}

// identity is equal for elements that may be the same one before and after.
func identity(t *tree) string {
	if t.kind != '{' {
		if t.isContainer() {
			return string(t.kind)
		}
		return "scalar"
	}
	for _, name := range []string{"id", "key", "uuid", "guid", "sha", "number", "name"} {
		for _, m := range t.members {
			if m.name == name && !m.value.isContainer() {
				return name + "\x00" + strconv.FormatUint(m.value.sum, 16)
			}
		}
	}
	return "{"
}

func sums(elements []*tree) []string {
	list := make([]string, len(elements))
	for i, e := range elements {
		list[i] = strconv.FormatUint(e.sum, 16)
	}
	return list
}

// counted are the JSON pointers of what makes a change.
type counted struct {
	// all says that everything does.
	all bool
	at  map[string]bool
	// above are those of what any of them is in.
	above map[string]bool
}

func newCounted(changed []string) counted {
	c := counted{at: make(map[string]bool, len(changed)), above: make(map[string]bool)}
	for _, pointer := range changed {
		c.at[pointer] = true
		for i := strings.LastIndexByte(pointer, '/'); i >= 0; i = strings.LastIndexByte(pointer[:i], '/') {
			if c.above[pointer[:i]] {
				break
			}
			c.above[pointer[:i]] = true
		}
	}
	c.all = len(changed) == 0 || c.at[""]
	return c
}

// has says whether a difference at a place makes a change.
func (c *counted) has(p place) bool {
	if c.all || p.inArray && c.above[p.pointer] {
		return true
	}
	for pointer := p.pointer; ; {
		if c.at[pointer] {
			return true
		}
		i := strings.LastIndexByte(pointer, '/')
		if i < 0 {
			return false
		}
		pointer = pointer[:i]
	}
}
