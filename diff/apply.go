package diff

import (
	"errors"
	"fmt"
	"strings"
)

// maxCopied is how many bytes the copies of a patch may add to a document,
// besides as many as it has. Without a limit fifty operations, each of which
// copies the document into itself, would fill any memory.
const maxCopied = 64 << 20

// Apply makes the operations of a JSON patch (RFC 6902) in a document, one after
// the other: all of them, or none where one does not fit. Neither the document
// nor the patch is modified.
//
// Values that no operation changes keep the bytes that they are written in. An
// object or array in which something changes is written without white space
// between its members or elements, in the order that they had; what is added to
// an object goes to its end, or to where a member of that name was before.
//
// Values are equal to a test as they are to [Compare]: numbers are exact, and
// members have no order. Of members that repeat a name only the last one is
// there. The whole document can be replaced, but not removed. Copies may add
// 64 MiB, and as much as the document has.
//
// The error is [ErrInvalidJSON] for the document, [ErrBadPatch] for an operation
// that is none, and [ErrPatchConflict] where one does not fit the document.
func Apply(doc []byte, patch []Operation) ([]byte, error) {
	t, err := readTree(doc)
	if err != nil {
		return nil, err
	}
	for i := range patch {
		o := &patch[i]
		value, err := t.valueOf(o)
		if err != nil {
			return nil, badOperation(i, err)
		}
		if err := t.apply(o, value); err != nil {
			return nil, fmt.Errorf("%w: operation %d, %s %q: %w", ErrPatchConflict, i, o.Op, shortened(o.Path), err)
		}
	}
	result, ok := t.write(&t.root)
	if !ok {
		return nil, fmt.Errorf("%w: %w", ErrPatchConflict, errTooMuch)
	}
	return result, nil
}

// What operations are refused for by more than one way.
var (
	errTooMuch = fmt.Errorf("the result would be nested more than %d deep, or larger than 4 GiB", maxDepth)
	errNoRoot  = errors.New("the whole document cannot be removed")
)

// shortened is a path for a message.
func shortened(path string) string {
	const most = 200
	if len(path) <= most {
		return path
	}
	return path[:most] + "…"
}

// valueOf checks an operation by itself, and reads its value if it has one.
func (t *tree) valueOf(o *Operation) (*child, error) {
	if !hasValue(o.Op) && !hasFrom(o.Op) && o.Op != "remove" {
		return nil, unknownOp(o.Op)
	}
	if err := checkPointer(o.Path); err != nil {
		return nil, fmt.Errorf("path %w", err)
	}
	if hasFrom(o.Op) {
		if err := checkPointer(o.From); err != nil {
			return nil, fmt.Errorf("from %w", err)
		}
	}
	if !hasValue(o.Op) {
		return nil, nil
	}
	if o.Value == nil {
		return nil, errors.New("value is missing")
	}
	value, err := t.skim(o.Value)
	if err != nil {
		return nil, fmt.Errorf("value: %w", err)
	}
	return value, nil
}

// apply makes one operation, of which value is the value.
func (t *tree) apply(o *Operation, value *child) error {
	switch o.Op {
	case "add":
		return t.put(o.Path, node{text: value})
	case "remove":
		_, err := t.take(o.Path)
		return err
	case "replace":
		n, err := t.find(o.Path, true)
		if err == nil {
			*n = node{text: value}
		}
		return err
	case "move":
		return t.move(o.From, o.Path)
	case "copy":
		return t.copy(o.From, o.Path)
	default:
		return t.test(o.Path, value)
	}
}

func (t *tree) move(from, to string) error {
	if from == to {
		_, err := t.find(from, false)
		return err
	}
	// A step can be escaped in one way only, so that equal steps are equal here.
	if strings.HasPrefix(to, from+"/") {
		return fmt.Errorf("%q cannot be moved into itself", shortened(from))
	}
	n, err := t.take(from)
	if err != nil {
		return fmt.Errorf("from %q: %w", shortened(from), err)
	}
	return t.put(to, n)
}

func (t *tree) copy(from, to string) error {
	n, err := t.find(from, false)
	if err != nil {
		return fmt.Errorf("from %q: %w", shortened(from), err)
	}
	text, err := t.settle(n)
	if err != nil {
		return err
	}
	if t.copied += len(text.bytes()); t.copied > t.copyLimit {
		return fmt.Errorf("copies add more than %d bytes", t.copyLimit)
	}
	return t.put(to, node{text: text})
}

func (t *tree) test(path string, value *child) error {
	n, err := t.find(path, false)
	if err != nil {
		return err
	}
	text, err := t.settle(n)
	if err != nil {
		return err
	}
	if text.hash != value.hash {
		return errors.New("another value is there")
	}
	return nil
}
