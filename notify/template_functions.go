package notify

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"time"
)

// templateFunctions are the functions of templates, next to those of
// text/template, some of which they replace: these know numbers that keep all
// their digits, and that a value may not be there.
func templateFunctions() template.FuncMap {
	return template.FuncMap{
		"field": templateField, "show": text, "given": given, // see forgive
		"json":      templateJSON,
		"date":      func(layout string, v any) (string, error) { return templateDate(layout, "UTC", v) },
		"dateIn":    func(zone, layout string, v any) (string, error) { return templateDate(layout, zone, v) },
		"unix":      templateUnix,
		"truncate":  templateTruncate,
		"default":   templateDefault,
		"join":      templateJoin,
		"upper":     func(v any) string { return strings.ToUpper(text(v)) },
		"lower":     func(v any) string { return strings.ToLower(text(v)) },
		"trim":      func(v any) string { return strings.TrimSpace(text(v)) },
		"replace":   func(old, by string, v any) string { return strings.ReplaceAll(text(v), old, by) },
		"contains":  func(part string, v any) bool { return strings.Contains(text(v), part) },
		"hasPrefix": func(part string, v any) bool { return strings.HasPrefix(text(v), part) },
		"hasSuffix": func(part string, v any) bool { return strings.HasSuffix(text(v), part) },
		"base64":    func(v any) string { return base64.StdEncoding.EncodeToString([]byte(text(v))) },
		"round":     func(digits int, v any) (string, error) { return templateNumber(digits, "", v) },
		"number":    func(digits int, v any) (string, error) { return templateNumber(digits, ",", v) },
		"urlquery":  func(v any) string { return url.QueryEscape(text(v)) },
		"html":      func(v any) string { return html.EscapeString(text(v)) },
		"js":        func(v any) string { return template.JSEscapeString(text(v)) },
		"printf":    templatePrintf,
		"len":       templateLen,
		"index":     templateIndex,
		"and":       func(args ...any) any { return firstThat(args, false) },
		"or":        func(args ...any) any { return firstThat(args, true) },
		"not":       func(v any) bool { return !isTrue(v) },
		"eq": func(a any, b ...any) bool {
			return slices.ContainsFunc(b, func(v any) bool { return templateEqual(a, v) })
		},
		"ne": func(a, b any) bool { return !templateEqual(a, b) },
		"lt": func(a, b any) (bool, error) { return templateCompare(a, b, func(n int) bool { return n < 0 }) },
		"le": func(a, b any) (bool, error) { return templateCompare(a, b, func(n int) bool { return n <= 0 }) },
		"gt": func(a, b any) (bool, error) { return templateCompare(a, b, func(n int) bool { return n > 0 }) },
		"ge": func(a, b any) (bool, error) { return templateCompare(a, b, func(n int) bool { return n >= 0 }) },
	}
}

// templateField looks names up in a value. What is not there is nil, and has no
// fields.
func templateField(v any, names ...string) (any, error) {
	for _, name := range names {
		switch in := v.(type) {
		case *templateEvent:
			found, err := in.field(name)
			if err != nil {
				return nil, err
			}
			v = found
		case map[string]any:
			found, ok := in[name]
			if !ok {
				found = in[everyMember]
			}
			v = found
		case anything:
		default:
			return nil, nil //nolint:nilnil // nothing there, and nothing wrong
		}
	}
	return v, nil
}

// text is a value as it is printed: objects and lists as JSON, nothing for what
// is not there.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	case time.Time:
		return v.Format(envelopeTime)
	case anything:
		return v.String()
	case map[string]any, []any, *templateEvent:
		encoded, err := templateJSON(v)
		if err == nil {
			return encoded
		}
	}
	return fmt.Sprint(v)
}

func templateJSON(v any) (string, error) {
	switch in := v.(type) {
	case *templateEvent:
		v = in.fields
	case time.Time:
		v = text(in)
	case string:
		return string(appendString(nil, in)), nil
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return "", fmt.Errorf("encode: %w", err)
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// templateTime reads a time: RFC 3339, or seconds or milliseconds since 1970.
func templateTime(v any) (time.Time, error) {
	switch v := v.(type) {
	case time.Time:
		return v, nil
	case anything:
		return time.Unix(1, 0), nil
	}
	s := text(v)
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", time.DateTime, time.DateOnly, time.RFC1123Z, time.RFC1123} {
		if at, err := time.Parse(layout, s); err == nil {
			return at, nil
		}
	}
	seconds, err := strconv.ParseFloat(s, 64)
	switch {
	case err != nil || seconds < -1e15 || seconds > 1e15 || seconds != seconds:
		return time.Time{}, fmt.Errorf("%q is no time (RFC 3339, or seconds since 1970)", shorten(s, 64))
	case seconds > 1e11 || seconds < -1e11:
		return time.UnixMilli(int64(seconds)), nil
	}
	return time.UnixMilli(int64(seconds * 1000)), nil
}

func templateDate(layout, zone string, v any) (string, error) {
	if v == nil || v == "" {
		return "", nil
	}
	at, err := templateTime(v)
	if err != nil {
		return "", err
	}
	location, err := time.LoadLocation(zone)
	if err != nil {
		return "", fmt.Errorf("zone %q: %w", zone, err)
	}
	return at.In(location).Format(layout), nil
}

func templateUnix(v any) (string, error) {
	if v == nil || v == "" {
		return "", nil
	}
	at, err := templateTime(v)
	return strconv.FormatInt(at.Unix(), 10), err
}

func templateTruncate(most int, v any) (string, error) {
	if most < 1 {
		return "", fmt.Errorf("truncate to %d characters: the number must be 1 or more", most)
	}
	return shorten(text(v), most), nil
}

// shorten cuts a text to so many characters, the last of which then is an
// ellipsis.
func shorten(s string, most int) string {
	n := 0
	end := 0
	for i := range s {
		if n == most-1 {
			end = i
		}
		if n++; n > most {
			return strings.TrimRight(s[:end], " ") + "…"
		}
	}
	return s
}

func templateDefault(fallback, v any) any {
	if truth, ok := template.IsTrue(v); !ok || !truth && v != false {
		return fallback
	}
	return v
}

// given is a value whose truth text/template knows: a 0 that is written as a text
// is none.
func given(v any) any {
	if n, ok := v.(json.Number); ok && compareNumbers(n.String(), "0") == 0 {
		return 0
	}
	return v
}

func isTrue(v any) bool {
	truth, ok := template.IsTrue(given(v))
	return truth && ok
}

// firstThat is the first value whose truth is as wanted, else the last one.
func firstThat(values []any, truth bool) any {
	for _, v := range values {
		if isTrue(v) == truth {
			return v
		}
	}
	if len(values) == 0 {
		return !truth
	}
	return values[len(values)-1]
}

func templateJoin(separator string, v any) string {
	list, ok := v.([]any)
	if !ok {
		return text(v)
	}
	parts := make([]string, len(list))
	for i := range list {
		parts[i] = text(list[i])
	}
	return strings.Join(parts, separator)
}

// templateLen counts the elements, members or characters of a value.
func templateLen(v any) int {
	switch v := v.(type) {
	case map[string]any:
		return len(v)
	case []any:
		return len(v)
	case anything:
		return 1
	case string:
		return len([]rune(v))
	}
	return 0
}

// templateIndex is what is at the end of indexes and names; nil for nothing.
func templateIndex(v any, at ...any) any {
	for _, step := range at {
		switch in := v.(type) {
		case map[string]any:
			v, _ = templateField(in, text(step)) // a map has no error
		case []any:
			i, err := strconv.Atoi(text(step))
			if err != nil || i < 0 || i >= len(in) {
				return nil
			}
			v = in[i]
		case anything:
		default:
			return nil
		}
	}
	return v
}

// templatePrintf is fmt.Sprintf for which numbers are numbers.
func templatePrintf(format string, args ...any) string {
	for i, arg := range args {
		switch arg := arg.(type) {
		case json.Number:
			args[i] = formattedNumber(arg)
		case anything:
			args[i] = formattedNumber(arg.String())
		case nil:
			args[i] = ""
		case map[string]any, []any, time.Time, *templateEvent:
			args[i] = text(arg)
		}
	}
	return fmt.Sprintf(format, args...)
}

// formattedNumber is a number for verbs of integers, of floats and of texts.
type formattedNumber string

// Format implements fmt.Formatter.
func (n formattedNumber) Format(s fmt.State, verb rune) {
	var v any = string(n)
	switch verb {
	case 'd', 'x', 'X', 'o', 'O', 'b', 'c', 'U':
		if i, err := strconv.ParseInt(string(n), 10, 64); err == nil {
			v = i
		} else if f, err := strconv.ParseFloat(string(n), 64); err == nil {
			v = int64(f)
		}
	case 'f', 'F', 'e', 'E', 'g', 'G':
		if f, err := strconv.ParseFloat(string(n), 64); err == nil {
			v = f
		}
	}
	fmt.Fprintf(s, fmt.FormatString(s, verb), v)
}

// templateEqual says whether two values are the same. Numbers are compared by
// value, and a number and a text are not the same.
func templateEqual(a, b any) bool {
	if isAnything(a) || isAnything(b) {
		return true
	}
	if isNumber(a) && isNumber(b) {
		return compareNumbers(text(a), text(b)) == 0
	}
	return isNumber(a) == isNumber(b) && reflect.DeepEqual(a, b)
}

// templateCompare compares numbers by value, also those that are written as
// texts, and other texts by their bytes. With what is not there nothing compares.
func templateCompare(a, b any, holds func(int) bool) (bool, error) {
	switch {
	case isAnything(a) || isAnything(b):
		return true, nil
	case a == nil || b == nil:
		return false, nil
	case isDecimal(text(a)) && isDecimal(text(b)):
		return holds(compareNumbers(text(a), text(b))), nil
	case isNumber(a) != isNumber(b):
		return false, fmt.Errorf("cannot compare %q with %q", shorten(text(a), 64), shorten(text(b), 64))
	}
	return holds(strings.Compare(text(a), text(b))), nil
}

func isAnything(v any) bool {
	_, ok := v.(anything)
	return ok
}

func isNumber(v any) bool {
	switch v.(type) {
	case json.Number, int, int64, float64:
		return true
	}
	return false
}
