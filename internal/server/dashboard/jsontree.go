package dashboard

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"strconv"
)

// maxTreeDepth bounds how deep a value that is shown may be nested.
const maxTreeDepth = 500

var errTooDeep = errors.New("it is nested too deep")

// tree is a JSON value as it is shown: members in the order in which they were
// sent, numbers as they were written.
type tree struct {
	// kind is the first byte of the value in JSON: { [ " t f n, or 0 of a number.
	kind byte
	// text is the value of a string or a number.
	text     string
	members  []member // of an object
	elements []*tree  // of an array
	// sum is equal for equal values, whatever the order of members.
	sum uint64
}

// member is one member of an object.
type member struct {
	name  string
	value *tree
}

// treeReader reads values whose sums can be compared.
type treeReader struct {
	seed maphash.Seed
}

// read returns a value; nil of a JSON null and of nothing.
func (r *treeReader) read(raw []byte) (*tree, error) {
	if raw = bytes.TrimSpace(raw); len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	t, err := r.value(decoder, maxTreeDepth)
	if err == nil {
		if _, end := decoder.Token(); !errors.Is(end, io.EOF) {
			err = errors.New("something follows the value")
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read value: %w", err)
	}
	return t, nil
}

func (r *treeReader) value(d *json.Decoder, depth int) (*tree, error) {
	if depth == 0 {
		return nil, errTooDeep
	}
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	t := &tree{}
	switch v := token.(type) {
	case json.Delim:
		t.kind = byte(v)
		if v == '{' {
			err = r.object(d, t, depth-1)
		} else {
			err = r.array(d, t, depth-1)
		}
		return t, err
	case string:
		t.kind, t.text = '"', v
	case json.Number:
		t.text = v.String()
	case bool:
		t.kind = strconv.FormatBool(v)[0]
	default:
		t.kind = 'n'
	}
	t.sum = r.hash(t.kind, t.text)
	return t, nil
}

// object reads members up to the end. Of a repeated name the last value counts.
func (r *treeReader) object(d *json.Decoder, t *tree, depth int) error {
	at := make(map[string]int)
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return err
		}
		name, _ := token.(string) // the decoder takes nothing else for a name
		value, err := r.value(d, depth)
		if err != nil {
			return err
		}
		if i, repeated := at[name]; repeated {
			t.members[i].value = value
			continue
		}
		at[name] = len(t.members)
		t.members = append(t.members, member{name, value})
	}
	t.sum = r.hash('{', "")
	for _, m := range t.members {
		t.sum += r.hash(':', m.name+"\x00"+strconv.FormatUint(m.value.sum, 16))
	}
	_, err := d.Token()
	return err
}

func (r *treeReader) array(d *json.Decoder, t *tree, depth int) error {
	var h maphash.Hash
	h.SetSeed(r.seed)
	for d.More() {
		value, err := r.value(d, depth)
		if err != nil {
			return err
		}
		t.elements = append(t.elements, value)
		_, _ = h.WriteString(strconv.FormatUint(value.sum, 16)) // It cannot fail.
		_ = h.WriteByte(',')
	}
	t.sum = h.Sum64() + '['
	_, err := d.Token()
	return err
}

func (r *treeReader) hash(kind byte, text string) uint64 {
	return maphash.String(r.seed, string(rune(kind))+text)
}

// isContainer says whether other values are in it.
func (t *tree) isContainer() bool { return t.kind == '{' || t.kind == '[' }

// size is how many values are in it.
func (t *tree) size() int { return len(t.members) + len(t.elements) }

// maxInline is how many bytes of a container that is alike a line shows.
const maxInline = 100

// inline shows a value on one line: all of a scalar, the beginning of a container.
func (t *tree) inline() string {
	if !t.isContainer() {
		return t.scalar()
	}
	text := string(t.appendTo(nil, maxInline))
	if len(text) > maxInline {
		return cutBytes(text, maxInline) + "…"
	}
	return text
}

// appendTo appends a value, and stops soon after there are more bytes than most.
func (t *tree) appendTo(dst []byte, most int) []byte {
	if !t.isContainer() {
		return append(dst, t.scalar()...)
	}
	dst = append(dst, t.kind)
	for i, m := range t.members {
		if len(dst) > most {
			return dst
		}
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = append(append(dst, m.name...), ": "...)
		dst = m.value.appendTo(dst, most)
	}
	for i, e := range t.elements {
		if len(dst) > most {
			return dst
		}
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = e.appendTo(dst, most)
	}
	return append(dst, t.kind+2) // In ASCII, } and ] follow { and [ after one other.
}

// scalar shows what is no container, as it stands in JSON.
func (t *tree) scalar() string {
	switch t.kind {
	case '"':
		return quoted(t.text)
	case 't':
		return "true"
	case 'f':
		return "false"
	case 'n':
		return "null"
	default:
		return t.text
	}
}

// quoted is a string in JSON, with <, > and & as they are.
func quoted(s string) string {
	var buf bytes.Buffer
	encoder := json.NewEncoder(&buf)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(s) // A string can always be encoded.
	return string(bytes.TrimSuffix(buf.Bytes(), []byte("\n")))
}
