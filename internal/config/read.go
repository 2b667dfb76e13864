package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// maxFile bounds a configuration file, in bytes.
const maxFile = 16 << 20

// readDocument parses a file into nodes. It takes exactly one document, which
// must be a mapping. An empty file is told what it needs.
func readDocument(file string, data []byte, needs string) (*document, error) {
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
		return nil, whole(0, 0, "the file is empty: %s", needs)
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
	return &document{file: file, root: top, text: data}, nil
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
