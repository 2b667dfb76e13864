package diff

import (
	"bytes"
	"cmp"
	"fmt"
	"hash/maphash"
	"math"
	"slices"
	"unicode/utf8"
)

// maxDepth is how deep containers may be nested. It bounds the stack.
const maxDepth = 10_000

// parser reads one JSON text, strictly as RFC 8259 has it.
type parser struct {
	raw  []byte
	pos  int
	seed maphash.Seed
	// offset is what was cut off before raw, for error messages.
	offset int
	depth  int
	nodes  []node
	// names is a stack of the names in the objects being read.
	names []uint32
	// repeated are the members that a later one of the same name replaces,
	// each with the comma after it.
	repeated []span
	scratch  []byte
}

func (p *parser) parse() (*document, error) {
	if uint64(len(p.raw)) > math.MaxUint32 {
		return nil, fmt.Errorf("%w: larger than 4 GiB", ErrInvalidJSON)
	}
	if at := invalidUTF8(p.raw); at >= 0 {
		p.pos = at
		return nil, p.fail("not UTF-8")
	}
	p.nodes = make([]node, 0, len(p.raw)/8+1)
	p.space()
	if err := p.value(); err != nil {
		return nil, err
	}
	p.space()
	if p.pos < len(p.raw) {
		return nil, p.fail("unexpected %s after the value", p.here())
	}
	return &document{raw: p.raw, nodes: p.nodes}, nil
}

// invalidUTF8 returns where the first byte stands that is not UTF-8, or -1.
func invalidUTF8(b []byte) int {
	if utf8.Valid(b) {
		return -1
	}
	for i := 0; ; {
		r, size := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && size <= 1 {
			return i
		}
		i += size
	}
}

func (p *parser) fail(format string, args ...any) error {
	return fmt.Errorf("%w at byte %d: %s", ErrInvalidJSON, p.offset+p.pos, fmt.Sprintf(format, args...))
}

// here names what stands at the position.
func (p *parser) here() string {
	if p.pos >= len(p.raw) {
		return "end"
	}
	r, _ := utf8.DecodeRune(p.raw[p.pos:])
	return fmt.Sprintf("%q", r)
}

// peek returns the byte at the position, or 0 at the end.
func (p *parser) peek() byte {
	if p.pos < len(p.raw) {
		return p.raw[p.pos]
	}
	return 0
}

func (p *parser) space() {
	for p.pos < len(p.raw) {
		switch p.raw[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}

// open appends a node that begins at the position; close ends it there.
func (p *parser) open(k kind) uint32 {
	p.nodes = append(p.nodes, node{kind: k, start: uint32(p.pos)})
	return uint32(len(p.nodes) - 1)
}

func (p *parser) close(i uint32, hash uint64) {
	n := &p.nodes[i]
	n.end, n.next = uint32(p.pos), uint32(len(p.nodes))
	n.hash, n.seen = hash, hash
}

func (p *parser) value() error {
	switch c := p.peek(); c {
	case '{':
		return p.nested(p.object)
	case '[':
		return p.nested(p.array)
	case '"':
		return p.string()
	case 't':
		return p.literal("true", truth)
	case 'f':
		return p.literal("false", falsehood)
	case 'n':
		return p.literal("null", null)
	default:
		if c == '-' || isDigit(c) {
			return p.number()
		}
		return p.fail("%s where a value should be", p.here())
	}
}

func (p *parser) nested(container func() error) error {
	if p.depth == maxDepth {
		return p.fail("nested more than %d deep", maxDepth)
	}
	p.depth++
	err := container()
	p.depth--
	return err
}

func (p *parser) literal(word string, k kind) error {
	if !bytes.HasPrefix(p.raw[p.pos:], []byte(word)) {
		return p.fail("%s where a value should be", p.here())
	}
	i := p.open(k)
	p.pos += len(word)
	p.close(i, scalarHash(p.seed, k, nil))
	return nil
}

func (p *parser) array() error {
	i := p.open(array)
	sum := newArrayHash()
	p.pos++
	p.space()
	if p.peek() == ']' {
		p.pos++
		p.close(i, sum.sum())
		return nil
	}
	for {
		element := len(p.nodes)
		if err := p.value(); err != nil {
			return err
		}
		sum.add(p.nodes[element].hash)
		more, err := p.separator(']')
		if err != nil {
			return err
		}
		if !more {
			p.close(i, sum.sum())
			return nil
		}
	}
}

// separator takes a comma, after which more follows, or the closing bracket.
func (p *parser) separator(closing byte) (more bool, err error) {
	p.space()
	switch p.peek() {
	case ',':
		p.pos++
		p.space()
		return true, nil
	case closing:
		p.pos++
		return false, nil
	default:
		return false, p.fail("%s where , or %c should be", p.here(), closing)
	}
}

func (p *parser) object() error {
	i := p.open(object)
	base := len(p.names)
	p.pos++
	p.space()
	if p.peek() == '}' {
		p.pos++
	} else {
		for more := true; more; {
			p.names = append(p.names, uint32(len(p.nodes)))
			if err := p.member(); err != nil {
				return err
			}
			var err error
			if more, err = p.separator('}'); err != nil {
				return err
			}
		}
	}
	sum := newObjectHash()
	for _, name := range p.names[base:] {
		sum.add(p.nodes[name].hash, p.nodes[name+1].hash)
	}
	p.findRepeated(p.names[base:])
	p.names = p.names[:base]
	p.close(i, sum.sum())
	return nil
}

func (p *parser) member() error {
	if p.peek() != '"' {
		return p.fail("%s where a member's name should be", p.here())
	}
	if err := p.string(); err != nil {
		return err
	}
	p.space()
	if p.peek() != ':' {
		return p.fail("%s where : should be", p.here())
	}
	p.pos++
	p.space()
	return p.value()
}

// findRepeated records all but the last member of each name. It may reorder names.
func (p *parser) findRepeated(names []uint32) {
	doc := document{raw: p.raw, nodes: p.nodes}
	slices.SortFunc(names, func(x, y uint32) int {
		if c := cmp.Compare(p.nodes[x].hash, p.nodes[y].hash); c != 0 {
			return c
		}
		if c := bytes.Compare(doc.text(x), doc.text(y)); c != 0 {
			return c
		}
		return cmp.Compare(x, y)
	})
	for i := 1; i < len(names); i++ {
		x, y := names[i-1], names[i]
		if p.nodes[x].hash == p.nodes[y].hash && bytes.Equal(doc.text(x), doc.text(y)) {
			// A member of the same name comes later, so one follows directly.
			follower := p.nodes[x+1].next
			p.repeated = append(p.repeated, span{p.nodes[x].start, p.nodes[follower].start})
		}
	}
}

// string reads a string. Its bytes are known to be UTF-8.
func (p *parser) string() error {
	i := p.open(text)
	start := p.pos + 1
	plain := true
	p.pos++
	for {
		switch c := p.peek(); {
		case c == '"':
			p.pos++
			inner := p.raw[start : p.pos-1]
			if !plain {
				p.scratch = appendUnescaped(p.scratch[:0], inner)
				inner = p.scratch
			}
			p.nodes[i].plain = plain
			p.close(i, scalarHash(p.seed, text, inner))
			return nil
		case c == '\\':
			plain = false
			if err := p.escape(); err != nil {
				return err
			}
		case c < 0x20:
			return p.fail("%s within a string", p.here())
		default:
			p.pos++
		}
	}
}

// escape takes one escape sequence.
func (p *parser) escape() error {
	p.pos++
	switch p.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		p.pos++
		return nil
	case 'u':
		p.pos++
		for range 4 {
			if !isHex(p.peek()) {
				return p.fail("%s where a hex digit of \\u should be", p.here())
			}
			p.pos++
		}
		return nil
	default:
		return p.fail("%s after a backslash", p.here())
	}
}

func (p *parser) number() error {
	i := p.open(number)
	start := p.pos
	if p.peek() == '-' {
		p.pos++
	}
	if p.peek() == '0' {
		p.pos++ // Nothing may follow a leading zero.
	} else if err := p.digits(); err != nil {
		return err
	}
	if p.peek() == '.' {
		p.pos++
		if err := p.digits(); err != nil {
			return err
		}
	}
	if c := p.peek(); c == 'e' || c == 'E' {
		p.pos++
		if c := p.peek(); c == '+' || c == '-' {
			p.pos++
		}
		if err := p.digits(); err != nil {
			return err
		}
	}
	raw := p.raw[start:p.pos]
	plain := isCanonicalNumber(raw)
	if !plain {
		p.scratch = appendNumber(p.scratch[:0], raw)
		raw = p.scratch
	}
	p.nodes[i].plain = plain
	p.close(i, scalarHash(p.seed, number, raw))
	return nil
}

// digits takes at least one digit.
func (p *parser) digits() error {
	if !isDigit(p.peek()) {
		return p.fail("%s where a digit should be", p.here())
	}
	for isDigit(p.peek()) {
		p.pos++
	}
	return nil
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isHex(c byte) bool {
	return isDigit(c) || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}
