package dashboard

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// turns are the characters that change the direction of the text behind them
// (Unicode Standard Annex 9, section 2). What they turn round does not read as it
// is: a change could pass for another one.
const turns = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"

// legible shows what turns text round as JSON would escape it, and leaves all
// else as it is: also text that runs from right to left by itself.
func legible(text string) string {
	if !strings.ContainsAny(text, turns) {
		return text
	}
	var out strings.Builder
	for _, r := range text {
		if strings.ContainsRune(turns, r) {
			fmt.Fprintf(&out, `\u%04x`, r)
		} else {
			out.WriteRune(r)
		}
	}
	return out.String()
}

// headline is what an event is about: the key of its item, or its source where it
// has none. A key in which nothing can be seen is quoted, so that there is
// something to follow.
func headline(subject, source string) string {
	if subject == "" {
		return source
	}
	seen := func(r rune) bool { return unicode.IsPrint(r) && !unicode.IsSpace(r) }
	if !strings.ContainsFunc(subject, seen) {
		return strconv.QuoteToASCII(subject)
	}
	return legible(subject)
}
