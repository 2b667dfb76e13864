package poller

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/pollwire/pollwire/diff"
)

// errNoList says that a page has no list in it, so that it is not the end of one.
var errNoList = errors.New("the page is no list")

// sheet is a page, as far as one must look into it to find the next one.
type sheet struct {
	// page is the whole page, in JSON or read as it; it does not exist of a CSV, whose columns
	// are its first line.
	page    gjson.Result
	columns string
	// all are the items before a query in the path chooses among them: a page of
	// which nothing is chosen is not empty. chosen are those that are left.
	all, chosen gjson.Result
	count       int
}

// newSheet looks into a page.
func newSheet(o *Observation, s *Source) (sheet, error) {
	body := bytes.TrimPrefix(o.Body, []byte("\uFEFF"))
	switch format := cmp.Or(s.Format, diff.FormatOf(o.ContentType, body, true)); format {
	case diff.CSV:
		columns, count := rows(body)
		return sheet{columns: columns, count: count}, nil
	case diff.XML, diff.NDJSON:
		var err error
		if body, err = inJSON(body, format, s.Items); err != nil {
			return sheet{}, err
		}
	}
	if !gjson.ValidBytes(body) {
		return sheet{}, fmt.Errorf("%w: it is no valid JSON", errNoList)
	}
	items := cmp.Or(s.Items, "@this")
	sh := sheet{page: gjson.ParseBytes(body)}
	var err error
	if sh.chosen, err = sh.list(items); err != nil {
		return sheet{}, err
	}
	sh.all = sh.chosen
	if whole := beforeQuery(items); whole != items {
		if sh.all, err = sh.list(whole); err != nil {
			return sheet{}, err
		}
	}
	sh.all.ForEach(func(_, _ gjson.Result) bool {
		sh.count++
		return true
	})
	return sh, nil
}

// inJSON is a page of another format in JSON, as it is when it is compared.
func inJSON(body []byte, format diff.Format, items string) ([]byte, error) {
	// Which path identifies an item does not matter here.
	rules, err := diff.Compile(diff.Options{Format: format, Items: &diff.Items{Path: items, Key: []string{"id"}}})
	if err != nil {
		return nil, fmt.Errorf("read a page in %s: %w", format, err)
	}
	page, err := rules.JSON(body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoList, err)
	}
	return page, nil
}

func (sh *sheet) list(path string) (gjson.Result, error) {
	list := sh.page.Get(path)
	switch {
	case !list.Exists():
		return list, fmt.Errorf("%w: items.path %q leads to nothing", errNoList, path)
	case !list.IsArray():
		return list, fmt.Errorf("%w: items.path %q leads to no array", errNoList, path)
	}
	return list, nil
}

// last returns the last item of the page.
func (sh *sheet) last() (item gjson.Result) {
	sh.all.ForEach(func(_, each gjson.Result) bool {
		item = each
		return true
	})
	return item
}

// beforeQuery is a path up to the query that chooses among the elements of a
// list, such as data for data.#(state=="open")#.
func beforeQuery(path string) string {
	if strings.HasPrefix(path, "#(") {
		return "@this"
	}
	for i := 0; i < len(path); i++ {
		switch rest := path[i:]; {
		case rest[0] == '\\':
			i++
		case strings.HasPrefix(rest, ".#("), strings.HasPrefix(rest, "|#("):
			return path[:i]
		}
	}
	return path
}

// rows counts the rows of a CSV below its first line, and returns that: its
// lines are those that are not blank, of which quotes can make one of several.
func rows(body []byte) (columns string, count int) {
	start, lines, quoted := 0, 0, false
	line := func(end int) {
		text := bytes.TrimSpace(body[start:end])
		start = end
		if len(text) == 0 {
			return
		}
		if lines++; lines == 1 {
			columns = string(text)
		}
	}
	for i, c := range body {
		switch {
		case c == '"':
			quoted = !quoted
		case c == '\n' && !quoted:
			line(i)
		}
	}
	line(len(body))
	return columns, max(0, lines-1)
}
