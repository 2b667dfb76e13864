package diff

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"hash/maphash"
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
	doc, err := read(value, maphash.MakeSeed())
	if err != nil {
		return dst, err
	}
	c := canonizer{doc: doc, out: dst}
	c.value(0)
	return c.out, nil
}

// Hash returns the SHA-256 of the canonical form of a JSON value, in lower-case
// hex. The error is [ErrInvalidJSON].
func Hash(value []byte) (string, error) {
	form, err := Canonical(nil, value)
	if err != nil {
		return "", err
	}
	return hashBytes(form), nil
}

// IsJSON reports whether a body is a JSON object or array.
func IsJSON(body []byte) bool {
	begin := bytes.TrimLeft(bytes.TrimPrefix(body, bom), " \t\r\n")
	if len(begin) == 0 || begin[0] != '{' && begin[0] != '[' {
		return false
	}
	_, err := read(body, maphash.MakeSeed())
	return err == nil
}

func hashBytes(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// canonizer writes values in canonical form, leaving out what is ignored.
type canonizer struct {
	doc *document
	out []byte
}

func (c *canonizer) value(i uint32) {
	n := &c.doc.nodes[i]
	switch {
	case n.kind == array:
		c.array(i)
	case n.kind == object:
		c.object(i)
	case n.kind == text && !n.plain:
		c.out = appendString(c.out, c.doc.text(i))
	case n.kind == number && !n.plain:
		c.out = appendNumber(c.out, c.doc.bytes(i))
	default:
		c.out = append(c.out, c.doc.bytes(i)...)
	}
}

func (c *canonizer) array(i uint32) {
	c.out = append(c.out, '[')
	first := true
	for e := range c.doc.elements(i) {
		if c.doc.nodes[e].ignored {
			continue
		}
		if !first {
			c.out = append(c.out, ',')
		}
		first = false
		c.value(e)
	}
	c.out = append(c.out, ']')
}

func (c *canonizer) object(i uint32) {
	type member struct {
		name []byte
		node uint32
	}
	var members []member
	for name := range c.doc.members(i) {
		if !c.doc.nodes[name+1].ignored {
			members = append(members, member{c.doc.text(name), name})
		}
	}
	slices.SortFunc(members, func(x, y member) int { return compareNames(x.name, y.name) })
	c.out = append(c.out, '{')
	for k, m := range members {
		if k > 0 {
			c.out = append(c.out, ',')
		}
		c.value(m.node)
		c.out = append(c.out, ':')
		c.value(m.node + 1)
	}
	c.out = append(c.out, '}')
}
