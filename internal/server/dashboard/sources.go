package dashboard

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pollwire/pollwire/internal/server"
)

// sourcesPerPage is how many sources a page lists.
const sourcesPerPage = 50

// sourceQuery is what a reader wants to see of the sources.
type sourceQuery struct {
	// Text are words that a name, a request, a limit or a node must have.
	Text string
	// State chooses a state, empty for all; Sort is one of sourceOrders.
	State, Sort string
	// Page counts from 1.
	Page int
}

// readSourceQuery reads the query of an address. What makes no sense is left out:
// an address that somebody kept should show something.
func readSourceQuery(values url.Values) sourceQuery {
	q := sourceQuery{Text: strings.TrimSpace(values.Get("q")), State: values.Get("state"), Sort: values.Get("sort"), Page: 1}
	if _, ok := sourceOrders[q.Sort]; !ok {
		q.Sort = "name"
	}
	if n, err := strconv.Atoi(values.Get("page")); err == nil && n > 1 {
		q.Page = n
	}
	return q
}

// address is where the page is that answers the query.
func (q sourceQuery) address() string {
	values := make(url.Values)
	for name, value := range map[string]string{"q": q.Text, "state": q.State} {
		if value != "" {
			values.Set(name, value)
		}
	}
	if q.Sort != "name" {
		values.Set("sort", q.Sort)
	}
	if q.Page > 1 {
		values.Set("page", strconv.Itoa(q.Page))
	}
	if len(values) == 0 {
		return "/sources"
	}
	return "/sources?" + values.Encode()
}

// sourceOrders are the orders of the list. Names decide between equals.
var sourceOrders = map[string]func(a, b *server.Source) int{
	"name":    func(_, _ *server.Source) int { return 0 },
	"last":    func(a, b *server.Source) int { return compareTimes(lastPoll(b), lastPoll(a)) },
	"next":    func(a, b *server.Source) int { return compareTimes(a.NextRun, b.NextRun) },
	"changes": func(a, b *server.Source) int { return cmp.Compare(totalChanges(b), totalChanges(a)) },
	"latency": func(a, b *server.Source) int { return cmp.Compare(latency(b), latency(a)) },
}

func lastPoll(s *server.Source) *time.Time {
	if s.LastPoll == nil {
		return &time.Time{} // the oldest of all
	}
	return &s.LastPoll.At
}

func latency(s *server.Source) int64 {
	if s.LastPoll == nil {
		return -1
	}
	return s.LastPoll.DurationMS
}

func totalChanges(s *server.Source) (total int64) {
	for _, n := range s.Changes {
		total += n
	}
	return total
}

// sourcesView is what the list of sources shows.
type sourcesView struct {
	Query   sourceQuery
	Filters []filter
	Columns []column
	Sources []*server.Source
	Pager   pager
	// Total is how many there are in all.
	Total int
}

// filter is a link that chooses a part of a list; template "filters".
type filter struct {
	Label, Address string
	Count          int
	Current        bool
}

// column is the head of a column by which a list can be sorted; template
// "columns".
type column struct {
	Label, Class, Address string
	// Order is the value of aria-sort; empty where the list has another order.
	Order string
}

func (h *Handler) sources(r *http.Request) (*view, error) {
	all, err := h.opts.Controller.Sources(r.Context())
	if err != nil {
		return nil, fmt.Errorf("look at sources: %w", err)
	}
	q := readSourceQuery(r.URL.Query())
	found := q.search(all)
	v := &sourcesView{Query: q, Total: len(all), Filters: q.filters(found), Columns: q.columns(h.opts.Shared)}
	if q.State != "" {
		found = slices.DeleteFunc(found, func(s *server.Source) bool { return string(s.State) != q.State })
	}
	order := sourceOrders[q.Sort]
	slices.SortFunc(found, func(a, b *server.Source) int { return cmp.Or(order(a, b), strings.Compare(a.Name, b.Name)) })
	v.Sources, v.Pager = cut(found, sourcesPerPage, q.Page, "Pages of sources", q.at)
	return &view{Title: "Sources", Page: v}, nil
}

// search returns the sources that have all words of the query.
func (q sourceQuery) search(all []server.Source) []*server.Source {
	words := strings.Fields(strings.ToLower(q.Text))
	found := make([]*server.Source, 0, len(all))
	for i := range all {
		s := &all[i]
		if len(words) > 0 {
			text := strings.ToLower(s.Name + " " + s.Request + " " + s.Limit + " " + s.Node)
			if slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(text, word) }) {
				continue
			}
		}
		found = append(found, s)
	}
	return found
}

// filters are the states that were found, with how many each has.
func (q sourceQuery) filters(found []*server.Source) []filter {
	counts := make(stateCounts)
	for _, s := range found {
		counts[s.State]++
	}
	all := filter{Label: "all", Count: len(found), Current: q.State == ""}
	q.Page = 1
	current := q.State
	q.State = ""
	all.Address = q.address()
	filters := []filter{all}
	for _, state := range []server.SourceState{server.SourceFailing, server.SourceOK, server.SourceNew, server.SourcePaused, server.SourceDisabled} {
		if counts[state] == 0 && current != string(state) {
			continue
		}
		q.State = string(state)
		filters = append(filters, filter{Label: q.State, Address: q.address(), Count: counts[state], Current: current == q.State})
	}
	return filters
}

// columns are the heads of the table.
func (q sourceQuery) columns(shared bool) []column {
	head := func(label, class, sort, order string) column {
		by := q
		by.Sort, by.Page = sort, 1
		c := column{Label: label, Class: class, Address: by.address()}
		if q.Sort == sort {
			c.Order = order
		}
		return c
	}
	last := column{Label: "Limit", Class: "wide"}
	if shared {
		last.Label = "Limit, node"
	}
	return []column{
		{Label: "State"},
		head("Source", "", "name", "ascending"),
		{Label: "Schedule", Class: "wide"},
		head("Last poll", "wide", "last", "descending"), head("Took", "wide num", "latency", "descending"),
		head("Next poll", "num", "next", "ascending"), head("Changes, 24 h", "wide", "changes", "descending"),
		last,
	}
}

// at is the address of a page of the list.
func (q sourceQuery) at(page int) string {
	q.Page = page
	return q.address()
}
