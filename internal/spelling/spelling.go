// Package spelling says which of several words was probably meant by one that is
// none of them. It knows letters, and nothing of what the words are for.
package spelling

import "strings"

// far is more letters than a slip makes.
const far = 3

// Near returns how many letters must be inserted, removed, replaced or swapped with
// their neighbour to make name of word, and whether word was probably meant for it.
// Case and the signs between words do not count.
func Near(word, name string) (letters int, near bool) {
	if Squash(word) == Squash(name) {
		return 0, true
	}
	letters = distance(word, name)
	// A short word is a few letters away from any other short word.
	return letters, letters < far && 2*letters < len(name)
}

// Squash makes rateLimit, rate-limit and rate_limit one.
func Squash(word string) string {
	return strings.NewReplacer("_", "", "-", "", " ", "", ".", "").Replace(strings.ToLower(word))
}

// distance is that of Damerau and Levenshtein, in bytes; far where it is more.
func distance(a, b string) int {
	if abs(len(a)-len(b)) >= far {
		return far
	}
	before := make([]int, len(b)+1)
	above := make([]int, len(b)+1)
	row := make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			substitute := above[j]
			if a[i] != b[j] {
				substitute++
			}
			row[j+1] = min(row[j]+1, above[j+1]+1, substitute)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, above, row = above, row, before
	}
	return min(above[len(b)], far)
}

func abs(n int) int { return max(n, -n) }
