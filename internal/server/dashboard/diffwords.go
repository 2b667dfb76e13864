package dashboard

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/aymanbagabas/go-udiff/lcs"
)

const (
	// maxShown is how many bytes of a value a line shows, and maxWhole how many can
	// be unfolded below it.
	maxShown = 320
	maxWhole = 16 << 10
	// keptAround is how much is shown of what is alike, to each side of what differs.
	keptAround = 48
	// maxWords and maxWordBytes bound what is compared word by word: beyond, only
	// what both sides begin and end with is found.
	maxWords     = 2000
	maxWordBytes = 64 << 10
)

// span is a part of a text.
type span struct {
	Text string
	// Differs says that the other side has something else there.
	Differs bool
}

// diffCell is one side of a row: a value, or a line of a text.
type diffCell struct {
	// Name is what stands before the value, such as "price": of a member.
	Name  string
	Spans []span
	// Whole is all of a value that is too long for its line, Left how many bytes of
	// it are left out even so.
	Whole string
	Left  int64
}

// plainCell is a text that is compared with nothing.
func plainCell(name, text string) diffCell {
	return newCell(name, text, []span{{Text: text}})
}

// newCell shows a text by its spans, shortened where it is long.
func newCell(name, text string, spans []span) diffCell {
	c := diffCell{Name: legible(name), Spans: spans}
	if len(text) > maxShown {
		c.Spans = shorten(spans)
		whole := cutBytes(text, maxWhole)
		c.Whole, c.Left = legible(whole), int64(len(text)-len(whole))
	}
	for i := range c.Spans {
		c.Spans[i].Text = legible(c.Spans[i].Text)
	}
	return c
}

// shorten keeps the beginning of each span, and of one that is alike its end too,
// so that what differs stays in sight.
func shorten(spans []span) []span {
	short := make([]span, 0, len(spans))
	room := maxShown
	for i, s := range spans {
		if room <= 0 {
			return append(short, span{Text: "…"})
		}
		text := s.Text
		switch {
		case s.Differs || len(spans) == 1:
			if len(text) > room {
				text = cutBytes(text, room) + "…"
			}
		case len(text) > 2*keptAround:
			head, tail := cutBytes(text, keptAround), lastBytes(text, keptAround)
			if i == 0 {
				head = ""
			}
			if i == len(spans)-1 {
				tail = ""
			}
			text = head + "…" + tail
		}
		room -= len(text)
		short = append(short, span{text, s.Differs})
	}
	return short
}

// cutBytes is the beginning of a text, of at most so many bytes.
func cutBytes(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}

// lastBytes is the end of a text, of at most so many bytes.
func lastBytes(text string, most int) string {
	at := max(0, len(text)-most)
	for at < len(text) && !utf8.RuneStart(text[at]) {
		at++
	}
	return text[at:]
}

// compareWords finds what two texts have in common, by words. Where that is next
// to nothing, all of both differs: confetti says less than two colours.
func compareWords(before, after string) (was, is []span) {
	b, a := pieces(before, after)
	var edits []lcs.Diff
	if len(b) > maxWords || len(a) > maxWords {
		edits = middle(b, a)
	} else {
		edits = lcs.DiffLines(b, a)
	}
	alike := 0
	at := 0
	for _, e := range edits {
		alike += length(b[at:e.Start])
		at = e.End
	}
	alike += length(b[at:])
	if 4*alike < min(len(before), len(after)) {
		return whole(before), whole(after)
	}
	bAt, aAt := 0, 0
	for _, e := range edits {
		was = appendSpan(was, b[bAt:e.Start], false)
		is = appendSpan(is, a[aAt:e.ReplStart], false)
		was = appendSpan(was, b[e.Start:e.End], true)
		is = appendSpan(is, a[e.ReplStart:e.ReplEnd], true)
		bAt, aAt = e.End, e.ReplEnd
	}
	return appendSpan(was, b[bAt:], false), appendSpan(is, a[aAt:], false)
}

// pieces cuts two texts into what is compared: words, or of long texts what they
// begin with, what is between, and what they end with.
func pieces(before, after string) (b, a []string) {
	if len(before)+len(after) <= maxWordBytes {
		return words(before), words(after)
	}
	shorter := min(len(before), len(after))
	head := 0
	for head < shorter && before[head] == after[head] {
		head++
	}
	for head > 0 && (!startsRune(before, head) || !startsRune(after, head)) {
		head--
	}
	tail := 0
	for tail < shorter-head && before[len(before)-1-tail] == after[len(after)-1-tail] {
		tail++
	}
	for tail > 0 && !startsRune(before, len(before)-tail) {
		tail--
	}
	cut := func(text string) []string {
		return []string{text[:head], text[head : len(text)-tail], text[len(text)-tail:]}
	}
	return cut(before), cut(after)
}

// startsRune says whether a character begins at a place, or the text ends there.
func startsRune(text string, at int) bool { return at == len(text) || utf8.RuneStart(text[at]) }

// middle is what is between the words that both begin and end with.
func middle(b, a []string) []lcs.Diff {
	start, bEnd, aEnd := 0, len(b), len(a)
	for start < bEnd && start < aEnd && b[start] == a[start] {
		start++
	}
	for bEnd > start && aEnd > start && b[bEnd-1] == a[aEnd-1] {
		bEnd, aEnd = bEnd-1, aEnd-1
	}
	if start == bEnd && start == aEnd {
		return nil
	}
	return []lcs.Diff{{Start: start, End: bEnd, ReplStart: start, ReplEnd: aEnd}}
}

// whole is a text that differs as a whole; nothing of an empty one.
func whole(text string) []span {
	if text == "" {
		return nil
	}
	return []span{{text, true}}
}

func appendSpan(spans []span, words []string, differs bool) []span {
	if len(words) == 0 {
		return spans
	}
	text := strings.Join(words, "")
	if n := len(spans); n > 0 && spans[n-1].Differs == differs {
		spans[n-1].Text += text
		return spans
	}
	return append(spans, span{text, differs})
}

func length(words []string) int {
	n := 0
	for _, w := range words {
		n += len(w)
	}
	return n
}

// words cuts a text into runs of letters and digits, runs of white space, and
// single characters of any other kind.
func words(text string) []string {
	var list []string
	start, last := 0, 0
	for i, r := range text {
		class := 0
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_':
			class = 1
		case unicode.IsSpace(r):
			class = 2
		}
		if i > start && (class == 0 || class != last) {
			list = append(list, text[start:i])
			start = i
		}
		last = class
	}
	if start < len(text) {
		list = append(list, text[start:])
	}
	return list
}
