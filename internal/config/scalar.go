package config

import (
	"cmp"
	"fmt"
	"math"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// scalar decodes a string, an integer, a number or a boolean.
func (d *decoder) scalar(at place, v reflect.Value, f field) {
	kind := wanted(v.Kind())
	text, ok := d.scalarText(at, kind)
	if !ok {
		return
	}
	isString := at.node.ShortTag() == "!!str"
	if isString != (v.Kind() == reflect.String) && !hasReference(at.node.Value) {
		if f.enum != nil { // in quotes it would be no better
			d.fail(at, "want %s, got %s", orList(f.enum), describe(at.node))
			return
		}
		d.fail(at, "want %s, got %s", kind, mistyped(at))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
		d.oneOf(at, text, f)
		d.kindOfText(at, text, f)
		return
	case reflect.Bool:
		if text != "true" && text != "false" {
			d.fail(at, "want true or false, got %s", at.quote(text))
		}
		v.SetBool(text == "true")
	case reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil || strconv.Itoa(n) != text {
			d.fail(at, "want an integer in plain decimal digits, got %s", at.quote(text))
			return
		}
		v.SetInt(int64(n))
	case reflect.Float64:
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
			d.fail(at, "want a number, got %s", at.quote(text))
			return
		}
		v.SetFloat(n)
	}
	d.bounds(at, v, f)
}

func wanted(kind reflect.Kind) string {
	switch kind {
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "an integer"
	case reflect.Float64:
		return "a number"
	default:
		return "a string"
	}
}

// mistyped describes a scalar of the wrong type, with the way out where it is
// a matter of quotes.
func mistyped(at place) string {
	switch {
	case at.node.ShortTag() != "!!str":
		return describe(at.node) + ": put it in quotes"
	case at.node.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		return "a string: remove the quotes"
	default:
		return at.quote(at.node.Value)
	}
}

// oneOf checks the values that a key takes.
func (d *decoder) oneOf(at place, text string, f field) {
	if f.enum == nil || slices.Contains(f.enum, text) {
		return
	}
	hint := didYouMean(text, f.enum)
	if hint == "" || hasReference(at.node.Value) {
		hint = "; want " + orList(f.enum)
	}
	d.fail(at, "%s is not known here%s", at.quote(text), hint)
}

// orList joins words: a, b or c.
func orList(words []string) string {
	if len(words) == 1 {
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// textKind is a kind of text that the tag is names.
type textKind struct {
	pattern *regexp.Regexp
	want    string
}

var textKinds = map[string]textKind{
	"name": {
		regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`),
		"a name has 1 to 63 lower-case letters, digits, ., _ and -, and begins with a letter or a digit",
	},
	"event_type": {
		regexp.MustCompile(`^[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)*$`),
		"an event type is lower-case words with dots between them, such as shop.order",
	},
	"event_glob": {
		regexp.MustCompile(`^[a-z0-9_.*-]+$`),
		"a pattern is an event type with * for any text, such as shop.order.*",
	},
	"media_type": {
		regexp.MustCompile(`^[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+$`),
		"a content type is written in lower case and without parameters, such as application/json",
	},
	"content_type": {
		regexp.MustCompile(`^[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+( *; *[A-Za-z0-9!#$&^_.+-]+=([A-Za-z0-9!#$&'*^_.+-]+|"[ !#-\[\]-~]*"))*$`),
		"a content type is written as application/json, or as text/plain; charset=utf-8",
	},
}

func (d *decoder) kindOfText(at place, text string, f field) {
	kind, ok := textKinds[f.is]
	if !ok || kind.pattern.MatchString(text) {
		return
	}
	d.fail(at, "%s: %s%s", at.quote(text), kind.want, slug(at, text, f))
}

var notInName = regexp.MustCompile(`[^a-z0-9._-]+`)

// slug proposes a name for what is none.
func slug(at place, text string, f field) string {
	name := strings.Trim(notInName.ReplaceAllString(strings.ToLower(text), "-"), "-._")
	if f.is != "name" || hasReference(at.node.Value) || !textKinds["name"].pattern.MatchString(name) {
		return ""
	}
	return "; write " + name
}

// bounds checks min and max.
func (d *decoder) bounds(at place, v reflect.Value, f field) {
	switch {
	case f.min != nil && compare(v, f.min.value) < 0:
		d.fail(at, "it must be at least %s, not %s", f.min.text, at.quoteNumber(v))
	case f.max != nil && compare(v, f.max.value) > 0:
		d.fail(at, "it must be at most %s, not %s", f.max.text, at.quoteNumber(v))
	}
}

// quoteNumber shows a number, a duration or a size in a message.
func (p place) quoteNumber(v reflect.Value) string {
	if hasReference(p.node.Value) {
		return p.quote("")
	}
	return fmt.Sprint(v.Interface())
}

func compare(a, b reflect.Value) int {
	if a.CanFloat() {
		return cmp.Compare(a.Float(), b.Float())
	}
	return cmp.Compare(a.Int(), b.Int())
}

// parseNetwork reads an address range, or a single address.
func parseNetwork(text string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(text); err == nil && address.Zone() == "" {
		return netip.PrefixFrom(address, address.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("this is no network; write a range or an address, such as 10.0.0.0/8 or 192.168.1.20")
	}
	if prefix != prefix.Masked() {
		return netip.Prefix{}, fmt.Errorf("the address is not the first of its range; write %s", prefix.Masked())
	}
	return prefix, nil
}
