package diff

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// collections are a list of objects that have an id, and what may have become of
// it. It can be a member of an object.
func (g generator) collections() (was, now any) {
	older := fields{}
	for _, key := range []string{"k1", "k2", "k3", "k4"}[g.pick(4):] {
		older = append(older, field{key, g.object(1).withID(key)})
	}
	newer := slices.DeleteFunc(slices.Clone(older), func(field) bool { return g.pick(5) == 0 })
	if g.pick(2) == 0 {
		newer = append(newer, field{"k5", g.object(1).withID("k5")})
	}
	if n := len(newer); n > 0 {
		f := &newer[g.pick(n)]
		f.value = g.mutateObject(slices.Clone(f.value.(fields))).withID(f.name)
	}
	for range g.pick(3) {
		if n := len(newer); n > 0 {
			i, j := g.pick(n), g.pick(n)
			newer[i], newer[j] = newer[j], newer[i]
		}
	}
	was, now = older.values(), newer.values()
	if g.pick(2) == 0 {
		other := g.value(1)
		return fields{{"a", was}, {"b", other}}, fields{{"b", g.mutate(other)}, {"a", now}}
	}
	return was, now
}

// patch makes random operations for a decoded value, and says what comes of
// them. Where one is wrong it is the last.
func (g generator) patch(v any) (patch []Operation, result any, wrong bool) {
	for range 1 + g.pick(5) {
		o := g.operation(v)
		next, err := patchSlowly(copyAny(v), parseAny(AppendPatch(nil, []Operation{o})).([]any))
		if err == nil {
			patch, v = append(patch, o), next
		} else if g.pick(4) == 0 {
			return append(patch, o), nil, true
		}
	}
	return patch, v, false
}

func (g generator) operation(v any) Operation {
	o := Operation{Op: oneOf(g, "add", "remove", "replace", "move", "copy", "test"), Path: g.pointer(v)}
	switch o.Op {
	case "move", "copy":
		o.From = g.pointer(v)
	case "remove":
	default:
		o.Value = bytes.TrimSpace(g.write(g.value(1)))
		if found, err := seek(v, strings.Split(o.Path, "/")[1:]); o.Op == "test" && err == nil && g.pick(3) > 0 {
			o.Value = g.write(encoded(found))
		}
	}
	return o
}

// pointer leads to a random place in a decoded value, or not quite.
func (g generator) pointer(v any) string {
	var path strings.Builder
	for g.pick(4) > 0 {
		var step string
		switch in := v.(type) {
		case map[string]any:
			if len(in) == 0 {
				return path.String()
			}
			step = oneOf(g, slices.Sorted(maps.Keys(in))...)
			v = in[step]
		case []any:
			i := g.pick(len(in) + 1)
			step = strconv.Itoa(i)
			if i == len(in) {
				return path.String() + "/" + oneOf(g, step, "-")
			}
			v = in[i]
		default:
			return path.String()
		}
		path.WriteString("/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(step))
	}
	if g.pick(4) == 0 {
		return path.String() + "/" + oneOf(g, "a", "new", "-", "00", "+0", "-1", "0", "1", "")
	}
	return path.String()
}

// encoded is a decoded value as one of the generator, so that it can be written
// in many ways.
func encoded(v any) any {
	switch v := v.(type) {
	case map[string]any:
		var object fields
		for _, name := range slices.Sorted(maps.Keys(v)) {
			object = append(object, field{name, encoded(v[name])})
		}
		return object
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = encoded(v[i])
		}
		return list
	case json.Number:
		return literal(v)
	}
	return v
}

// literal is a number as it is written.
type literal string
