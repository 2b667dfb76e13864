package config

import (
	"cmp"
	"encoding"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// decoder turns nodes into values. It knows where each value stands, refuses
// what it does not know, and goes on after a mistake to find the others.
type decoder struct {
	*report
	keyring
	expand *expander
	// bad are the nodes that gave no value: nothing more is said of them.
	bad map[*yaml.Node]bool
	// owner is the kind of element that is being decoded, and ownerPath its
	// path: a key at the wrong depth is looked for below it.
	owner     reflect.Type
	ownerPath string
}

func newDecoder(lookup Lookup, keys keyring) *decoder {
	return &decoder{report: newReport(), keyring: keys, expand: newExpander(lookup), bad: make(map[*yaml.Node]bool)}
}

const (
	noValue = "there is no value: give it one, or remove the key"
	noList  = "want a list, got %s: write it in [ ], or each element on a line of its own that begins with -"
)

// union is a type that is written in more than one shape.
type union interface {
	decode(d *decoder, at place, f field)
}

// decodeInto decodes a node into what target points to.
func decodeInto(d *decoder, at place, target any, f field) {
	d.value(at, reflect.ValueOf(target).Elem(), f)
}

// fail notes that a node gives no value.
func (d *decoder) fail(at place, format string, args ...any) {
	d.bad[at.node] = true
	d.add(at, format, args...)
}

// value decodes a node into v, within the bounds that the tags of f set.
func (d *decoder) value(at place, v reflect.Value, f field) {
	if d.bad[at.node] {
		return
	}
	if u, ok := v.Addr().Interface().(union); ok {
		u.decode(d, at, f)
		return
	}
	if isNull(at.node) {
		d.fail(at, noValue)
		return
	}
	switch {
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(at, v.Elem(), f)
	case isText(v.Type()):
		d.text(at, v, f)
	case v.Kind() == reflect.Struct:
		d.mapping(at, v, f)
	case v.Kind() == reflect.Slice:
		d.list(at, v, f)
	case v.Kind() == reflect.Map:
		d.dictionary(at, v, f)
	default:
		d.scalar(at, v, f)
	}
}

// isText says whether a type is written as one text that it reads itself.
func isText(t reflect.Type) bool {
	return t == reflect.TypeFor[Secret]() || t == reflect.TypeFor[URL]() || t == reflect.TypeFor[DSN]() ||
		reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// mapping decodes into a struct, which is the value of outer. In a partial one
// nothing is required and nothing has a default.
func (d *decoder) mapping(at place, v reflect.Value, outer field) {
	if at.node.Kind != yaml.MappingNode {
		d.fail(at, "want a mapping%s, got %s", cmp.Or(outer.likeExample(), " (keys and values)"), describe(at.node))
		return
	}
	partial := outer.partial
	meant := d.unknownKeys(at, v.Type())
	for _, f := range d.fields(v.Type()) {
		into := v.FieldByIndex(f.index)
		f.partial = f.partial || partial
		value, written := at.key(f.key)
		switch {
		case written && f.partial && !partial:
			d.owned(value, into, f)
		case written:
			d.value(value, into, f)
		case partial:
		case f.required && meant[f.key]: // its misspelling was refused
		case f.required && !d.exempt(at, v, f):
			d.add(at, "the key %q is missing%s%s", f.key, f.suchAs(), f.otherwise())
		default:
			d.fallback(at, into, f)
		}
	}
}

// exempt says whether a key of v is not required because of what another one
// is. What that one is cannot be known where it gave no value.
func (d *decoder) exempt(at place, v reflect.Value, f field) bool {
	if f.unless == nil {
		return false
	}
	other, _ := d.field(v.Type(), f.unless.key)
	p, written := at.key(other.key)
	return written && d.bad[p.node] || slices.Contains(f.unless.values, v.FieldByIndex(other.index).String())
}

// suchAs gives the example of a key as the end of a sentence.
func (f field) suchAs() string {
	if f.example == "" {
		return ""
	}
	return ", such as " + f.key + ": " + f.example
}

// otherwise says as the end of a sentence when a key that is required is not.
func (f field) otherwise() string {
	if f.unless == nil {
		return ""
	}
	return fmt.Sprintf("; with %s: %s there need be none", f.unless.key, orList(f.unless.values))
}

// likeExample gives the example of a mapping in a sentence.
func (f field) likeExample() string {
	if !strings.HasPrefix(f.example, "{") {
		return ""
	}
	return " such as " + f.example
}

// fallback sets what is not written.
func (d *decoder) fallback(at place, v reflect.Value, f field) {
	switch {
	case f.fallback != nil:
		d.value(place{at.doc, f.fallback, joinPath(at.path, f.key)}, v, f)
	case v.Kind() == reflect.Struct && !isText(v.Type()) && len(d.fields(v.Type())) > 0 && !f.partial:
		if _, ok := v.Addr().Interface().(union); ok {
			return
		}
		empty := &yaml.Node{Kind: yaml.MappingNode, Line: at.node.Line, Column: at.node.Column}
		d.mapping(place{at.doc, empty, joinPath(at.path, f.key)}, v, f)
	}
}

// unknownKeys refuses keys that a struct type does not have, and returns those
// that were meant.
func (d *decoder) unknownKeys(at place, t reflect.Type) map[string]bool {
	meant := make(map[string]bool)
	for _, e := range at.entries() {
		_, known := d.field(t, e.name)
		if known || !isKey(e.key.node) {
			continue
		}
		hint := ""
		key, certain := d.meantKey(t, e.name)
		if key != "" {
			meant[key] = true
			hint = fmt.Sprintf("did you mean %q?", key)
		}
		if other := d.otherPlace(t, e.name); other != "" && !certain {
			hint = other
		}
		d.add(e.key, "unknown key %s; %s", quote(e.name), cmp.Or(hint, "the keys here are "+strings.Join(d.names(t), ", ")))
	}
	return meant
}

// meantKey is the key that was probably meant, or "". It is certain where the
// word is known to stand for it.
func (d *decoder) meantKey(t reflect.Type, key string) (meant string, certain bool) {
	for _, f := range d.fields(t) {
		if slices.Contains(f.aka, key) {
			return f.key, true
		}
	}
	return nearest(key, d.names(t)), false
}

// otherPlace says where in the element a key is known, or "".
func (d *decoder) otherPlace(t reflect.Type, key string) string {
	if d.owner == reflect.TypeFor[Settings]() && isOwn(key, reflect.TypeFor[Source]()) {
		return "each source has its own"
	}
	found := d.within(d.owner, key, "")
	if len(found) > 1 {
		// What every element has is meant sooner than what only some have.
		found = slices.DeleteFunc(found, func(path string) bool {
			first, _, _ := strings.Cut(path, ".")
			f, _ := d.field(d.owner, first)
			return !f.required
		})
	}
	if len(found) == 1 {
		return "it belongs under " + found[0]
	}
	if _, ok := d.field(d.owner, key); ok && t != d.owner {
		return "it belongs directly under " + cmp.Or(d.ownerPath, "the top level")
	}
	return ""
}

func (d *decoder) list(at place, v reflect.Value, f field) {
	if at.node.Kind != yaml.SequenceNode {
		d.fail(at, noList, describe(at.node))
		return
	}
	items := at.items()
	v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
	for i, item := range items {
		d.owned(item, v.Index(i), f)
	}
}

// owned decodes an element, or defaults: a key at the wrong depth in it is
// looked for below it.
func (d *decoder) owned(at place, v reflect.Value, f field) {
	owner, ownerPath := d.owner, d.ownerPath
	if v.Kind() == reflect.Struct && len(d.fields(v.Type())) > 0 {
		d.owner, d.ownerPath = v.Type(), at.path
	}
	d.value(at, v, f)
	d.owner, d.ownerPath = owner, ownerPath
}

func (d *decoder) dictionary(at place, v reflect.Value, f field) {
	if at.node.Kind != yaml.MappingNode {
		d.fail(at, "want a mapping%s, got %s", cmp.Or(f.likeExample(), " (keys and values)"), describe(at.node))
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for _, e := range at.entries() {
		into := reflect.New(v.Type().Elem()).Elem()
		d.value(e.value, into, f)
		v.SetMapIndex(reflect.ValueOf(e.name), into)
	}
}

// scalarText is the text of a scalar, expanded; false if it has none.
func (d *decoder) scalarText(at place, want string) (string, bool) {
	if at.node.Kind != yaml.ScalarNode {
		d.fail(at, "want %s, got %s", want, describe(at.node))
		return "", false
	}
	text, err := d.expand.value(at.node)
	if err != nil {
		d.fail(at, "%s", err)
		return "", false
	}
	return text, true
}

// text decodes a type that reads its own text.
func (d *decoder) text(at place, v reflect.Value, f field) {
	text, ok := d.scalarText(at, "one value")
	if !ok {
		return
	}
	var err error
	switch into := v.Addr().Interface().(type) {
	case *Secret:
		*into = NewSecret(text)
		if tag := at.node.ShortTag(); tag != "!!str" && !f.loose() {
			d.fail(at, "want a string, got %s: put it in quotes", describe(at.node))
		}
	case *URL:
		*into = NewURL(text)
	case *DSN:
		if *into, err = ParseDSN(text); err != nil {
			d.fail(at, "%s", err) // it may hold a password, and is not quoted
			return
		}
	case *time.Time:
		if *into, err = time.Parse(time.RFC3339, text); err != nil {
			err = fmt.Errorf("this is no time; write it with date, time and zone, such as 2027-01-01T00:00:00Z")
		}
	case *netip.Prefix:
		*into, err = parseNetwork(text)
	case encoding.TextUnmarshaler:
		err = into.UnmarshalText([]byte(text))
	}
	if err != nil {
		d.fail(at, "%s: %s", at.quote(text), err)
		return
	}
	d.bounds(at, v, f)
}

// loose says whether numbers and booleans may stand for text: in headers and
// params they mean what is written.
func (f field) loose() bool { return f.typ.Kind() == reflect.Map }
