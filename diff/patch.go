package diff

import (
	"encoding/json"
)

// AppendPatch appends operations as a JSON patch document (RFC 6902), which is
// an array.
func AppendPatch(dst []byte, patch []Operation) []byte {
	dst = append(dst, '[')
	for i, o := range patch {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = o.append(dst)
	}
	return append(dst, ']')
}

// MarshalJSON returns the operation as RFC 6902 has it. A path may lead through
// a name that has half of a surrogate pair in it, which encoding/json by itself
// would replace.
func (o Operation) MarshalJSON() ([]byte, error) { return o.append(nil), nil }

var _ json.Marshaler = Operation{}

func (o Operation) append(dst []byte) []byte {
	dst = append(dst, `{"op":`...)
	dst = appendString(dst, []byte(o.Op))
	dst = append(dst, `,"path":`...)
	dst = appendString(dst, []byte(o.Path))
	if o.Value != nil {
		dst = append(dst, `,"value":`...)
		dst = append(dst, o.Value...)
	}
	return append(dst, '}')
}

// pathLimit is how many bytes the paths of a change may have together. Each
// path is as long as its value lies deep, so that without a limit a hostile
// document could have paths of a thousand times its own size.
func pathLimit(before, after value) int {
	return 64<<10 + 4*(len(before.raw())+len(after.raw()))
}

// pointers returns the JSON pointers to what differs. Beyond the limit that is
// the whole value.
func (w *walk) pointers(x, y uint32, limit int) []string {
	w.limit = limit
	w.values(x, y)
	if w.limit < 0 {
		return []string{""}
	}
	return unique(w.changed)
}

// patch returns the operations that turn one value into the other. Beyond the
// limit that is one that replaces the whole value.
func (w *walk) patch(x, y uint32, limit int) []Operation {
	w.limit = limit
	w.values(x, y)
	if w.limit < 0 {
		return []Operation{{Op: "replace", Value: w.after.bytes(y)}}
	}
	return w.patched
}

// tell keeps a difference at the path. value is the node in after, 0 where
// there is none.
func (w *walk) tell(op string, value uint32) {
	if w.limit -= len(w.path); w.limit < 0 {
		return
	}
	if w.masked {
		w.changed = append(w.changed, string(w.path))
		return
	}
	o := Operation{Op: op, Path: string(w.path)}
	if op != "remove" {
		o.Value = w.after.bytes(value)
	}
	w.patched = append(w.patched, o)
}

// unique removes repeats. An index into before may be one into after as well.
func unique(pointers []string) []string {
	told := make(map[string]bool, len(pointers))
	kept := pointers[:0]
	for _, p := range pointers {
		if !told[p] {
			told[p] = true
			kept = append(kept, p)
		}
	}
	return kept
}
