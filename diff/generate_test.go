package diff

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"pgregory.net/rapid"
)

// chooser makes the random choices of a generator: pick returns [0, n).
type chooser interface{ pick(n int) int }

// drawn chooses by rapid, which can shrink what fails.
type drawn struct{ t *rapid.T }

func (d drawn) pick(n int) int { return rapid.IntRange(0, n-1).Draw(d.t, "n") }

// dice choose by a plain generator, which is fast.
type dice struct{ *rand.Rand }

func (d dice) pick(n int) int { return d.IntN(n) }

// The values of the generator are nil, bool, string, decimal, []any and fields.
type (
	// decimal is digits times ten to the power of exp.
	decimal struct {
		digits string
		exp    int
	}
	fields []field
	field  struct {
		name  string
		value any
	}
)

// generator makes random documents and writes them in random ways.
type generator struct{ chooser }

func oneOf[T any](g generator, choices ...T) T { return choices[g.pick(len(choices))] }

func (g generator) value(depth int) any {
	kinds := 7
	if depth == 0 {
		kinds = 4
	}
	switch g.pick(kinds) {
	case 0:
		return oneOf[any](g, nil, true, false)
	case 1:
		return g.text()
	case 2, 3:
		return g.number()
	case 4:
		list := make([]any, g.pick(6))
		for i := range list {
			list[i] = g.value(depth - 1)
		}
		return list
	default:
		return g.object(depth)
	}
}

func (g generator) object(depth int) fields {
	var object fields
	for range g.pick(5) {
		if name := g.name(); !object.has(name) {
			object = append(object, field{name, g.value(depth - 1)})
		}
	}
	return object
}

func (f fields) has(name string) bool {
	return slices.ContainsFunc(f, func(x field) bool { return x.name == name })
}

func (g generator) name() string {
	return oneOf(g, "a", "b", "c", "id", "", "0", "1", "a/b", "m~n", "é", "\U0001F600", "\"\\\n", "\uE000")
}

func (g generator) text() string {
	var s strings.Builder
	for range g.pick(3) {
		s.WriteString(oneOf(g, "a", "b", "/", "\"", "\\", "\x00", "\x1f", "\u007f", "é", "\uFFFD", "\U0001F600", "<"))
	}
	return s.String()
}

func (g generator) number() decimal {
	return decimal{
		digits: oneOf(g, "0", "1", "2", "10", "9007199254740992", "9007199254740993", "12345678901234567890", "-1", "-5"),
		exp:    oneOf(g, 0, 0, 0, 0, 1, -1, 5, -7, 25, -25),
	}
}

// mutate changes a value in a place or two, or not at all.
func (g generator) mutate(v any) any {
	if g.pick(8) == 0 {
		return g.value(2)
	}
	switch v := v.(type) {
	case []any:
		return g.mutateList(slices.Clone(v))
	case fields:
		return g.mutateObject(slices.Clone(v))
	}
	return v
}

func (g generator) mutateList(list []any) []any {
	for range g.pick(4) {
		at := g.pick(len(list) + 1)
		switch {
		case g.pick(3) == 0:
			list = slices.Insert(list, at, g.value(2))
		case at == len(list):
		case g.pick(2) == 0:
			list = slices.Delete(list, at, at+1)
		default:
			list[at] = g.mutate(list[at])
		}
	}
	return list
}

func (g generator) mutateObject(object fields) fields {
	for range g.pick(3) {
		at := g.pick(len(object) + 1)
		switch {
		case at == len(object):
			if name := g.name(); !object.has(name) {
				object = append(object, field{name, g.value(2)})
			}
		case g.pick(3) == 0:
			object = slices.Delete(object, at, at+1)
		default:
			object[at].value = g.mutate(object[at].value)
		}
	}
	return object
}

// write writes a value in one of the many ways to write it.
func (g generator) write(v any) []byte { return g.append(nil, v) }

func (g generator) append(dst []byte, v any) []byte {
	dst = g.space(dst)
	switch v := v.(type) {
	case string:
		dst = g.quote(dst, v)
	case decimal:
		dst = append(dst, g.spell(v)...)
	case []any:
		dst = append(dst, '[')
		for i, element := range v {
			dst = g.comma(dst, i)
			dst = g.append(dst, element)
		}
		dst = append(g.space(dst), ']')
	case fields:
		v = slices.Clone(v)
		for i := range v {
			k := i + g.pick(len(v)-i)
			v[i], v[k] = v[k], v[i]
		}
		dst = append(dst, '{')
		for i, f := range v {
			dst = g.comma(dst, i)
			dst = append(g.space(g.quote(g.space(dst), f.name)), ':')
			dst = g.append(dst, f.value)
		}
		dst = append(g.space(dst), '}')
	case nil:
		dst = append(dst, "null"...)
	default:
		dst = fmt.Append(dst, v)
	}
	return g.space(dst)
}

func (g generator) comma(dst []byte, i int) []byte {
	if i > 0 {
		dst = append(dst, ',')
	}
	return dst
}

func (g generator) space(dst []byte) []byte {
	return append(dst, oneOf(g, "", "", "", "", " ", "\n\t", "\r")...)
}

func (g generator) quote(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r < 0x20 || r == '"' || r == '\\' || g.pick(6) == 0:
			for _, u := range utf16.Encode([]rune{r}) {
				dst = fmt.Appendf(dst, oneOf(g, `\u%04x`, `\u%04X`), u)
			}
		case r == '/' && g.pick(2) == 0:
			dst = append(dst, `\/`...)
		default:
			dst = append(dst, string(r)...)
		}
	}
	return append(dst, '"')
}

// spell writes a number with more zeros, a point in another place, another exponent.
func (g generator) spell(d decimal) string {
	digits, negative := strings.CutPrefix(d.digits, "-")
	zeros := g.pick(4)
	if digits == "0" {
		d.exp = g.pick(400)
		negative = g.pick(2) == 0
		zeros = 0
	}
	digits += strings.Repeat("0", zeros)
	exp := d.exp - zeros
	s := digits
	if len(digits) > 1 && g.pick(2) == 0 {
		at := 1 + g.pick(len(digits)-1)
		s = digits[:at] + "." + digits[at:]
		exp += len(digits) - at
	} else if exp < 0 && g.pick(2) == 0 {
		s = "0." + strings.Repeat("0", max(0, -exp-len(digits))) + digits
		exp += max(len(digits), -exp)
	}
	if exp != 0 || g.pick(8) == 0 {
		s += oneOf(g, "e", "E")
		if exp >= 0 {
			s += oneOf(g, "", "+", "+0")
		}
		s += strconv.Itoa(exp)
	}
	if negative {
		return "-" + s
	}
	return s
}
