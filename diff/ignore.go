package diff

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// step is one step of an ignore path.
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

// parseIgnore splits an ignore path into its steps.
func parseIgnore(path string) ([]step, error) {
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

// formatIgnore writes steps as a path, the same for all paths that mean the same.
func formatIgnore(steps []step) string {
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

// ignoreNode is a place that ignore paths lead through.
type ignoreNode struct {
	// ends says that a path ends here: the value is ignored.
	ends     bool
	named    map[string]*ignoreNode
	members  *ignoreNode // by *
	elements *ignoreNode // by #
	// indexed says that a name may be the index of an element.
	indexed bool
}

func (n *ignoreNode) add(steps []step) {
	for _, s := range steps {
		n = n.child(s)
	}
	n.ends = true
}

// child returns the place one step further, making it where there is none.
func (n *ignoreNode) child(s step) *ignoreNode {
	at := &n.members
	switch s.kind {
	case anyElement:
		at = &n.elements
	case named:
		if next := n.named[s.name]; next != nil {
			return next
		}
		if n.named == nil {
			n.named = make(map[string]*ignoreNode)
		}
		if _, err := strconv.Atoi(s.name); err == nil {
			n.indexed = true
		}
		next := &ignoreNode{}
		n.named[s.name] = next
		return next
	}
	if *at == nil {
		*at = &ignoreNode{}
	}
	return *at
}

// mask is the set of places that ignore paths have reached at a value. A nil
// mask ignores nothing.
type mask []*ignoreNode

// member gives the mask of an object's member, and whether the member is ignored.
func (m mask) member(name []byte) (next mask, ignored bool) {
	for _, n := range m {
		next = next.reach(n.members)
		next = next.reach(n.named[string(name)])
	}
	return next, next.ignores()
}

// element gives the mask of an array's element, and whether the element is ignored.
func (m mask) element(index int) (next mask, ignored bool) {
	for _, n := range m {
		next = next.reach(n.elements)
		if n.indexed {
			next = next.reach(n.named[strconv.Itoa(index)])
		}
	}
	return next, next.ignores()
}

func (m mask) reach(n *ignoreNode) mask {
	if n == nil {
		return m
	}
	return append(m, n)
}

func (m mask) ignores() bool {
	for _, n := range m {
		if n.ends {
			return true
		}
	}
	return false
}
