package dashboard

import (
	"encoding/json"
	"strings"

	"github.com/aymanbagabas/go-udiff/lcs"
)

// texts shows two texts, line by line.
func (w *diffWriter) texts(p place, before, after string) {
	b, a := textLines(before), textLines(after)
	at := 0
	for _, e := range lcs.DiffLines(b, a) {
		for _, line := range b[at:e.Start] {
			w.same("", p, line)
		}
		w.lines(p, b[e.Start:e.End], a[e.ReplStart:e.ReplEnd])
		at = e.End
	}
	for _, line := range b[at:] {
		w.same("", p, line)
	}
}

// lines shows lines that took the place of others.
func (w *diffWriter) lines(p place, b, a []string) {
	n := min(len(b), len(a))
	for i := range n {
		if w.full {
			return
		}
		w.pair("", p, b[i], a[i])
	}
	for _, line := range b[n:] {
		w.side("", p, rowRemoved, line)
	}
	for _, line := range a[n:] {
		w.side("", p, rowAdded, line)
	}
}

// textLines are the lines of a text, without their ends.
func textLines(text string) []string {
	lines := strings.Split(text, "\n")
	if n := len(lines); lines[n-1] == "" {
		lines = lines[:n-1] // behind the end of the last line
	}
	for i, line := range lines {
		lines[i] = strings.TrimSuffix(line, "\r")
	}
	return lines
}

// patchView shows a patch: the steps of a JSON patch, or a unified diff.
func patchView(patch json.RawMessage) diffView {
	w := diffWriter{counted: counted{all: true}}
	var unified string
	var steps []struct {
		Op    string          `json:"op"`
		From  string          `json:"from"`
		Path  string          `json:"path"`
		Value json.RawMessage `json:"value"`
	}
	switch {
	case json.Unmarshal(patch, &unified) == nil:
		for _, line := range textLines(unified) {
			kind := rowSame
			switch {
			case strings.HasPrefix(line, "+"):
				kind = rowAdded
			case strings.HasPrefix(line, "-"):
				kind = rowRemoved
			}
			if kind == rowSame {
				w.same("", place{}, line)
			} else {
				w.side("", place{}, kind, line[1:])
			}
		}
	case json.Unmarshal(patch, &steps) == nil:
		for _, s := range steps {
			name := s.Path
			if s.From != "" {
				name = s.From + " → " + s.Path
			}
			kind := rowAdded
			if s.Op == "remove" {
				kind = rowRemoved
			}
			w.side(s.Op+" "+name, place{}, kind, string(s.Value))
		}
	}
	v := w.view()
	v.Patch = true
	return v
}
