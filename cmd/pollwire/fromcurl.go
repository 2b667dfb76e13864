package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/pollwire/pollwire/internal/curl"
	"github.com/pollwire/pollwire/internal/recipe"
)

// maxCommand bounds a curl command, and each file that it names, in bytes.
const maxCommand = 1 << 20

// fromCurl is the source that asks what a curl command asks. With "-" the command is
// read from stdin.
func fromCurl(command, name string, stdin io.Reader) (*recipe.Recipe, error) {
	fromStdin := command == "-"
	if fromStdin {
		text, err := readAll(stdin)
		if err != nil {
			return nil, fmt.Errorf("read standard input: %w", err)
		}
		command = string(text)
	}
	request, err := curl.Parse(command, func(file string) ([]byte, error) {
		switch {
		case file == "-" && fromStdin:
			return nil, errors.New("standard input is the command itself: write the body into a file")
		case file == "-":
			return readAll(stdin)
		}
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer func() { _ = f.Close() }()
		return readAll(f)
	})
	if err != nil {
		return nil, err
	}
	return request.Source(name)
}

// readAll reads what is not larger than it should be.
func readAll(r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxCommand+1))
	if err == nil && len(text) > maxCommand {
		return nil, errors.New("it is larger than 1 MiB")
	}
	return text, err
}
