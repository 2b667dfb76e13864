package config

import (
	"strconv"

	"github.com/pollwire/pollwire/internal/spelling"
)

// nearest returns the candidate that was probably meant, or "".
func nearest(word string, candidates []string) string {
	best, fewest := "", 0
	for _, c := range candidates {
		if letters, near := spelling.Near(word, c); near && (best == "" || letters < fewest) {
			best, fewest = c, letters
		}
	}
	return best
}

// didYouMean is the end of a sentence about a word that is not known.
func didYouMean(word string, candidates []string) string {
	if c := nearest(word, candidates); c != "" {
		return "; did you mean " + strconv.Quote(c) + "?"
	}
	return ""
}
