package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// maxFile bounds a configuration file, in bytes.
const maxFile = 16 << 20

// readDocument parses a file into nodes. It takes exactly one document, which
// must be a mapping.
func readDocument(file string, data []byte) (*document, error) {
	whole := func(line, column int, format string, args ...any) error {
		return Errors{{File: file, Line: line, Column: column, Message: fmt.Sprintf(format, args...)}}
	}
	if len(data) > maxFile {
		return nil, whole(0, 0, "the file is larger than %s", Size(maxFile))
	}
	if at := firstInvalid(data); at >= 0 {
		line, column := position(data, at)
		return nil, whole(line, column, "this is no UTF-8 text: save the file as UTF-8")
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var root, next yaml.Node
	err := decoder.Decode(&root)
	switch {
	case errors.Is(err, io.EOF), err == nil && isNull(root.Content[0]):
		return nil, whole(0, 0, "the file is empty: it needs at least sources")
	case err != nil:
		return nil, syntaxError(file, data, err)
	}
	err = decoder.Decode(&next)
	switch {
	case err == nil:
		return nil, whole(next.Line, next.Column, "a second document begins here: a configuration is one document, so remove the --- line")
	case !errors.Is(err, io.EOF):
		return nil, syntaxError(file, data, err)
	}
	top := root.Content[0]
	if top.Kind != yaml.MappingNode {
		return nil, whole(top.Line, top.Column, "want a mapping with keys such as sources: and endpoints:, got %s", describe(top))
	}
	return &document{file: file, root: top}, nil
}

// firstInvalid is the offset of the first byte that is not UTF-8, or -1.
func firstInvalid(data []byte) int {
	for at := 0; at < len(data); {
		r, size := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && size == 1 {
			return at
		}
		at += size
	}
	return -1
}

// position turns an offset into line and column, both from 1.
func position(data []byte, offset int) (line, column int) {
	before := data[:offset]
	start := bytes.LastIndexByte(before, '\n') + 1
	return bytes.Count(before, []byte{'\n'}) + 1, utf8.RuneCount(before[start:]) + 1
}

// syntaxMessage takes the line from a message of the YAML parser.
var syntaxMessage = regexp.MustCompile(`^yaml: (?:line (\d+): )?([\s\S]*)$`)

// syntaxHints say what mistake is behind a message of the YAML parser. Where
// sign is given, the first value in the line that begins with it is the place.
var syntaxHints = []struct {
	message string
	sign    *regexp.Regexp
	hint    string
}{
	{"found character that cannot start any token", regexp.MustCompile("[:,\\[-]\\s+([@`%])"), "a value that begins with @, ` or % needs quotes"},
	{"found character that cannot start any token", regexp.MustCompile(`^\s*?(\t)`), "indent with spaces: YAML takes no tabs there"},
	{"found a tab character", regexp.MustCompile(`(\t)`), "indent with spaces: YAML takes no tabs there"},
	{"did not find expected alphabetic or numeric character", regexp.MustCompile(`[:,\[-]\s*([*&])`), "a value that begins with * or & needs quotes"},
	{"mapping values are not allowed", regexp.MustCompile(`:\s.*?\S(:)(?:\s|$)`), "a value with a colon and a space in it needs quotes; else the indentation is off"},
	{"did not find expected ',' or", regexp.MustCompile(`[:,\[{]\s*(\$\{)`), "within [ ] or { } a value such as ${NAME} needs quotes"},
	{"did not find expected ',' or", nil, "a [ or { is not closed, or a value in it needs quotes"},
	{"did not find expected key", nil, "the indentation is off, or a quote is in the wrong place"},
	{"did not find expected '-'", nil, "a list and keys are mixed here: the indentation is off"},
	{"found unexpected end of stream", nil, "a quote is not closed"},
	{"found unknown escape character", regexp.MustCompile(`(\\[^0abtnvfre "/\\N_LPxuU])`), `in double quotes a backslash is written \\; in single quotes as it is`},
	{"block sequence entries are not allowed", regexp.MustCompile(`:\s+(-)\s`), "begin the list on a line of its own"},
}

// unknownAnchor is what the YAML parser makes of an unquoted */5 * * * *.
var unknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)

// syntaxError makes an error of one that the YAML parser gave.
func syntaxError(file string, data []byte, err error) error {
	parts := syntaxMessage.FindStringSubmatch(err.Error())
	if parts == nil {
		return Errors{{File: file, Line: 1, Column: 1, Message: "this is no valid YAML"}}
	}
	message := parts[2]
	if anchor := unknownAnchor.FindStringSubmatch(message); anchor != nil {
		line, column := position(data, max(bytes.Index(data, []byte("*"+anchor[1])), 0))
		return Errors{{File: file, Line: line, Column: column, Message: fmt.Sprintf("%q begins with *, which is a reference in YAML: put the whole value in quotes", "*"+anchor[1])}}
	}
	line := 1
	if n, err := strconv.Atoi(parts[1]); err == nil {
		line = n
		if !fromScanner(message) {
			line++
		}
	}
	e := &Error{File: file, Line: line, Column: 1, Message: "this is no valid YAML: " + message}
	text := lineOf(data, line)
	for _, h := range syntaxHints {
		if !strings.HasPrefix(message, h.message) {
			continue
		}
		if h.sign != nil {
			at := h.sign.FindStringSubmatchIndex(text)
			if at == nil {
				continue
			}
			e.Column = utf8.RuneCountInString(text[:at[2]]) + 1
		}
		e.Message += " (" + h.hint + ")"
		break
	}
	return Errors{e}
}

// fromScanner says whether a message is of the YAML scanner, which counts lines
// from 1. The YAML parser counts them from 0.
func fromScanner(message string) bool {
	rest, ok := strings.CutPrefix(message, "did not find expected ")
	if !ok {
		return true
	}
	for _, parser := range []string{"key", "','", "'-'", "node", "<"} {
		if strings.HasPrefix(rest, parser) {
			return false
		}
	}
	return true
}

// lineOf is the text of a line, counted from 1; empty beyond the end.
func lineOf(data []byte, line int) string {
	for range line - 1 {
		_, rest, found := bytes.Cut(data, []byte{'\n'})
		if !found {
			return ""
		}
		data = rest
	}
	text, _, _ := bytes.Cut(data, []byte{'\n'})
	return strings.TrimSuffix(string(text), "\r")
}
