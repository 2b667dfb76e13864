package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// jsonFlag adds --json to a command.
func jsonFlag(cmd *cobra.Command) *bool {
	return cmd.Flags().Bool("json", false, "print JSON, one object a line")
}

// printTable prints rows below a head, in columns: on a terminal in as many as
// fit its width.
func printTable(w io.Writer, head string, rows [][]string) error {
	heads := strings.Fields(head)
	for _, row := range rows {
		for i := range row {
			row[i] = cell(row[i])
		}
	}
	if columns := width(w); columns > 0 {
		fit(heads, rows, columns)
	}
	t := tabwriter.NewWriter(w, 0, 0, tableGap, ' ', 0)
	for _, row := range append([][]string{heads}, rows...) {
		fmt.Fprintln(t, strings.Join(row, "\t"))
	}
	return t.Flush()
}

// printList prints a list as JSON, or as a table below a head with a row for each
// value.
func printList[T any](w io.Writer, asJSON bool, list []T, head string, row func(*T) []string) error {
	if asJSON {
		return printJSON(w, list)
	}
	rows := make([][]string, len(list))
	for i := range list {
		rows[i] = row(&list[i])
	}
	return printTable(w, head, rows)
}

// withNodes adds to a list which node has each, where nodes share the database: a
// column before the last one.
func withNodes[T any](list []T, node func(*T) string, head string, row func(*T) []string) (string, func(*T) []string) {
	if !slices.ContainsFunc(list, func(v T) bool { return node(&v) != "" }) {
		return head, row
	}
	last := strings.LastIndex(head, " ")
	return head[:last] + " NODE" + head[last:], func(v *T) []string {
		cells := row(v)
		return slices.Insert(cells, len(cells)-1, node(v))
	}
}

const (
	// tableGap is what is between the columns of a table.
	tableGap = 2
	// minCell is how many characters of a value a table shows at least, however
	// narrow the terminal is.
	minCell = 12
)

// fit cuts the values in the widest columns of a table until its lines have no more
// characters than columns, as far as that can be. The first column stays whole: what
// is in it is typed into other commands.
func fit(heads []string, rows [][]string, columns int) {
	total := -tableGap
	widths := make([]int, len(heads))
	for i, head := range heads {
		widths[i] = len(head)
		for _, row := range rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i]))
		}
		total += widths[i] + tableGap
	}
	for ; total > columns; total-- {
		widest := 0
		for i := 1; i < len(widths); i++ {
			if widest == 0 || widths[i] >= widths[widest] {
				widest = i
			}
		}
		if widest == 0 || widths[widest] <= minCell {
			break
		}
		widths[widest]--
	}
	for _, row := range rows {
		for i := range row {
			row[i] = cut(row[i], widths[i])
		}
	}
}

// stamp is a time as tables show it, as short as it can be understood; empty for
// none.
func stamp(t *time.Time) string {
	if t == nil {
		return ""
	}
	return moment(t.Local(), time.Now())
}

// moment is a time as somebody reads it who looks at now: today is left out.
func moment(t, now time.Time) string {
	const far = 180 * 24 * time.Hour // beyond which the month leaves the year open
	switch ago := now.Sub(t); {
	case t.Format(time.DateOnly) == now.Format(time.DateOnly):
		return t.Format(time.TimeOnly)
	case ago < far && ago > -far:
		return t.Format("Jan _2 15:04")
	}
	return t.Format(time.DateOnly)
}

// maxCell is how many characters of a value a table shows.
const maxCell = 80

// cell is a value as a table shows it: on one line, and without what would steer
// a terminal, since keys and answers are written by others.
func cell(text string) string {
	text = cut(harmless(text), maxCell)
	if strings.TrimSpace(text) == "" {
		return "-"
	}
	return text
}

// cut is a text of at most n characters.
func cut(text string, n int) string {
	if runes := []rune(text); len(runes) > n {
		return string(runes[:n-1]) + "…"
	}
	return text
}

// harmless is a text on one line, and without what would steer a terminal.
func harmless(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
}

// printJSON prints each value on a line.
func printJSON[T any](w io.Writer, list []T) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for i := range list {
		if err := enc.Encode(list[i]); err != nil {
			return err
		}
	}
	return nil
}
