package diff

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"unicode/utf8"
)

// Rules are compiled [Options]. They are immutable and may be used by many
// goroutines at once.
type Rules struct {
	format Format
	items  *Items
	path   string
	ignore mask
	key    string
	// seed keeps an upstream from choosing bodies whose hashes collide.
	seed maphash.Seed
}

// this is the gjson path of a value itself.
const this = "@this"

// Compile checks options and prepares them for use. Its errors name the option
// and say what it should be.
func Compile(o Options) (*Rules, error) {
	o, err := normalize(o)
	if err != nil {
		return nil, err
	}
	root := &ignoreNode{}
	var ignore []string
	for i, path := range o.Ignore {
		steps, err := parseIgnore(path)
		if err != nil {
			return nil, fmt.Errorf("ignore[%d] %q: %w", i, path, err)
		}
		root.add(steps)
		ignore = append(ignore, formatIgnore(steps))
	}
	slices.Sort(ignore)
	o.Ignore = slices.Compact(ignore)

	r := &Rules{format: o.Format, items: o.Items, path: o.Select, key: fingerprint(o), seed: maphash.MakeSeed()}
	if len(o.Ignore) > 0 {
		r.ignore = mask{root}
	}
	return r, nil
}

// Key is a fingerprint of what the rules mean: SHA-256 in lower-case hex. It
// stays the same from version to version, and for options that are written
// differently but mean the same, such as ignore paths in another order.
func (r *Rules) Key() string { return r.key }

// normalize checks all but the ignore paths, and gives options that mean the
// same one form.
func normalize(o Options) (Options, error) {
	switch o.Format {
	case "":
		o.Format = JSON
	case JSON:
	case Text:
		if o.Items != nil || o.Select != "" || len(o.Ignore) > 0 {
			return o, errors.New("format text is compared whole: remove items, select and ignore, or use format json")
		}
	default:
		return o, fmt.Errorf("format %q: must be %s or %s", o.Format, JSON, Text)
	}
	if err := checkPath("select", o.Select); err != nil {
		return o, err
	}
	if o.Select == this {
		o.Select = ""
	}
	if o.Items == nil {
		return o, nil
	}
	items := *o.Items
	o.Items = &items
	if items.Key == "" {
		return o, errors.New("items.key: must be the path of what identifies an item, such as id")
	}
	if err := errors.Join(checkPath("items.path", items.Path), checkPath("items.key", items.Key)); err != nil {
		return o, err
	}
	if items.Path == this {
		o.Items.Path = ""
	}
	return o, nil
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
func fingerprint(o Options) string {
	type items struct {
		Path string `json:"path"`
		Key  string `json:"key"`
	}
	encoded, err := json.Marshal(struct {
		Format Format   `json:"format"`
		Items  *items   `json:"items,omitempty"`
		Select string   `json:"select,omitempty"`
		Ignore []string `json:"ignore,omitempty"`
	}{o.Format, (*items)(o.Items), o.Select, o.Ignore})
	if err != nil {
		panic(err) // Strings always encode.
	}
	sum := sha256.Sum256(encoded)
	return hex.EncodeToString(sum[:])
}
