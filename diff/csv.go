package diff

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// ErrInvalidCSV says that a body is not CSV in UTF-8 as RFC 4180 has it, with
// names in its first line. The message gives the line, from 1.
var ErrInvalidCSV = errors.New("invalid CSV")

const (
	// maxGrowth is how many times larger than a CSV its rows may become. The
	// names of its columns are repeated in each: without a bound, long names
	// above many short rows would take memory by the square of what was sent.
	maxGrowth = 32
	// minGrowth is how many bytes the rows may take anyway.
	minGrowth = 16 << 20
)

// csvRows reads a CSV into a JSON array with an object for each row: its
// members are the fields, in the order of the columns, all of them strings.
//
// The first line has the names of the columns, without the white space around
// them. The separator is the one of , ; tab and | that the first line has most
// of outside quotes; where two are as frequent, the one named first. Lines end
// in LF or CRLF, blank ones are passed over, and within quotes CRLF is LF. A
// byte order mark at the start is passed over. The error is [ErrInvalidCSV].
func csvRows(body []byte) ([]byte, error) {
	body = bytes.TrimPrefix(body, []byte("\uFEFF"))
	if line, ok := lineNotUTF8(body); ok {
		return nil, fmt.Errorf("%w at line %d: not UTF-8", ErrInvalidCSV, line)
	}
	r := csv.NewReader(bytes.NewReader(body))
	r.Comma = csvSeparator(body)
	r.ReuseRecord = true
	r.FieldsPerRecord = -1 // Our own message says more.
	columns, err := csvColumns(r)
	if err != nil {
		return nil, err
	}
	limit := max(maxGrowth*len(body), minGrowth)
	rows := append(make([]byte, 0, 2*len(body)+2), '[')
	var field []byte
	for {
		record, err := r.Read()
		switch {
		case errors.Is(err, io.EOF):
			return append(rows, ']'), nil
		case err != nil:
			return nil, brokenCSV(err)
		case len(record) != len(columns):
			return nil, fmt.Errorf("%w at line %d: its number of fields is %d, that of the first line %d", ErrInvalidCSV, csvLine(r), len(record), len(columns))
		case len(rows) > limit:
			return nil, fmt.Errorf("%w at line %d: with the names of the columns in each, its rows take more than %d bytes", ErrInvalidCSV, csvLine(r), limit)
		}
		if len(rows) > 1 {
			rows = append(rows, ',')
		}
		for i, column := range columns {
			field = append(field[:0], record[i]...)
			rows = appendString(append(rows, column...), field)
		}
		rows = append(rows, '}')
	}
}

// csvColumns reads the first line and returns what stands before the value of
// each column in a row: {"id": before the first, ,"name": before another.
func csvColumns(r *csv.Reader) ([][]byte, error) {
	record, err := r.Read()
	switch {
	case errors.Is(err, io.EOF):
		return nil, fmt.Errorf("%w: it is empty, without even the names of its columns", ErrInvalidCSV)
	case err != nil:
		return nil, brokenCSV(err)
	}
	columns := make([][]byte, len(record))
	taken := make(map[string]int, len(record))
	for i, name := range record {
		name = strings.TrimSpace(name)
		first, repeated := taken[name]
		switch {
		case name == "":
			return nil, fmt.Errorf("%w at line %d: column %d has no name", ErrInvalidCSV, csvLine(r), i+1)
		case strings.Contains(name, "\r"):
			// All of it would be names, and the list empty.
			return nil, fmt.Errorf("%w at line %d: a lone CR in the name of column %d: lines end in LF or CRLF", ErrInvalidCSV, csvLine(r), i+1)
		case repeated:
			return nil, fmt.Errorf("%w at line %d: the columns %d and %d are both named %.80q", ErrInvalidCSV, csvLine(r), first+1, i+1, name)
		}
		taken[name] = i
		start := byte(',')
		if i == 0 {
			start = '{'
		}
		columns[i] = append(appendString([]byte{start}, []byte(name)), ':')
	}
	return columns, nil
}

// csvSeparator finds what separates the fields of a CSV by its first line.
func csvSeparator(body []byte) rune {
	const candidates = ",;\t|"
	var count [len(candidates)]int
	quoted := false
	for _, c := range bytes.TrimLeft(body, "\r\n") {
		if c == '\n' && !quoted {
			break
		}
		if c == '"' {
			quoted = !quoted
		}
		if i := strings.IndexByte(candidates, c); i >= 0 && !quoted {
			count[i]++
		}
	}
	best := 0
	for i, n := range count {
		if n > count[best] {
			best = i
		}
	}
	return rune(candidates[best])
}

// lineNotUTF8 finds the first line that is not UTF-8, if there is one.
func lineNotUTF8(body []byte) (line int, ok bool) {
	if utf8.Valid(body) {
		return 0, false
	}
	at := 0
	for r, size := utf8.DecodeRune(body); r != utf8.RuneError || size != 1; r, size = utf8.DecodeRune(body[at:]) {
		at += size
	}
	return 1 + bytes.Count(body[:at], []byte{'\n'}), true
}

// csvLine is the line that the record which was read last begins at.
func csvLine(r *csv.Reader) int {
	line, _ := r.FieldPos(0)
	return line
}

// brokenCSV says where the reader found what is not CSV. A quote that is left
// open is found at the end only, so the line where its record begins counts too.
func brokenCSV(err error) error {
	var e *csv.ParseError
	switch {
	case !errors.As(err, &e):
		return fmt.Errorf("%w: %w", ErrInvalidCSV, err)
	case e.StartLine != e.Line:
		return fmt.Errorf("%w at lines %d to %d: %w", ErrInvalidCSV, e.StartLine, e.Line, e.Err)
	default:
		return fmt.Errorf("%w at line %d: %w", ErrInvalidCSV, e.Line, e.Err)
	}
}
