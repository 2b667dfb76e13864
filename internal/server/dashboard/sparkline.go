package dashboard

import (
	"fmt"
	"html/template"
	"strings"
)

const (
	sparkHeight = 20
	sparkStep   = 4
	sparkBar    = 3
)

// sparkline draws the changes of each of the last hours, the oldest first, as a
// row of bars. The highest bar is the hour with the most of them.
func sparkline(counts []int64) template.HTML {
	var total, most int64
	for _, n := range counts {
		total += n
		most = max(most, n)
	}
	var svg strings.Builder
	fmt.Fprintf(&svg, `<svg class="spark" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="%s">`,
		len(counts)*sparkStep, sparkHeight, len(counts)*sparkStep, sparkHeight, sparkLabel(total, most, len(counts)))
	for i, n := range counts {
		if n <= 0 {
			fmt.Fprintf(&svg, `<rect class="none" x="%d" y="%d" width="%d" height="1"/>`, i*sparkStep, sparkHeight-1, sparkBar)
			continue
		}
		// One change beside a thousand is still seen.
		height := 3 + float64(n)*(sparkHeight-3)/float64(most)
		fmt.Fprintf(&svg, `<rect x="%d" y="%.1f" width="%d" height="%.1f"/>`, i*sparkStep, sparkHeight-height, sparkBar, height)
	}
	svg.WriteString(`</svg>`)
	return template.HTML(svg.String()) //nolint:gosec // Nothing in it is of others: numbers, and words of ours.
}

func sparkLabel(total, most int64, hours int) string {
	switch total {
	case 0:
		return fmt.Sprintf("no changes in %d hours", hours)
	case 1:
		return fmt.Sprintf("1 change in %d hours", hours)
	default:
		return fmt.Sprintf("%d changes in %d hours, at most %d in one", total, hours, most)
	}
}
