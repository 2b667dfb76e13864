package diff

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// Rules are compiled [Options]. They are immutable and may be used by many
// goroutines at once.
type Rules struct {
	format Format
	*compiled
}

// compiled is what rules for answers in several formats can share.
type compiled struct {
	options Options // in one form, without the format
	items   *Items
	path    string
	seeds   seeds

	// whole are for a body, or in list mode for the list; its paths begin
	// there. inner are for what is compared; its paths begin at that.
	whole, inner rules
	// How the list, the parts of an item's key and what is compared are found:
	// by the whole machine, or by gjson.
	listByGJSON, selectByGJSON bool
	keyByGJSON                 []bool
	// elements are the names of the elements that lead to the list in XML, where
	// names alone do.
	elements []string
	// ignores says that something is ignored.
	ignores bool
}

// masks says whether less is seen of a value than is there.
func (r *compiled) masks() bool { return r.ignores || !r.inner.plain() }

// this is the gjson path of a value itself.
const this = "@this"

// Compile checks options and prepares them for use. Its errors name the option
// and say what it should be.
func Compile(o Options) (*Rules, error) {
	o, paths, err := normalize(o)
	if err != nil {
		return nil, err
	}
	r := &compiled{options: o, items: o.Items, path: o.Select, seeds: newSeeds(), ignores: len(o.Ignore) > 0}
	r.inner = rules{digits: o.SignificantDigits, unordered: o.IgnoreOrder}
	r.whole = r.inner
	inner, whole := newPlan(), newPlan()
	at := r.findPlaces(whole)
	if r.items != nil {
		r.elements = elementPath(r.items.Path)
	}
	if r.items != nil && r.selectByGJSON {
		r.whole = rules{} // What is seen of an item says nothing of what gjson makes of it.
	}
	paths.add(inner, inner.root())
	paths.add(whole, at)
	if r.inner.machine, err = inner.compile(&r.seeds); err != nil {
		return nil, err
	}
	if r.whole.machine, err = whole.compile(&r.seeds); err != nil {
		return nil, err
	}
	return &Rules{o.Format, r}, nil
}

// As returns the same rules for answers in another format, any but Text. A text
// takes no rules, so that there is nothing to return for or from Text.
func (r *Rules) As(f Format) (*Rules, error) {
	if r.format == Text || !f.mapped() {
		return nil, fmt.Errorf("rules for format %s are none for format %q", r.format, f)
	}
	return &Rules{f, r.compiled}, nil
}

// findPlaces plans the way to what is compared, as far as it leads by names
// alone, and returns the place of that.
func (r *compiled) findPlaces(p *plan) *place {
	at := p.root()
	if r.items != nil {
		if path, ok := simplePath(r.items.Path); ok {
			at = p.lead(at, path)
		} else {
			r.listByGJSON = true
		}
		at.role = listRole
		at = p.child(at, step{kind: anyElement})
		at.role = itemRole
		r.keyByGJSON = make([]bool, len(r.items.Key))
	}
	item := at
	if path, ok := simplePath(r.path); ok && len(path) > 0 {
		at = p.lead(at, path)
		at.role = selectRole
	} else if !ok {
		r.selectByGJSON = true
		at = p.place() // out of reach: what is compared is read by itself
	}
	if r.items != nil {
		for i, key := range r.items.Key {
			path, ok := simplePath(key)
			key := p.lead(item, path)
			if !ok || key.role != noRole {
				// One place has one role; gjson finds it all the same.
				r.keyByGJSON[i] = true
				continue
			}
			key.role = role(i)
		}
	}
	return at
}

// Key is a fingerprint of what the rules mean: SHA-256 in lower-case hex. It
// stays the same from version to version, and for options that are written
// differently but mean the same, such as ignore paths in another order.
func (r *Rules) Key() string { return fingerprint(r.format, &r.options) }

// rulePaths are the paths of options, split into steps.
type rulePaths struct {
	ignore [][]step
	keys   []keyPath
}

type keyPath struct {
	array   []step
	members [][]step
}

// add leads the paths from a place on.
func (paths *rulePaths) add(p *plan, from *place) {
	for _, path := range paths.ignore {
		p.lead(from, path).ignored = true
	}
	for rank, k := range paths.keys {
		at := p.lead(from, k.array)
		at.keys, at.rank = k.members, rank
	}
}

// normalize checks options, and gives those that mean the same one form.
func normalize(o Options) (Options, *rulePaths, error) {
	switch o.Format {
	case "":
		o.Format = JSON
	case JSON, NDJSON, XML, CSV:
	case Text:
		if o.Items != nil || o.Select != "" || len(o.Ignore)+len(o.Keys) > 0 || o.IgnoreOrder || o.SignificantDigits != 0 {
			return o, nil, errors.New("format text is compared whole: remove the other options, or use format json")
		}
	default:
		return o, nil, fmt.Errorf("format %q: must be %s, %s, %s, %s or %s", o.Format, JSON, NDJSON, XML, CSV, Text)
	}
	if o.SignificantDigits < 0 {
		return o, nil, fmt.Errorf("significant digits %d: must be at least 1, or 0 for all", o.SignificantDigits)
	}
	if err := checkPath("select", o.Select); err != nil {
		return o, nil, err
	}
	if o.Select == this {
		o.Select = ""
	}
	var err error
	if o.Items, err = normalizeItems(o.Items); err != nil {
		return o, nil, err
	}
	paths := &rulePaths{}
	if o.Ignore, err = paths.parseIgnore(o.Ignore); err != nil {
		return o, nil, err
	}
	o.Keys, err = paths.parseKeys(o.Keys)
	return o, paths, err
}

func normalizeItems(given *Items) (*Items, error) {
	if given == nil {
		return nil, nil
	}
	items := &Items{Path: given.Path, Key: slices.Clone(given.Key), Filter: given.Filter, FilterKey: given.FilterKey}
	if len(items.Key) == 0 {
		return nil, errors.New("items.key: must be the path of what identifies an item, such as id")
	}
	if err := checkPath("items.path", items.Path); err != nil {
		return nil, err
	}
	for i, key := range items.Key {
		if key == "" {
			return nil, errors.New("items.key: must not be empty; it is the path of what identifies an item, such as id")
		}
		if slices.Contains(items.Key[:i], key) {
			return nil, fmt.Errorf("items.key %q: is there twice", key)
		}
		if err := checkPath("items.key", key); err != nil {
			return nil, err
		}
	}
	if items.Path == this {
		items.Path = ""
	}
	return items, items.checkFilter()
}

// parseIgnore splits the paths of what is ignored, and returns them sorted.
func (paths *rulePaths) parseIgnore(ignore []string) ([]string, error) {
	var sorted []string
	for i, path := range ignore {
		steps, err := parsePath(path)
		if err != nil {
			return nil, pathError(fmt.Sprintf("ignore[%d]", i), path, err)
		}
		paths.ignore = append(paths.ignore, steps)
		sorted = append(sorted, formatPath(steps))
	}
	slices.Sort(sorted)
	return slices.Compact(sorted), nil
}

// parseKeys splits the paths of keys, and returns them in one form.
func (paths *rulePaths) parseKeys(keys map[string][]string) (map[string][]string, error) {
	var parsed map[string][]string
	for _, array := range slices.Sorted(maps.Keys(keys)) {
		var k keyPath
		var err error
		name := array
		if array != this {
			if k.array, err = parsePath(array); err != nil {
				return nil, pathError("keys", array, err)
			}
			name = formatPath(k.array)
		}
		if len(keys[array]) == 0 {
			return nil, fmt.Errorf("keys %q: name at least one member", array)
		}
		for _, member := range keys[array] {
			steps, err := parsePath(member)
			if err != nil {
				return nil, pathError(fmt.Sprintf("keys %q", array), member, err)
			}
			if slices.ContainsFunc(steps, func(s step) bool { return s.kind != named }) {
				return nil, fmt.Errorf("keys %q: %q: must be the path of one member, without * and #", array, member)
			}
			k.members = append(k.members, steps)
		}
		if parsed == nil {
			parsed = make(map[string][]string, len(keys))
		}
		parsed[name] = slices.Clone(keys[array])
		paths.keys = append(paths.keys, k)
	}
	return parsed, nil
}

// checkPath refuses gjson paths that cannot work. gjson itself takes any.
func checkPath(option, path string) error {
	switch {
	case !utf8.ValidString(path):
		return fmt.Errorf("%s %q: must be UTF-8", option, path)
	case strings.HasPrefix(path, ".."):
		return fmt.Errorf("%s %q: must not begin with two dots: a body is one JSON value, not lines of them", option, path)
	}
	return nil
}

// fingerprint hashes normalized options. What is hashed must never change for
// options that exist: a new option has to be left out where it is not used.
func fingerprint(f Format, o *Options) string {
	type items struct {
		Path   string   `json:"path"`
		Key    string   `json:"key"`
		More   []string `json:"more,omitempty"`
		Filter string   `json:"filter,omitempty"`
	}
	v := struct {
		Format Format              `json:"format"`
		Items  *items              `json:"items,omitempty"`
		Select string              `json:"select,omitempty"`
		Ignore []string            `json:"ignore,omitempty"`
		Keys   map[string][]string `json:"keys,omitempty"`
		Bags   bool                `json:"ignore_order,omitempty"`
		Digits int                 `json:"significant_digits,omitempty"`
	}{f, nil, o.Select, o.Ignore, o.Keys, o.IgnoreOrder, o.SignificantDigits}
	if o.Items != nil {
		v.Items = &items{o.Items.Path, o.Items.Key[0], o.Items.Key[1:], o.Items.FilterKey}
	}
	encoded, err := json.Marshal(v)
	if err != nil {
		panic(err) // Strings and numbers always encode.
	}
	return sum(encoded)
}
