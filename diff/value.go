package diff

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/maphash"

	"github.com/tidwall/gjson"
)

// value is one value of a document that was read.
type value struct {
	doc  *document
	node uint32
}

// readValue reads a body as one value.
func readValue(body []byte, seed maphash.Seed) (value, error) {
	doc, err := read(body, seed)
	return value{doc: doc}, err
}

func (v value) at() *node { return &v.doc.nodes[v.node] }

// raw is the value as it is written.
func (v value) raw() json.RawMessage { return v.doc.bytes(v.node) }

// hash is the SHA-256 of the canonical form of what is not ignored.
func (v value) hash() string {
	c := canonizer{doc: v.doc}
	c.value(v.node)
	return hashBytes(c.out)
}

// get follows a gjson path from the value. ok is false where it leads to
// nothing. Of what gjson finds only the text is used: its numbers are doubles,
// and its strings have lost half surrogate pairs.
func (v value) get(path string, seed maphash.Seed) (found value, ok bool, err error) {
	if path == "" || path == this {
		return v, true, nil
	}
	raw := v.raw()
	result := gjson.GetBytes(raw, path)
	if !result.Exists() {
		return value{}, false, nil
	}
	// Most results stand in the document as they are. Modifiers and queries
	// make new text, for which the index means nothing.
	if end := result.Index + len(result.Raw); end <= len(raw) && string(raw[result.Index:end]) == result.Raw {
		start := int(v.at().start)
		if i, ok := v.doc.find(start+result.Index, start+end); ok {
			return value{v.doc, i}, true, nil
		}
	}
	found, err = readValue([]byte(result.Raw), seed)
	if err != nil {
		return value{}, false, fmt.Errorf("read what path %q makes: %w", path, err)
	}
	return found, true, nil
}

// look applies select and ignore. ok is false where select leads to nothing;
// the value is null then.
func (r *Rules) look(v value) (selected value, ok bool, err error) {
	selected, ok, err = v.get(r.path, r.seed)
	if err != nil {
		return value{}, false, fmt.Errorf("select: %w", err)
	}
	if !ok {
		selected, err = readValue([]byte("null"), r.seed)
		return selected, false, err
	}
	selected.doc.hide(selected.node, r.ignore)
	return selected, true, nil
}

// compareValues compares two values that look returned. ok is false when they
// are equal but for what is ignored.
func compareValues(before, after value) (c Change, ok bool) {
	seen := walk{before: before.doc, after: after.doc, masked: true}
	if seen.same(before.node, after.node) {
		return Change{}, false
	}
	limit := pathLimit(before, after)
	changed := seen.pointers(before.node, after.node, limit)
	whole := walk{before: before.doc, after: after.doc}
	return Change{
		Kind:         Updated,
		Before:       before.raw(),
		After:        after.raw(),
		Changed:      changed,
		Patch:        whole.patch(before.node, after.node, limit),
		Hash:         after.hash(),
		PreviousHash: before.hash(),
	}, true
}

func created(after value) Change {
	return Change{Kind: Created, After: after.raw(), Hash: after.hash()}
}

func deleted(before value) Change {
	return Change{Kind: Deleted, Before: before.raw(), PreviousHash: before.hash()}
}

// sameBytes reports whether two values are written alike, and so are equal
// under any rules.
func sameBytes(x, y value) bool { return bytes.Equal(x.raw(), y.raw()) }
