package dashboard

const (
	// maxDiffRows bounds what is shown.
	maxDiffRows = 600
	// contextRows are shown of what is alike, to each side of what differs.
	contextRows = 2
	// maxIndent is the deepest step that is set in further.
	maxIndent = 8
)

// The kinds of rows.
const (
	rowSame    = "same"
	rowAdded   = "added"
	rowRemoved = "removed"
	rowChanged = "changed"
	rowFold    = "fold"
)

// diffRow is one line of both sides.
type diffRow struct {
	// Kind is same, added, removed, changed, or fold for Hidden rows that are alike.
	Kind   string
	Depth  int
	Before diffCell
	After  diffCell
	Hidden int
	// Ignored says that the difference is no change by the source's rules.
	Ignored bool
}

// diffWriter makes rows, until there are enough. What is alike and far from what
// differs is counted only.
type diffWriter struct {
	counted counted
	rows    []diffRow
	// full says that there are more rows than are shown.
	full bool
	// context is how many rows that are alike are still shown behind one that differs.
	context int
	// held are the last rows that are alike, which are shown where one that differs
	// follows; hidden counts those before them.
	held   []diffRow
	hidden int
}

// view is what was written.
func (w *diffWriter) view() diffView {
	if w.hidden > 0 {
		w.hidden += len(w.held)
		w.held = nil
	}
	w.release()
	v := diffView{Rows: w.rows, More: w.full}
	for i := range v.Rows {
		v.Ignored = v.Ignored || v.Rows[i].Ignored
	}
	return v
}

// add adds a row that differs.
func (w *diffWriter) add(p place, row diffRow) {
	w.release()
	w.context = contextRows
	row.Ignored = !w.counted.has(p)
	w.append(p, row)
}

// pair shows two texts that differ.
func (w *diffWriter) pair(name string, p place, before, after string) {
	if before == after {
		w.same(name, p, before) // values that differ and look alike
		return
	}
	was, is := compareWords(before, after)
	w.add(p, diffRow{Kind: rowChanged, Before: newCell(name, before, was), After: newCell(name, after, is)})
}

// side is a row of one side.
func (w *diffWriter) side(name string, p place, kind, text string) {
	cell := plainCell(name, text)
	if kind == rowAdded {
		w.add(p, diffRow{Kind: kind, After: cell})
	} else {
		w.add(p, diffRow{Kind: kind, Before: cell})
	}
}

// around shows what stands around something that differs.
func (w *diffWriter) around(name string, p place, text string) {
	w.release()
	w.context = 0
	cell := plainCell(name, text)
	w.append(p, diffRow{Kind: rowSame, Before: cell, After: cell})
}

// same shows what is alike, where something that differs is near.
func (w *diffWriter) same(name string, p place, text string) {
	if w.full {
		return
	}
	cell := plainCell(name, text)
	row := diffRow{Kind: rowSame, Depth: min(p.depth, maxIndent), Before: cell, After: cell}
	if w.context > 0 {
		w.context--
		w.append(p, row)
		return
	}
	w.held = append(w.held, row)
	most := contextRows
	if w.hidden == 0 {
		most++ // one row takes no more room than the words that it is left out
	}
	if len(w.held) > most {
		w.hidden += len(w.held) - contextRows
		w.held = append(w.held[:0], w.held[len(w.held)-contextRows:]...)
	}
}

// release writes the rows that were held, and how many there are before them.
func (w *diffWriter) release() {
	if w.hidden > 0 {
		w.append(place{}, diffRow{Kind: rowFold, Hidden: w.hidden})
	}
	for _, row := range w.held {
		w.append(place{depth: row.Depth}, row)
	}
	w.held, w.hidden = w.held[:0], 0
}

func (w *diffWriter) append(p place, row diffRow) {
	if len(w.rows) >= maxDiffRows {
		w.full = true
		return
	}
	row.Depth = min(p.depth, maxIndent)
	w.rows = append(w.rows, row)
}
