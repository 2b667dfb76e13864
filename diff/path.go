package diff

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// step is one step of a path in the rules.
type step struct {
	kind stepKind
	name string // of a named step
}

type stepKind uint8

const (
	named      stepKind = iota // a member's name, or the index of an element
	anyMember                  // *
	anyElement                 // #
)

// parsePath splits a path of the rules into its steps.
func parsePath(path string) ([]step, error) {
	if !utf8.ValidString(path) {
		return nil, errors.New("must be UTF-8")
	}
	var steps []step
	for rest, more := path, true; more; {
		var s step
		var err error
		if s, rest, more, err = parseStep(rest); err != nil {
			return nil, err
		}
		steps = append(steps, s)
	}
	return steps, nil
}

// parseStep takes the first step off a path, and tells whether another one follows.
func parseStep(path string) (s step, rest string, more bool, err error) {
	var name strings.Builder
	special := false
	i := 0
loop:
	for ; i < len(path); i++ {
		switch c := path[i]; c {
		case '.':
			more = true
			break loop
		case '\\':
			i++
			if i == len(path) || !strings.ContainsRune(`.*#\`, rune(path[i])) {
				return s, "", false, errors.New(`a backslash must be followed by . * # or \`)
			}
			name.WriteByte(path[i])
		case '*', '#':
			special = true
			name.WriteByte(c)
		default:
			name.WriteByte(c)
		}
	}
	s.name = name.String()
	switch text := path[:i]; {
	case text == "":
		return s, "", false, errors.New("a step is empty: write the name of a member between the dots")
	case text == "*":
		s = step{kind: anyMember}
	case text == "#":
		s = step{kind: anyElement}
	case special:
		return s, "", false, fmt.Errorf(`step %q: * and # stand alone; write \* and \# where a name contains them`, text)
	}
	if more {
		rest = path[i+1:]
	}
	return s, rest, more, nil
}

// formatPath writes steps as a path, the same for all paths that mean the same.
func formatPath(steps []step) string {
	escape := strings.NewReplacer(`.`, `\.`, `*`, `\*`, `#`, `\#`, `\`, `\\`)
	parts := make([]string, len(steps))
	for i, s := range steps {
		switch s.kind {
		case anyMember:
			parts[i] = "*"
		case anyElement:
			parts[i] = "#"
		default:
			parts[i] = escape.Replace(s.name)
		}
	}
	return strings.Join(parts, ".")
}
