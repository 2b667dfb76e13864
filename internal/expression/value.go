package expression

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
)

// parse makes plain values of JSON; nil bytes are nil.
func parse(data []byte) (any, error) {
	if data == nil {
		return nil, nil
	}
	value, err := decode(data)
	if err != nil {
		return nil, err
	}
	return plain(value), nil
}

// decode reads JSON and leaves its numbers as they are written.
func decode(data []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, fmt.Errorf("read value: %w", err)
	}
	return value, nil
}

// plain puts numbers of Go in the place of those that are written.
func plain(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			value[name] = plain(member)
		}
	case []any:
		for i, element := range value {
			value[i] = plain(element)
		}
	case json.Number:
		return number(string(value))
	}
	return value
}

// number reads a number. What no number of ours can hold stays text.
func number(text string) any {
	if n, err := strconv.Atoi(text); err == nil {
		return n
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n // on a machine whose integers have 32 bits
	}
	if isInteger(text) {
		return text
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return text // beyond a double
	}
	return f
}

func isInteger(text string) bool {
	for i := range len(text) {
		if c := text[i]; (c < '0' || c > '9') && (c != '-' || i > 0) {
			return false
		}
	}
	return text != ""
}
