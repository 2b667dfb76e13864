package notify

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/pollwire/pollwire/diff"
)

const (
	// maxValue bounds a value in a message, maxLabel its name, in characters.
	maxValue, maxLabel = 160, 80
	// maxCompared bounds the values that are compared again for a message: of
	// larger ones only the places that changed are told.
	maxCompared = 4 << 20
	// none stands for what is not there.
	none = "(none)"
)

// nameMembers are the members that tell people what an item is, linkMembers
// those that lead to its page. The first that there is counts.
func nameMembers() []string {
	return []string{"title", "name", "display_name", "full_name", "summary", "subject", "label", "login"}
}

func linkMembers() []string {
	return []string{"html_url", "web_url", "permalink", "share_url", "public_url", "link", "url"}
}

// nameOf is what people call an item; empty where nothing says.
func nameOf(item json.RawMessage) string {
	for _, member := range nameMembers() {
		if v := lastMember(item, member); len(v) > 2 && v[0] == '"' {
			return shorten(oneLine(shown(v)), 80)
		}
	}
	return ""
}

// linkOf is where an item's own page is.
func linkOf(item json.RawMessage) string {
	for _, member := range linkMembers() {
		var link string
		if json.Unmarshal(lastMember(item, member), &link) == nil && isWebLink(link) {
			return escapeLink(link)
		}
	}
	return ""
}

// escapeLink writes a link with nothing in it that a URL may not hold (RFC 3986,
// section 2): browsers take it all the same, chat services refuse the whole
// message.
func escapeLink(link string) string {
	var b strings.Builder
	for i := range len(link) {
		if c := link[i]; c <= ' ' || c > '~' || strings.IndexByte("\"<>\\^`{|}", c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// facts tells what is known of an item that has come or gone: not what the title
// says, no links, and nothing that is empty.
func (s *story) facts(item json.RawMessage, name, itemKey string) {
	value := gjson.ParseBytes(item)
	if !value.IsObject() {
		if v := shown(item); v != "null" && v != none {
			s.text = strings.TrimSpace(s.text + " " + v)
		}
		return
	}
	value.ForEach(func(key, v gjson.Result) bool {
		if isDull(v) || v.Type == gjson.String && oneLine(v.Str) == name || v.Type != gjson.JSON && v.String() == itemKey {
			return true
		}
		if len(s.rows) == maxRows {
			s.more++
			return true
		}
		s.rows = append(s.rows, row{label: labelled(key.Str), to: shown(json.RawMessage(v.Raw))})
		return true
	})
}

// isDull says of a member that it tells people nothing.
func isDull(v gjson.Result) bool {
	switch v.Type {
	case gjson.Null:
		return true
	case gjson.String:
		return strings.TrimSpace(v.Str) == "" || strings.HasPrefix(v.Str, "http://") || strings.HasPrefix(v.Str, "https://")
	case gjson.JSON:
		n, nested := 0, false
		v.ForEach(func(_, member gjson.Result) bool {
			n, nested = n+1, nested || member.Type == gjson.JSON
			return true
		})
		return n == 0 || v.IsObject() && (nested || n > 4) && nameOf(json.RawMessage(v.Raw)) == ""
	case gjson.False, gjson.Number, gjson.True:
	}
	return false
}

// changes tells what an update changed, from what to what. The log has where
// and the values around it, so what is in between is found by comparing again;
// differences in what is ignored are not told.
func (s *story) changes(d *told) {
	told := newPlaces(d.Changed)
	for _, difference := range compareAgain(d) {
		if !told.has(difference.Path) {
			continue
		}
		if len(s.rows) == maxRows {
			s.more++
			continue
		}
		s.rows = append(s.rows, rowOf(&difference, d))
	}
	if len(s.rows) > 0 {
		return
	}
	for i, pointer := range d.Changed {
		if i == maxRows {
			s.more = len(d.Changed) - maxRows
			break
		}
		s.rows = append(s.rows, row{label: label(pointer, nil), isChange: true})
	}
}

func compareAgain(d *told) []diff.Difference {
	if len(d.Before)+len(d.After) > maxCompared {
		return nil
	}
	rules, err := diff.Compile(diff.Options{})
	if err != nil {
		return nil
	}
	result, err := diff.Compare(d.Before, d.After, rules)
	if err != nil || len(result.Changes) == 0 {
		return nil // the places tell what there is to tell
	}
	return result.Changes[0].Differences
}

func rowOf(difference *diff.Difference, d *told) row {
	in := d.After
	if difference.After == nil {
		in = d.Before
	}
	r := row{label: label(difference.Path, in), isChange: true}
	if difference.From != "" {
		r.from, r.to = "at "+label(difference.From, nil), "at "+label(difference.Path, nil)
		return r
	}
	r.from, r.to = shownBoth(difference.Before, difference.After)
	return r
}

// places are JSON pointers.
type places []string

func newPlaces(pointers []string) places {
	p := slices.Clone(pointers)
	slices.Sort(p)
	return p
}

// has says whether a pointer is one of the places, leads into one, or to what
// holds one.
func (p places) has(pointer string) bool {
	for at := pointer; ; at = at[:strings.LastIndexByte(at, '/')] {
		if _, ok := slices.BinarySearch(p, at); ok {
			return true
		}
		if at == "" {
			break
		}
	}
	i, _ := slices.BinarySearch(p, pointer+"/")
	return i < len(p) && strings.HasPrefix(p[i], pointer+"/")
}

// label is a JSON pointer for people, such as lines[Blue chair].price. The value
// that it leads into says what an element is called; nil where there is none.
func label(pointer string, in json.RawMessage) string {
	if pointer == "" {
		return "value"
	}
	var b strings.Builder
	for step := range strings.SplitSeq(pointer[1:], "/") {
		name := strings.ReplaceAll(strings.ReplaceAll(step, "~1", "/"), "~0", "~")
		if !isIndex(step) || len(in) > 0 && in[0] == '{' {
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(name)
			in = lastMember(in, name)
			continue
		}
		in = json.RawMessage(gjson.GetBytes(in, step).Raw)
		if called := elementName(in); called != "" {
			name = called
		}
		b.WriteString("[" + name + "]")
	}
	return labelled(b.String())
}

// labelled is a name of a member as it is shown.
func labelled(name string) string { return quoteEmpty(shorten(oneLine(name), maxLabel)) }

func isIndex(step string) bool {
	return step != "" && strings.Trim(step, "0123456789") == "" && len(step) < 10
}

// elementName is what an element of a list is called: by its name, or by what
// identifies it.
func elementName(element json.RawMessage) string {
	if len(element) == 0 || element[0] != '{' {
		return ""
	}
	if name := nameOf(element); name != "" {
		return shorten(name, 40)
	}
	for _, member := range []string{"key", "sku", "code", "id"} {
		if v := lastMember(element, member); len(v) > 0 && (v[0] == '"' || v[0] >= '0' && v[0] <= '9') {
			return shorten(shown(v), 40)
		}
	}
	return ""
}

// shownBoth are two values that differ, for people. Of long texts that begin
// alike the beginning is left out, so that what is shown differs.
func shownBoth(before, after json.RawMessage) (from, to string) {
	var x, y string
	if json.Unmarshal(before, &x) != nil || json.Unmarshal(after, &y) != nil || before[0] != '"' || after[0] != '"' {
		return shown(before), shown(after)
	}
	a, b := []rune(oneLine(x)), []rune(oneLine(y))
	same := 0
	for same < len(a) && same < len(b) && a[same] == b[same] {
		same++
	}
	if same == len(a) && same == len(b) { // they differ in white space
		return shorten(fmt.Sprintf("%q", x), maxValue), shorten(fmt.Sprintf("%q", y), maxValue)
	}
	if same > maxValue/2 {
		a, b = append([]rune{'…'}, a[same-20:]...), append([]rune{'…'}, b[same-20:]...)
	}
	return quoteEmpty(shorten(string(a), maxValue)), quoteEmpty(shorten(string(b), maxValue))
}

func quoteEmpty(s string) string {
	if s == "" {
		return `""`
	}
	return s
}

// shown is a value for people, in a line.
func shown(value json.RawMessage) string {
	v := gjson.ParseBytes(value)
	switch {
	case len(bytes.TrimSpace(value)) == 0:
		return none
	case v.Type == gjson.String:
		var text string
		if json.Unmarshal(value, &text) != nil {
			text = v.Str
		}
		return quoteEmpty(shorten(oneLine(text), maxValue))
	case v.IsArray():
		return shownList(v)
	case v.IsObject():
		return shownObject(v)
	}
	return shorten(v.Raw, maxValue)
}

// shownList has the elements of a short list of plain values, and counts others.
func shownList(v gjson.Result) string {
	var parts []string
	n, isPlain := 0, true
	v.ForEach(func(_, element gjson.Result) bool {
		n++
		isPlain = isPlain && element.Type != gjson.JSON
		if n <= 8 && isPlain {
			parts = append(parts, shorten(shown(json.RawMessage(element.Raw)), 40))
		}
		return true
	})
	switch {
	case n == 0:
		return "an empty list"
	case n <= 8 && isPlain:
		return shorten(strings.Join(parts, ", "), maxValue)
	case n == 1:
		return "1 entry"
	}
	return fmt.Sprintf("%d entries", n)
}

// shownObject has the name of an object, or its first plain members.
func shownObject(v gjson.Result) string {
	if name := nameOf(json.RawMessage(v.Raw)); name != "" {
		return name
	}
	var parts []string
	n := 0
	v.ForEach(func(key, member gjson.Result) bool {
		n++
		if member.Type != gjson.JSON && !isDull(member) && len(parts) < 4 {
			parts = append(parts, shorten(oneLine(key.Str), 40)+" "+shorten(shown(json.RawMessage(member.Raw)), 40))
		}
		return true
	})
	switch {
	case n == 0:
		return "an empty object"
	case len(parts) == 0:
		return fmt.Sprintf("an object of %d", n)
	case n > len(parts):
		parts = append(parts, "…")
	}
	return shorten(strings.Join(parts, ", "), maxValue)
}

// oneLine is a text without line ends and other control characters.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "\uFFFD"), isControl), " ")
}

// plainLine is a line that keeps its spaces, in which control characters are
// some too.
func plainLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r != ' ' && r != '\u00a0' && isControl(r) {
			return ' '
		}
		return r
	}, strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\t", "    "))
}

// isControl says of a character that it is white space, or has others shown
// elsewhere than where they stand.
func isControl(r rune) bool {
	return r <= ' ' || r == 0x7f || r >= 0x80 && r <= 0xa0 || r == '\u2028' || r == '\u2029' || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}
