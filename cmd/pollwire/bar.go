package main

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"
)

// barInterval is how often a bar that shows progress is drawn.
const barInterval = 100 * time.Millisecond

// bar shows how far something is, on a terminal; elsewhere it shows nothing.
type bar struct {
	out      io.Writer
	terminal bool
	drawn    time.Time
	// width is how long the longest text was, of which nothing must stay.
	width int
}

func newBar(out io.Writer) *bar { return &bar{out: out, terminal: isTerminal(out)} }

// show draws the bar with a text after it, where it was not drawn just before.
func (b *bar) show(done, total int64, text func() string) {
	if !b.terminal {
		return
	}
	now := time.Now()
	if now.Sub(b.drawn) < barInterval && done < total {
		return
	}
	b.drawn = now
	part := 1.0
	if total > 0 {
		part = float64(done) / float64(total)
	}
	words := text()
	b.width = max(b.width, len(words))
	fmt.Fprintf(b.out, "\r%s%-*s", barLine(part), b.width, words)
}

// end leaves the line that was drawn.
func (b *bar) end() {
	if !b.drawn.IsZero() {
		fmt.Fprintln(b.out)
	}
}

// barLine is the beginning of a line that says how far something is.
func barLine(part float64) string {
	const width = 30
	done := int(math.Round(part * width))
	return fmt.Sprintf("[%s%s] %3.0f%%, ", strings.Repeat("=", done), strings.Repeat(" ", width-done), part*100)
}
