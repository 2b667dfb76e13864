package diff

import (
	"fmt"
)

// ParsePatch reads a JSON patch document (RFC 6902): an array of operations.
//
// It is strict. An operation has one of the six names, the members that belong
// to it, each once, and paths that are JSON pointers (RFC 6901). Members that do
// not belong to it are passed over, as that standard asks for. Values stay as
// they are written, and share memory with doc.
//
// The error is [ErrBadPatch], and [ErrInvalidJSON] too where doc is not JSON.
func ParsePatch(doc []byte) ([]Operation, error) {
	body, offset := withoutBOM(doc)
	seeds := newSeeds()
	var r reader
	// Names that are repeated have to be seen, so they are not taken out.
	d, err := r.read(body, offset, &seeds, rules{}, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadPatch, err)
	}
	if k := d.root.kind(); k != array {
		return nil, fmt.Errorf("%w: it must be an array of operations, and is %s", ErrBadPatch, k)
	}
	list := r.children(&d.root, nil)
	patch := make([]Operation, len(list))
	var members []child
	for i := range list {
		if k := list[i].kind(); k != object {
			return nil, badOperation(i, fmt.Errorf("it must be an object, and is %s", k))
		}
		members = r.children(&list[i], members[:0])
		if err := patch[i].read(members); err != nil {
			return nil, badOperation(i, err)
		}
	}
	return patch, nil
}

func badOperation(i int, err error) error {
	return fmt.Errorf("%w: operation %d: %w", ErrBadPatch, i, err)
}

// hasFrom and hasValue say which members belong to an operation, besides op and
// path.
func hasFrom(op string) bool { return op == "move" || op == "copy" }

func hasValue(op string) bool { return op == "add" || op == "replace" || op == "test" }

func unknownOp(op string) error {
	return fmt.Errorf("op %q must be add, remove, replace, move, copy or test", shortened(op))
}

// read takes an operation from its members.
func (o *Operation) read(members []child) (err error) {
	if o.Op, err = textMember(members, "op"); err != nil {
		return err
	}
	if !hasFrom(o.Op) && !hasValue(o.Op) && o.Op != "remove" {
		return unknownOp(o.Op)
	}
	if o.Path, err = pointerMember(members, "path"); err != nil {
		return err
	}
	if hasFrom(o.Op) {
		if o.From, err = pointerMember(members, "from"); err != nil {
			return err
		}
	}
	if hasValue(o.Op) {
		value, err := onlyMember(members, "value")
		if err != nil {
			return err
		}
		o.Value = value.bytes()
	}
	return nil
}

// onlyMember returns the member of a name, of which there must be one.
func onlyMember(members []child, name string) (*child, error) {
	var found *child
	for i := range members {
		if string(members[i].text()) != name {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("%s is there twice", name)
		}
		found = &members[i]
	}
	if found == nil {
		return nil, fmt.Errorf("%s is missing", name)
	}
	return found, nil
}

func textMember(members []child, name string) (string, error) {
	m, err := onlyMember(members, name)
	if err != nil {
		return "", err
	}
	if k := m.kind(); k != text {
		return "", fmt.Errorf("%s must be a string, and is %s", name, k)
	}
	quoted := m.bytes()
	return string(appendUnescaped(nil, quoted[1:len(quoted)-1])), nil
}

func pointerMember(members []child, name string) (string, error) {
	pointer, err := textMember(members, name)
	if err != nil {
		return "", err
	}
	if err := checkPointer(pointer); err != nil {
		return "", fmt.Errorf("%s %w", name, err)
	}
	return pointer, nil
}
