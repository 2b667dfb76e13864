package diff

import (
	"bytes"
	"slices"
)

// Canonical appends the canonical form of a JSON value to dst: RFC 8785, but
// with exact numbers. There is no whitespace; members are sorted by the UTF-16
// code units of their names; strings have no more escapes than they need; and
// a number has the notation that RFC 8785 gives it, but all its digits, where
// that standard would first round it to a double. Half of a surrogate pair,
// which that standard refuses, stays an escape. Equal values have equal forms.
//
// The error is [ErrInvalidJSON].
func Canonical(dst, value []byte) ([]byte, error) {
	seeds := newSeeds()
	return canonical(dst, value, &seeds, rules{})
}

// Hash returns the SHA-256 of the canonical form of a JSON value, in lower-case
// hex. The error is [ErrInvalidJSON].
func Hash(value []byte) (string, error) {
	form, err := Canonical(nil, value)
	if err != nil {
		return "", err
	}
	return sum(form), nil
}

// IsJSON reports whether a body is a JSON object or array.
func IsJSON(body []byte) bool {
	body, _ = withoutBOM(body)
	begin := bytes.TrimLeft(body, " \t\r\n")
	if len(begin) == 0 || begin[0] != '{' && begin[0] != '[' {
		return false
	}
	seeds := newSeeds()
	r := reader{brief: true}
	_, err := r.read(body, 0, &seeds, rules{}, nil)
	return err == nil
}

// hash is the hash of what is compared of a value, which is known to fit.
func (r *Rules) hash(value []byte) string {
	switch {
	case value == nil:
		return ""
	case r.format == Text:
		return sum(value)
	}
	form, err := canonical(nil, value, &r.seeds, r.inner)
	if err != nil {
		panic(err) // It was compared.
	}
	return sum(form)
}

// canonical appends the canonical form of what is seen of a value.
func canonical(dst, value []byte, seeds *seeds, rules rules) ([]byte, error) {
	c := canonizer{out: dst}
	body, offset := withoutBOM(value)
	d, err := c.reader.document(body, offset, seeds, rules, nil)
	if err != nil {
		return dst, err
	}
	c.value(&d.root)
	return c.out, nil
}

// canonizer writes values in canonical form, leaving out what is ignored.
type canonizer struct {
	reader reader
	out    []byte
	// list is a stack of the children of what is being written.
	list []child
}

func (c *canonizer) value(v *child) {
	raw := v.bytes()
	switch v.kind() {
	case array:
		c.array(v)
	case object:
		c.object(v)
	case text:
		c.text(raw)
	case number:
		c.out = appendRounded(c.out, raw, c.reader.digits)
	default:
		c.out = append(c.out, raw...)
	}
}

// text writes a string, given as it is written with its quotes.
func (c *canonizer) text(raw []byte) {
	if bytes.IndexByte(raw, '\\') < 0 {
		c.out = append(c.out, raw...)
		return
	}
	c.out = appendString(c.out, appendUnescaped(nil, raw[1:len(raw)-1]))
}

// children puts what counts of a container on the stack, and says where.
func (c *canonizer) children(v *child) (begin, end int) {
	begin = len(c.list)
	c.list = c.reader.children(v, c.list)
	if m := c.reader.machine; m != nil && v.rule != 0 {
		kept := slices.DeleteFunc(c.list[begin:], func(e child) bool { return m.states[e.rule].ignored })
		c.list = c.list[:begin+len(kept)]
	}
	return begin, len(c.list)
}

func (c *canonizer) array(v *child) {
	begin, end := c.children(v)
	c.out = append(c.out, '[')
	var digests []string
	for i := begin; i < end; i++ {
		e := c.list[i]
		if c.reader.unordered {
			from := len(c.out)
			c.value(&e)
			digests = append(digests, sum(c.out[from:]))
			c.out = c.out[:from]
			continue
		}
		if i > begin {
			c.out = append(c.out, ',')
		}
		c.value(&e)
	}
	// Sorted hashes stand for elements without order: to sort the elements would
	// move all that is in them, at each level anew.
	slices.Sort(digests)
	for i, digest := range digests {
		if i > 0 {
			c.out = append(c.out, ',')
		}
		c.out = append(append(append(c.out, '"'), digest...), '"')
	}
	c.out = append(c.out, ']')
	c.list = c.list[:begin]
}

func (c *canonizer) object(v *child) {
	begin, end := c.children(v)
	slices.SortFunc(c.list[begin:end], func(x, y child) int { return compareNames(x.text(), y.text()) })
	c.out = append(c.out, '{')
	for i := begin; i < end; i++ {
		if i > begin {
			c.out = append(c.out, ',')
		}
		e := c.list[i]
		c.text(e.doc.raw[e.nameStart:e.nameEnd])
		c.out = append(c.out, ':')
		c.value(&e)
	}
	c.out = append(c.out, '}')
	c.list = c.list[:begin]
}
