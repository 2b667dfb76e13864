package expression

import "strings"

// simple splits a gjson path of names and indexes, and says whether it is one.
func simple(path string) (steps []string, ok bool) {
	if path == "@this" {
		return nil, true
	}
	var step strings.Builder
	for i := 0; i < len(path); i++ {
		switch c := path[i]; c {
		case '.':
			steps = append(steps, step.String())
			step.Reset()
		case '\\':
			if i++; i < len(path) {
				step.WriteByte(path[i])
			}
		case '*', '?', '#', '|', '@', '!', '{', '[', '(':
			return nil, false
		default:
			step.WriteByte(c)
		}
	}
	return append(steps, step.String()), true
}

var unescapePointer = strings.NewReplacer("~1", "/", "~0", "~")

// related says whether a JSON pointer leads to what the steps lead to, into it,
// or to something that it is in. Indexes of elements are taken for each other:
// they are those of one side only.
func related(steps []string, pointer string) bool {
	if pointer == "" {
		return true
	}
	tokens := strings.Split(pointer[1:], "/")
	for i := range min(len(steps), len(tokens)) {
		token := unescapePointer.Replace(tokens[i])
		if token != steps[i] && (!isIndex(token) || !isIndex(steps[i])) {
			return false
		}
	}
	return true
}

func isIndex(step string) bool { return isInteger(step) && step[0] != '-' }
