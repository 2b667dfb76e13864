package rivals

import (
	"fmt"
	"strings"
	"time"
)

// floor is the tool of which we say how often it fits into our time.
const floor = "sha256 of both"

// column is a document and what each tool made of it.
type column struct {
	document
	runs []*run
}

// table is in Markdown: a row for each tool, with its median, how many times
// ours that is, and what it gave.
func table(columns []column) string {
	if len(columns) == 0 {
		return ""
	}
	var out strings.Builder
	out.WriteString("| tool |")
	for _, c := range columns {
		fmt.Fprintf(&out, " %s |", c.title)
	}
	out.WriteString("\n| --- |" + strings.Repeat(" --- |", len(columns)) + "\n")
	for _, first := range columns[0].runs {
		fmt.Fprintf(&out, "| %s |", first.name)
		for _, c := range columns {
			fmt.Fprintf(&out, " %s |", c.cell(first.name))
		}
		out.WriteByte('\n')
	}
	return out.String()
}

// cell is empty where the tool was not run.
func (c column) cell(name string) string {
	for _, r := range c.runs {
		if r.name != name {
			continue
		}
		cell := short(r.median())
		if r != c.runs[0] {
			cell += fmt.Sprintf(" (%.2g×)", float64(r.median())/float64(c.runs[0].median()))
		}
		if !r.floor {
			cell += fmt.Sprintf(", %s, %d B", count(r.operations), len(r.patch))
		}
		return cell
	}
	return ""
}

func count(operations int) string {
	if operations == 1 {
		return "1 operation"
	}
	return fmt.Sprintf("%d operations", operations)
}

// short is a duration with three digits at most.
func short(d time.Duration) string {
	unit := time.Nanosecond
	for d >= 1000*unit && unit < time.Second {
		unit *= 1000
	}
	name := map[time.Duration]string{time.Nanosecond: "ns", time.Microsecond: "µs", time.Millisecond: "ms", time.Second: "s"}[unit]
	return fmt.Sprintf("%.3g %s", float64(d)/float64(unit), name)
}
