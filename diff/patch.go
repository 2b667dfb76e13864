package diff

import (
	"encoding/json"
)

// Operation is one step of a JSON patch (RFC 6902, section 4). Patches that
// this package makes consist of add, remove, replace and, of keyed elements,
// move.
type Operation struct {
	Op    string          `json:"op"`
	Path  string          `json:"path"`
	From  string          `json:"from,omitempty"`
	Value json.RawMessage `json:"value,omitempty"`
	// Old is what stood at Path, or of a move at From, before the operation;
	// nil of an add. It is no part of the written patch: see [WithTests].
	Old json.RawMessage `json:"-"`
}

// WithTests returns a patch that fails where it does not fit: each operation
// that takes something away follows a test for what that is.
func WithTests(patch []Operation) []Operation {
	tested := make([]Operation, 0, 2*len(patch))
	for _, o := range patch {
		if o.Old != nil {
			at := o.Path
			if o.Op == "move" {
				at = o.From
			}
			tested = append(tested, Operation{Op: "test", Path: at, Value: o.Old})
		}
		tested = append(tested, o)
	}
	return tested
}

// AppendPatch appends operations as a JSON patch document (RFC 6902), which is
// an array.
func AppendPatch(dst []byte, patch []Operation) []byte {
	dst = append(dst, '[')
	for i := range patch {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = patch[i].append(dst)
	}
	return append(dst, ']')
}

// MarshalJSON returns the operation as RFC 6902 has it. A path may lead through
// a name that has half of a surrogate pair in it, which encoding/json by itself
// would replace.
func (o Operation) MarshalJSON() ([]byte, error) { return o.append(nil), nil }

var _ json.Marshaler = Operation{}

func (o *Operation) append(dst []byte) []byte {
	dst = append(dst, `{"op":`...)
	dst = appendString(dst, []byte(o.Op))
	if hasFrom(o.Op) {
		dst = append(dst, `,"from":`...)
		dst = appendString(dst, []byte(o.From))
	}
	dst = append(dst, `,"path":`...)
	dst = appendString(dst, []byte(o.Path))
	if o.Value != nil {
		dst = append(dst, `,"value":`...)
		dst = append(dst, o.Value...)
	}
	return append(dst, '}')
}
