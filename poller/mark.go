package poller

import (
	"cmp"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// mark is a value that says how new an item is: a number, a time, or a text. It
// stays in the server's own form, to the last digit.
type mark struct {
	// raw is the value in JSON as the server wrote it, text without quotes.
	raw, text string
	kind      markKind
	number    decimal
	time      stamp
}

// markKind is what marks are compared as. Those of a lower kind come first.
type markKind uint8

const (
	numberMark markKind = iota
	timeMark
	textMark
)

// maxMark bounds what is kept of a value and sent back.
const maxMark = 1024

// errLookback says that lookback cannot be subtracted.
var errLookback = errors.New("incremental.lookback takes a time off, which cursor_path does not lead to: remove it")

// newMark reads a value in JSON; false where it says nothing about an order.
func newMark(value gjson.Result) (mark, bool) {
	m := mark{raw: value.Raw}
	switch value.Type {
	case gjson.Number:
		m.text = value.Raw
	case gjson.String:
		m.text = value.Str
	default:
		return mark{}, false
	}
	if m.text == "" || len(m.raw) > maxMark {
		return mark{}, false
	}
	var ok bool
	if m.number, ok = parseDecimal(m.text); ok {
		return m, true
	}
	m.kind = timeMark
	if m.time, ok = parseStamp(m.text); !ok {
		m.kind = textMark
	}
	return m, true
}

// clone is the mark without the page that it came from, which would else stay in
// memory with it.
func (m mark) clone() mark {
	m, _ = newMark(gjson.Parse(strings.Clone(m.raw)))
	return m
}

// compare orders marks: numbers by their exact value, times by the instant,
// texts by their bytes.
func (m mark) compare(o mark) int {
	if m.kind != o.kind {
		return cmp.Compare(m.kind, o.kind)
	}
	switch m.kind {
	case numberMark:
		return m.number.compare(o.number)
	case timeMark:
		return m.time.at.Compare(o.time.at)
	default:
		return strings.Compare(m.text, o.text)
	}
}

// with is the mark of another text, of the same type in JSON. Where that would
// be of another kind, as before the year 0, the mark stays.
func (m mark) with(text string) mark {
	raw := text
	if strings.HasPrefix(m.raw, `"`) {
		raw = quoteJSON(text)
	}
	other, ok := newMark(gjson.Parse(raw))
	if !ok || other.kind != m.kind {
		return m
	}
	return other
}

// back returns the mark by lookback earlier, or without one by a unit of its
// last digit: an API that gives what is later than a time would else never give
// a second item of that very time. Texts have no such unit.
func (m mark) back(lookback time.Duration) (mark, error) {
	switch m.kind {
	case timeMark:
		return m.with(m.time.format(m.time.at.Add(-max(lookback, m.time.unit)))), nil
	case numberMark:
		return m.backNumber(lookback)
	}
	if lookback > 0 {
		return mark{}, fmt.Errorf("%w: %s", errLookback, shorten(m.text))
	}
	return m, nil
}

func (m mark) backNumber(lookback time.Duration) (mark, error) {
	n, plain := parsePlain(m.text)
	step := big.NewInt(1)
	if lookback > 0 {
		_, unit, ok := m.number.epoch()
		if !ok || !plain {
			return mark{}, fmt.Errorf("%w: %s", errLookback, shorten(m.text))
		}
		if by := n.of(lookback, unit); by.Sign() > 0 {
			step = by
		}
	}
	if !plain || n.value.Cmp(step) < 0 {
		return m, nil // There is nothing below zero to ask for.
	}
	n.value.Sub(n.value, step)
	return m.with(n.String()), nil
}

// instant is when a mark says it is; false where it is no time. Of a number
// nobody can know, but that it would be one of the last twenty years.
func (m mark) instant() (time.Time, bool) {
	switch m.kind {
	case timeMark:
		return m.time.at, true
	case numberMark:
		at, _, ok := m.number.epoch()
		return at, ok
	}
	return time.Time{}, false
}

// recent says whether a mark is a time of the last twenty years.
func (m mark) recent(now time.Time) bool {
	at, ok := m.instant()
	return ok && !at.After(now) && at.After(now.AddDate(-20, 0, 0))
}

// atMost returns now in the form of the mark, where the mark is later.
func (m mark) atMost(now time.Time) mark {
	at, ok := m.instant()
	if !ok || !at.After(now) {
		return m
	}
	if m.kind == timeMark {
		return m.with(m.time.format(now))
	}
	n, plain := parsePlain(m.text)
	_, unit, _ := m.number.epoch()
	if !plain {
		return m
	}
	seconds := plainNumber{scale: n.scale}
	n.value = seconds.of(time.Duration(now.UnixNano()), unit)
	return m.with(n.String())
}

// shorten cuts what an error quotes of an answer.
func shorten(text string) string {
	const most = 40
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}
