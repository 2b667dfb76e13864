package diff

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
)

// ErrInvalidXML says that a body is not XML 1.0 in UTF-8: well-formed, without
// entities of its own, nested at most 10,000 deep. The message gives the line,
// from 1.
var ErrInvalidXML = errors.New("invalid XML")

// xmlDocument reads a document in XML into the JSON that [XML] describes. Where
// items are read from it, path are the names of the elements that lead to them,
// if names alone do: however many there are, they are an array.
//
// Without a path, a feed becomes the list of its entries. The errors are
// [ErrInvalidXML], and [ErrNoList] where an element that would hold the items
// holds what may speak of an error in their place.
func xmlDocument(body []byte, items bool, path []string) ([]byte, error) {
	body, _ = withoutBOM(body)
	if line, ok := lineNotUTF8(body); ok {
		return nil, fmt.Errorf("%w at line %d: not UTF-8", ErrInvalidXML, line)
	}
	if uint64(len(body)) > math.MaxUint32/2 {
		return nil, fmt.Errorf("%w: larger than 2 GiB", ErrInvalidXML)
	}
	limit := max(maxGrowth*len(body), minGrowth)
	names := newXMLNames(limit)
	r := xmlReader{decoder: xml.NewDecoder(bytes.NewReader(body)), path: path, names: &names}
	r.tree.names, r.tree.limit = r.names, limit
	r.tree.nodes = make([]xmlNode, 1, 64)
	r.open = append(r.open, xmlElement{place: feeds})
	// The body is UTF-8 by now, whatever its declaration says that it was.
	r.decoder.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	if err := r.read(); err != nil {
		return nil, err
	}
	r.tree.out = make([]byte, 0, len(body))
	if items && path == nil && r.feed != 0 {
		r.tree.list(r.feed, r.entry)
	} else {
		r.tree.write(0)
	}
	if r.tree.full {
		return nil, fmt.Errorf("%w: with the prefixes in all its names, it takes more than %d bytes", ErrInvalidXML, limit)
	}
	return r.tree.out, nil
}

// xmlReader reads the tokens of a document into a tree.
type xmlReader struct {
	decoder *xml.Decoder
	names   *xmlNames
	tree    xmlTree
	path    []string
	// open are the elements that have begun, within the document.
	open []xmlElement
	// run is the text since the last tag.
	run []byte
	// feed is the node that holds the entries of a feed, entry their name.
	feed, entry uint32
}

// xmlElement is an element that has begun.
type xmlElement struct {
	node uint32
	// declared is how many namespaces were in scope outside of it.
	declared int
	// place is where it is in a feed, nil where it is in none; listed says that
	// it has an entry.
	place  *xmlPlace
	listed bool
	// astray says that it is not on the path to the items; found says that it
	// has one.
	astray, found bool
}

func (r *xmlReader) read() error {
	for {
		token, err := r.decoder.Token()
		if errors.Is(err, io.EOF) {
			if r.tree.nodes[0].first == 0 {
				return fmt.Errorf("%w: there is no element in it", ErrInvalidXML)
			}
			return nil
		}
		if err != nil {
			return r.broken(err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			err = r.start(&t)
		case xml.EndElement:
			err = r.end()
		case xml.CharData:
			err = r.text(t)
		case xml.Directive:
			err = r.directive(t)
		}
		if err == nil && r.names.trouble != "" {
			err = r.fail("%s", r.names.trouble)
		}
		if err != nil {
			return err
		}
	}
}

// fail says where the reader found what cannot be.
func (r *xmlReader) fail(format string, args ...any) error {
	line, _ := r.decoder.InputPos()
	return fmt.Errorf("%w at line %d: %s", ErrInvalidXML, line, fmt.Sprintf(format, args...))
}

// broken says where the library found what is not XML.
func (r *xmlReader) broken(err error) error {
	if e, ok := errors.AsType[*xml.SyntaxError](err); ok {
		return fmt.Errorf("%w at line %d: %.200s", ErrInvalidXML, e.Line, e.Msg)
	}
	return r.fail("%.200s", err)
}

// directive refuses declarations: entities made of entities can take any amount
// of memory. A document type that only has a name changes nothing.
func (r *xmlReader) directive(d xml.Directive) error {
	if !bytes.HasPrefix(d, []byte("DOCTYPE")) || bytes.IndexByte(d, '[') >= 0 {
		return r.fail("it has a document type definition of its own, which is not read")
	}
	return nil
}

// text takes character data. CDATA sections, comments and processing
// instructions do not divide it.
func (r *xmlReader) text(text []byte) error {
	if len(r.open) == 1 {
		if len(bytes.TrimSpace(text)) > 0 {
			return r.fail("text outside of the outermost element")
		}
		return nil
	}
	r.run = append(r.run, text...)
	return nil
}

// flush ends a run of text. White space around it is layout.
func (r *xmlReader) flush() {
	if text := bytes.Trim(r.run, " \t\r\n"); len(text) > 0 {
		r.tree.addText(r.open[len(r.open)-1].node, textName, text)
	}
	r.run = r.run[:0]
}

func (r *xmlReader) start(t *xml.StartElement) error {
	r.flush()
	depth := len(r.open)
	parent := &r.open[depth-1]
	switch {
	case depth > maxDepth:
		return r.fail("nested more than %d deep", maxDepth)
	case depth == 1 && r.tree.nodes[0].first != 0:
		return r.fail("a second outermost element, <%.80s>", t.Name.Local)
	case depth == 1:
		r.names.root = t.Name.Space
	}
	e := xmlElement{declared: len(r.names.undo)}
	r.names.declare(t.Attr)
	id := r.names.number(t.Name, false)
	name := r.names.names[id]
	e.place = parent.place.at(name)
	e.astray = parent.astray || depth > len(r.path) || r.path[depth-1] != name
	node := xmlNode{name: id, kind: isElement}
	if e.place != nil {
		if e.place.many {
			node.kind |= isMany
		}
		if e.place.object {
			node.kind |= isObject
		}
		parent.listed = parent.listed || e.place.list
	}
	if !e.astray && depth == len(r.path) {
		parent.found = true
		node.kind |= isMany
	}
	e.node = r.tree.add(parent.node, node)
	if r.feed == 0 && e.place.listed() != "" {
		r.feed = e.node
		r.entry = r.names.custom(e.place.listed())
	}
	r.open = append(r.open, e)
	return r.attributes(e.node, t.Attr)
}

// attributes adds the attributes of an element, but for declarations.
func (r *xmlReader) attributes(node uint32, attributes []xml.Attr) error {
	var many map[uint32]bool
	if len(attributes) > 16 {
		many = make(map[uint32]bool, len(attributes))
	}
	for _, a := range attributes {
		if isDeclaration(a.Name) {
			continue
		}
		id := r.names.number(a.Name, true)
		repeated := many[id]
		if many == nil {
			for c := r.tree.nodes[node].first; c != 0; c = r.tree.nodes[c].next {
				repeated = repeated || r.tree.nodes[c].name == id
			}
		} else {
			many[id] = true
		}
		if repeated {
			return r.fail("the attribute %.80s is there twice", r.names.names[id][1:])
		}
		r.tree.addText(node, id, []byte(a.Value))
	}
	return nil
}

func (r *xmlReader) end() error {
	r.flush()
	last := len(r.open) - 1
	e := r.open[last]
	r.open = r.open[:last]
	r.names.leave(e.declared)
	if name := e.place.listed(); name != "" && !e.listed {
		r.tree.miss(e.node, r.names.custom(name))
		return nil
	}
	if e.astray || e.found || last != len(r.path)-1 {
		return nil
	}
	return r.empty(&e)
}

// empty takes an element that would hold the items and has none for one that
// holds an empty list, unless it says something else.
func (r *xmlReader) empty(e *xmlElement) error {
	name := r.path[len(r.path)-1]
	for c := r.tree.nodes[e.node].first; c != 0; c = r.tree.nodes[c].next {
		other := r.names.names[r.tree.nodes[c].name]
		if r.tree.nodes[c].name == textName || speaksOfError(other, string(r.tree.text(c))) {
			return fmt.Errorf("%w: there is no %s in %s, but %s, which may speak of an error: it is not taken for an empty list",
				ErrNoList, name, r.names.names[r.tree.nodes[e.node].name], other)
		}
	}
	r.tree.miss(e.node, r.names.custom(name))
	return nil
}
