package daemon

import (
	"encoding/json"
	"time"

	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/poller"
)

// pagination is how the pages of a source follow each other, nil where it has one.
func pagination(s *config.Source) *poller.Pagination {
	c := &s.Pagination
	if c.IsZero() {
		return nil
	}
	p := &poller.Pagination{MaxPages: c.Most(), Newest: s.Items != nil && s.Items.Window == "newest"}
	place := func(in string) poller.Place { return poller.Place(s.Request.Place(in)) }
	switch {
	case c.HeaderLink != nil:
		p.Kind = poller.HeaderLink
	case c.JSONLink != nil:
		p.Kind, p.NextURLPath = poller.JSONLink, c.JSONLink.NextURLPath
	case c.Cursor != nil:
		p.Kind, p.In = poller.CursorParam, place(c.Cursor.In)
		p.CursorPath, p.CursorParam, p.HasMorePath = c.Cursor.CursorPath, c.Cursor.CursorParam, c.Cursor.HasMorePath
		p.FromLastItem = c.Cursor.CursorFrom == "last_item"
	case c.PageNumber != nil:
		p.Kind, p.In = poller.PageNumber, place(c.PageNumber.In)
		p.PageParam, p.BasePage, p.TotalPath = c.PageNumber.PageParam, c.PageNumber.BasePage, c.PageNumber.TotalPath
	case c.Offset != nil:
		p.Kind, p.In = poller.Offset, place(c.Offset.In)
		p.OffsetParam, p.LimitParam, p.Limit, p.TotalPath = c.Offset.OffsetParam, c.Offset.LimitParam, c.Offset.Limit, c.Offset.TotalPath
	}
	return p
}

// incremental is how a source asks for what is new, nil where it asks for all.
func incremental(s *config.Source) *poller.Incremental {
	c := s.Incremental
	if c == nil {
		return nil
	}
	return &poller.Incremental{
		CursorPath:   c.CursorPath,
		StartParam:   c.StartParam,
		InitialValue: c.InitialValue,
		Lookback:     time.Duration(c.Lookback),
		In:           poller.Place(s.Request.Place(c.In)),
		ID:           c.CursorType == "id",
	}
}

// pagingKey is the part of a request's key that paging makes: whatever decides
// which items a list has. How many come at a time, how many pages there may be,
// and from where a list that begins anew would start is no other list. It is
// empty for a source that is asked by one request, for all.
func pagingKey(s *poller.Source) string {
	if s.Pagination == nil && s.Incremental == nil {
		return ""
	}
	var p poller.Pagination
	if s.Pagination != nil {
		p = *s.Pagination
		p.MaxPages, p.Limit = 0, 0
	}
	var i poller.Incremental
	if s.Incremental != nil {
		i = *s.Incremental
		i.InitialValue, i.Lookback, i.ID = "", 0, false
	}
	key, err := json.Marshal([]any{p, i, s.Items})
	if err != nil {
		panic(err) // texts and numbers encode
	}
	return string(key)
}
