package diff

import (
	"bytes"
	"fmt"
)

// separator begins each value of a JSON text sequence (RFC 7464, section 2.2).
const separator = '\x1E'

// ndjsonValues reads JSON values, one on each line, into a JSON array of them.
// Blank lines are passed over, and so is a byte order mark at the start. Lines
// end in LF or CRLF. A body that begins with a record separator is a JSON text
// sequence (RFC 7464), whose values may take several lines.
//
// The error is [ErrInvalidJSON], with the line, from 1. A line that was cut is
// one: each has to be a whole value.
func ndjsonValues(body []byte) ([]byte, error) {
	rest, offset := withoutBOM(body)
	seeds := newSeeds()
	n := values{out: make([]byte, 0, len(rest)+2), seeds: &seeds, reader: reader{brief: true}}
	n.out = append(n.out, '[')
	end := byte('\n')
	if begin := bytes.TrimLeft(rest, " \t\r\n"); len(begin) > 0 && begin[0] == separator {
		end = separator
	}
	for line := 1; ; {
		one, after, more := bytes.Cut(rest, []byte{end})
		if err := n.add(one, offset, line, end == separator); err != nil {
			return nil, err
		}
		if !more {
			return append(n.out, ']'), nil
		}
		offset += len(one) + 1
		line += bytes.Count(one, []byte{'\n'})
		if end == '\n' {
			line++
		}
		rest = after
	}
}

// values are JSON values that are put into an array.
type values struct {
	out    []byte
	seeds  *seeds
	reader reader
}

// add adds one value; the body before it has so many bytes, and it begins on
// that line.
func (n *values) add(value []byte, offset, line int, sequence bool) error {
	trimmed := bytes.TrimLeft(value, " \t\r\n")
	if len(trimmed) == 0 {
		return nil
	}
	line += bytes.Count(value[:len(value)-len(trimmed)], []byte{'\n'})
	d, err := n.reader.read(value, offset, n.seeds, rules{}, nil)
	if err != nil {
		return fmt.Errorf("line %d: %w", line, err)
	}
	// 12 may be the beginning of 123; RFC 7464, section 2.4, ends it by white space.
	if last := value[len(value)-1]; sequence && d.root.scalar && d.raw[d.root.start] != '"' && !isSpace(last) {
		return fmt.Errorf("line %d: %w at byte %d: the value may be cut, as no line break ends it", line, ErrInvalidJSON, offset+len(value))
	}
	if len(n.out) > 1 {
		n.out = append(n.out, ',')
	}
	n.out = append(n.out, d.root.bytes()...)
	return nil
}
