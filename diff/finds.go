package diff

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// finds are the values that a reader finds by their roles.
type finds struct {
	*Rules
	raw []byte
	// selected is what select leads to, in the document or in the current item.
	selected child
	// list is what the path of the list leads to.
	list  child
	items []item
	// keys holds the keys of the items, one after the other.
	keys []byte
	// index numbers the items by their keys.
	index table
	// out says of each item whether the filter leaves it out; it is empty where
	// none is left out without asking. passing counts the others, and filterErr
	// is the filter's first error.
	out       []bool
	passing   int
	filterErr error
	// parts are the values of the current item's key.
	parts []child
	// badKey is the first mistake.
	badKey error
	// like, if any, are the items of a list that is much the same. The next one
	// here is likely to be one of same and waiting there (see twins). copied is
	// one that is written here as it is there.
	like          *finds
	same, waiting int
	copied        *item
}

// item is an item of a list. Memory is for a hundred thousand of them.
type item struct {
	// seen is the hash of what is compared of it, key that of its key.
	seen, key uint64
	// whole and selected are where it stands, and what is compared of it: that
	// is empty where select leads to nothing. label is where the key is in
	// finds.keys.
	whole, selected, label span
}

func (f *finds) reset(r *Rules) {
	f.Rules = r
	f.selected, f.list, f.badKey, f.copied = child{}, child{}, nil, nil
	f.same, f.waiting = 0, 0
	f.items, f.keys = f.items[:0], f.keys[:0]
	f.index.reset(0)
	f.out, f.passing, f.filterErr = f.out[:0], 0, nil
	if r.items != nil {
		f.parts = zeros(f.parts, len(r.items.Key))
	}
}

func (f *finds) bytes(s span) []byte { return f.raw[s.start:s.end:s.end] }
func (f *finds) name(i *item) string { return string(f.keys[i.label.start:i.label.end]) }

// found takes a value that has a role.
func (f *finds) found(role role, v *child) {
	switch role {
	case listRole:
		f.list = *v
	case selectRole:
		f.selected = *v
	case itemRole:
		f.item(v)
		f.selected = child{}
		clear(f.parts)
	default:
		f.parts[role] = *v
	}
}

// reuse looks for the item that begins at a position among those of the list
// that is like this one, and returns where it ends, or 0.
func (f *finds) reuse(state uint32, at int) (end int) {
	if state == 0 || f.whole.machine.states[state].role != itemRole {
		return 0
	}
	known := f.like.items
	if f.same >= len(known) {
		f.same = f.waiting // Look at the last ones again, rather than at none.
	}
	for _, n := range [...]int{f.same, f.waiting, f.same + 1} {
		if n >= len(known) {
			continue
		}
		raw := f.like.bytes(known[n].whole)
		if end = at + len(raw); end <= len(f.raw) && bytes.Equal(f.raw[at:end], raw) {
			f.copied = &known[n]
			f.same, f.waiting = n+1, n+1
			return end
		}
	}
	f.same++
	return 0
}

// copy takes an item that is written as it is in the list that is like this one.
func (f *finds) copy(start uint32) {
	i := *f.copied
	f.copied = nil
	shift := start - i.whole.start
	i.whole.start += shift
	i.whole.end += shift
	if i.selected.end > 0 {
		i.selected.start += shift
		i.selected.end += shift
	}
	begin := uint32(len(f.keys))
	f.keys = append(f.keys, f.like.keys[i.label.start:i.label.end]...)
	i.label = span{begin, uint32(len(f.keys))}
	f.items = append(f.items, i)
}

// item takes the item that has ended.
func (f *finds) item(v *child) {
	if f.badKey != nil {
		return
	}
	if f.copied != nil {
		f.copy(v.start)
		return
	}
	i := item{seen: v.seen, whole: span{v.start, v.end}, selected: span{v.start, v.end}}
	if f.path != "" && !f.selectByGJSON {
		i.selected, i.seen = span{f.selected.start, f.selected.end}, f.selected.seen
		if f.selected.end == 0 {
			i.seen = f.seeds.null
		}
	}
	begin := len(f.keys)
	if err := f.addKey(f.bytes(i.whole)); err != nil {
		f.badKey = fmt.Errorf("%w: items[%d]: %w", ErrBadKey, len(f.items), err)
		return
	}
	i.label = span{uint32(begin), uint32(len(f.keys))}
	i.key = f.seeds.bytes(f.seeds.text, f.keys[begin:])
	f.items = append(f.items, i)
}

// addKey adds the key of an item: a string as it is, a number in canonical
// form, or several of them as a JSON array.
func (f *finds) addKey(whole []byte) error {
	if len(f.parts) == 1 {
		raw, err := f.part(0, whole)
		if err != nil {
			return err
		}
		if raw[0] == '"' {
			f.keys = appendUnescaped(f.keys, raw[1:len(raw)-1])
		} else {
			f.keys = appendNumber(f.keys, raw)
		}
		return nil
	}
	for n := range f.parts {
		raw, err := f.part(n, whole)
		if err != nil {
			return err
		}
		if n == 0 {
			f.keys = append(f.keys, '[')
		} else {
			f.keys = append(f.keys, ',')
		}
		if raw[0] == '"' {
			f.keys = appendString(f.keys, appendUnescaped(nil, raw[1:len(raw)-1]))
		} else {
			f.keys = appendNumber(f.keys, raw)
		}
	}
	f.keys = append(f.keys, ']')
	return nil
}

// part returns a value of an item's key as it is written: a string that is not
// empty, or a number.
func (f *finds) part(n int, whole []byte) (raw []byte, err error) {
	path := f.Rules.items.Key[n]
	raw, ok := f.bytes(span{f.parts[n].start, f.parts[n].end}), f.parts[n].end > 0
	if f.keyByGJSON[n] {
		if raw, ok = get(whole, path); ok && path != this {
			r := reader{brief: true}
			d, err := r.document(raw, 0, &f.seeds, rules{}, nil)
			if err != nil {
				return nil, fmt.Errorf("read what path %q makes: %w", path, err)
			}
			raw = d.root.bytes()
		}
	}
	if !ok {
		return nil, fmt.Errorf("%s is missing", path)
	}
	switch k := kindOf(raw[0]); {
	case k == number:
		return raw, nil
	case k != text:
		return nil, fmt.Errorf("%s is %s, not a string or a number", path, k)
	case len(raw) == 2:
		return nil, fmt.Errorf("%s is empty", path)
	case bytes.IndexByte(raw, '\\') >= 0 && !utf8.Valid(appendUnescaped(nil, raw[1:len(raw)-1])):
		return nil, fmt.Errorf("%s has half of a surrogate pair: %s", path, excerpt(raw))
	}
	return raw, nil
}

// number numbers the items by their keys, each of which must be another.
func (f *finds) number() error {
	f.index.reset(len(f.items))
	for n := range f.items {
		first, isNew := f.index.add(f.items[n].key)
		if isNew {
			continue
		}
		return fmt.Errorf("%w: items[%d] and items[%d]: %s is %s in the one and %s in the other", ErrBadKey,
			first, n, strings.Join(f.Rules.items.Key, ", "), f.written(&f.items[first]), f.written(&f.items[n]))
	}
	return nil
}

// written is the key of an item as it is written there.
func (f *finds) written(i *item) string {
	var parts []string
	for _, path := range f.Rules.items.Key {
		raw, _ := get(f.bytes(i.whole), path) // It was found once before, so it is found again.
		parts = append(parts, excerpt(raw))
	}
	return strings.Join(parts, ", ")
}

// excerpt is a value as it is written, shortened for an error message.
func excerpt(raw []byte) string {
	const most = 80
	if len(raw) <= most {
		return string(raw)
	}
	return string(bytes.ToValidUTF8(raw[:most], nil)) + "…"
}
