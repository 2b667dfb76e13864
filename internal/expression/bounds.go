package expression

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm/runtime"
)

const (
	// maxSteps bounds the steps of loops: there are no endless ones, but loops in
	// loops.
	maxSteps = 1_000_000
	// maxText bounds a text that an expression puts together, in bytes.
	maxText = 1 << 20
	// maxElements bounds a list that is made flat.
	maxElements = 1_000_000
	// maxUniq bounds what is kept to find the same element again, in bytes.
	maxUniq = 64 << 20
)

var errText = fmt.Errorf("a text becomes longer than %d bytes", maxText)

// bounded are builtins that the library lets grow without end.
func bounded() []expr.Option {
	return []expr.Option{
		expr.Function("join", join, new(func([]any, string) string), new(func([]any) string), new(func([]string, string) string), new(func([]string) string)),
		expr.Function("replace", replaceText, new(func(string, string, string) string), new(func(string, string, string, int) string)),
		expr.Function("flatten", flatten, new(func([]any) []any)),
		expr.Function("uniq", uniq, new(func(any) []any)),
		expr.Function("toBase64", toBase64, new(func(string) string)),
	}
}

// join puts texts together, with a separator between them if there is one.
func join(args ...any) (any, error) {
	separator := ""
	if len(args) > 1 {
		var ok bool
		if separator, ok = args[1].(string); !ok {
			return nil, fmt.Errorf("join: the separator is %s, not a text", nameOfValue(args[1]))
		}
	}
	var words []string
	switch list := args[0].(type) {
	case nil:
	case []string:
		words = list
	case []any:
		for _, element := range list {
			word, ok := element.(string)
			if !ok {
				return nil, fmt.Errorf("join: %s is among the texts", nameOfValue(element))
			}
			words = append(words, word)
		}
	default:
		return nil, fmt.Errorf("join: %s stands where a list is wanted", nameOfValue(list))
	}
	size := 0
	for _, word := range words {
		if size += len(word) + len(separator); size > maxText {
			return nil, errText
		}
	}
	return strings.Join(words, separator), nil
}

// replaceText puts a text in the place of another, as often as a fourth
// argument says, or everywhere.
func replaceText(args ...any) (any, error) {
	var texts [3]string
	for i := range texts {
		var ok bool
		if texts[i], ok = args[i].(string); !ok {
			return nil, fmt.Errorf("replace: %s stands where a text is wanted", nameOfValue(args[i]))
		}
	}
	times := -1
	if len(args) > 3 {
		var ok bool
		if times, ok = args[3].(int); !ok {
			return nil, fmt.Errorf("replace: %s stands where a number is wanted", nameOfValue(args[3]))
		}
	}
	found := strings.Count(texts[0], texts[1])
	if times >= 0 {
		found = min(found, times)
	}
	if len(texts[0])+found*len(texts[2]) > maxText {
		return nil, errText
	}
	return strings.Replace(texts[0], texts[1], texts[2], times), nil
}

// flatten makes one list of lists in lists.
func flatten(args ...any) (any, error) {
	flat := []any{}
	visited := 0
	var add func(list []any) error
	add = func(list []any) error {
		if visited++; visited > 4*maxElements { // which may all be empty
			return fmt.Errorf("flatten: there are more than %d lists in it", 4*maxElements)
		}
		for _, element := range list {
			if inner, ok := element.([]any); ok {
				if err := add(inner); err != nil {
					return err
				}
				continue
			}
			if flat = append(flat, element); len(flat) > maxElements {
				return fmt.Errorf("flatten: the list becomes longer than %d", maxElements)
			}
		}
		return nil
	}
	switch list := args[0].(type) {
	case nil:
		return flat, nil
	case []any:
		return flat, add(list)
	default:
		return nil, fmt.Errorf("flatten: %s stands where a list is wanted", nameOfValue(list))
	}
}

// uniq leaves out the elements that are there already. It tells them apart by
// their text in JSON, where the library compares each with all others: of a
// hundred thousand that takes minutes.
func uniq(args ...any) (any, error) {
	list, ok := args[0].([]any)
	switch {
	case args[0] == nil:
		return []any{}, nil
	case !ok:
		return nil, fmt.Errorf("uniq: %s stands where a list is wanted", nameOfValue(args[0]))
	}
	once := []any{}
	taken := make(map[string]bool)
	size := 0
	for _, element := range list {
		text, err := json.Marshal(element)
		if err != nil {
			return nil, fmt.Errorf("uniq: %w", err)
		}
		if taken[string(text)] {
			continue
		}
		if size += len(text); size > maxUniq {
			return nil, fmt.Errorf("uniq: the elements take more than %d bytes", maxUniq)
		}
		taken[string(text)] = true
		once = append(once, element)
	}
	return once, nil
}

// toBase64 encodes a text, which grows by a third each time.
func toBase64(args ...any) (any, error) {
	text, ok := args[0].(string)
	if !ok {
		return nil, fmt.Errorf("toBase64: %s stands where a text is wanted", nameOfValue(args[0]))
	}
	if base64.StdEncoding.EncodedLen(len(text)) > maxText {
		return nil, errText
	}
	return base64.StdEncoding.EncodeToString([]byte(text)), nil
}

// within says whether an element is in a list, of which each look takes a step
// for every hundred elements.
func within(element, list any, steps func(int)) bool {
	if elements, ok := list.([]any); ok {
		steps(len(elements) / 100)
	}
	return runtime.In(element, list)
}
