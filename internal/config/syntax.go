package config

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

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
	{"found character that cannot start any token", regexp.MustCompile(`^ *(\t)`), "indent with spaces: YAML takes no tabs there"},
	{"found a tab character", regexp.MustCompile(`^ *(\t)`), "indent with spaces: YAML takes no tabs there"},
	{"did not find expected alphabetic or numeric character", regexp.MustCompile(`[:,\[-]\s*([*&])`), "a value that begins with * or & needs quotes"},
	{"mapping values are not allowed", regexp.MustCompile(`:\s.*?\S(:)(?:\s|$)`), "a value with a colon and a space in it needs quotes; else the indentation is off"},
	{"did not find expected ',' or", regexp.MustCompile(`[:,\[{]\s*(\$\{)`), "within [ ] or { } a value such as ${NAME} needs quotes"},
	{"did not find expected ',' or", nil, "a [ or { is not closed, or a value in it needs quotes"},
	{"did not find expected whitespace or line break", regexp.MustCompile(`[:,\[{-]\s*(!)`), "a value that begins with ! needs quotes"},
	{"did not find expected key", nil, "the indentation is off, or a quote is in the wrong place"},
	{"did not find expected '-'", nil, "the indentation is off, or a list and keys are mixed"},
	{"found unexpected end of stream", nil, "a quote is not closed"},
	{"found unknown escape character", regexp.MustCompile(`(\\[^0abtnvfre "/\\N_LPxuU])`), `in double quotes a backslash is written \\; in single quotes as it is`},
	{"block sequence entries are not allowed", regexp.MustCompile(`:\s+(-)\s`), "begin the list on a line of its own"},
}

// unknownAnchor is what the YAML parser makes of an unquoted */5 * * * *.
var unknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)

// syntaxError makes an error of one that the YAML parser gave.
func syntaxError(file string, data []byte, err error) error {
	e := &Error{File: file, Line: 1, Column: 1, Message: "this is no valid YAML"}
	parts := syntaxMessage.FindStringSubmatch(err.Error())
	if parts == nil {
		return Errors{e}
	}
	message := parts[2]
	if anchor := unknownAnchor.FindStringSubmatch(message); anchor != nil {
		e.Line, e.Column = position(data, max(bytes.Index(data, []byte("*"+anchor[1])), 0))
		e.Message = fmt.Sprintf("%s begins with *, which is a reference in YAML: put the whole value in quotes", quote("*"+anchor[1]))
		return Errors{e}
	}
	if n, err := strconv.Atoi(parts[1]); err == nil {
		e.Line = n
	}
	if parts[1] != "" && !fromScanner(message) {
		e.Line = brokenLine(data, e.Line+1)
	}
	e.Message += ": " + message
	explain(e, data, message)
	return Errors{e}
}

// explain adds what is probably behind a message of the YAML parser, and where.
func explain(e *Error, data []byte, message string) {
	for _, h := range syntaxHints {
		if !strings.HasPrefix(message, h.message) {
			continue
		}
		if h.sign == nil {
			e.Message += " (" + h.hint + ")"
			return
		}
		// The parser may give the line where the block begins.
		for line := e.Line; line < e.Line+3; line++ {
			text := lineOf(data, line)
			if at := h.sign.FindStringSubmatchIndex(text); at != nil {
				e.Line, e.Column = line, utf8.RuneCountInString(text[:at[2]])+1
				e.Message += " (" + h.hint + ")"
				return
			}
		}
	}
}

// brokenLine finds the line that breaks a document. The parser knows only
// where the block begins that it is in, and not where it was left; but up to
// the line before, the document is whole.
func brokenLine(data []byte, from int) int {
	effort := 1 << 20 // bytes to parse
	broken := from
	end := len(data) - len(rest(data, from-1))
	for line := from; end < len(data) && effort > 0; line++ {
		effort -= end + 1<<10
		var n yaml.Node
		if yaml.Unmarshal(data[:end], &n) == nil {
			broken = line
		}
		end = len(data) - len(rest(data, line))
	}
	return broken
}

// rest is what follows a number of lines.
func rest(data []byte, lines int) []byte {
	for range lines {
		_, after, found := bytes.Cut(data, []byte{'\n'})
		if !found {
			return nil
		}
		data = after
	}
	return data
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
	text, _, _ := bytes.Cut(rest(data, line-1), []byte{'\n'})
	return strings.TrimSuffix(string(text), "\r")
}
