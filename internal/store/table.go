package store

import "fmt"

// Kind is what a column of a table holds.
type Kind int

// The kinds of columns, and what a [Row] has of them.
const (
	Number Kind = iota // int64
	Text               // string
	Bytes              // []byte
)

// Column is a column of a table.
type Column struct {
	Name string
	Kind Kind
}

// NewColumn returns a column by the type that its engine's schema declares, of those
// that it has, or fails where that is another one.
func NewColumn(table, name, declared string, kinds map[string]Kind) (Column, error) {
	kind, known := kinds[declared]
	if !known {
		return Column{}, fmt.Errorf("column %s of table %s is of type %s", name, table, declared)
	}
	return Column{Name: name, Kind: kind}, nil
}

// Table is a table of an engine, to be carried to another one row by row.
type Table struct {
	Name    string
	Columns []Column
}

// Row are the values of a row in the order of its table's columns: int64, string
// or []byte, none of them nil.
type Row []any

// Ends are the last numbers that were given to events, deliveries and pages,
// whether they are still there or not. None of them is given again.
type Ends struct{ Position, Delivery, Page int64 }
