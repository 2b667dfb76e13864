package config

import (
	"net/url"
	"strings"
)

// Place is where a parameter of pagination or incremental goes, given what its
// key in says: into the query, or into the body of a request that has one in JSON.
func (r *Request) Place(in string) string {
	switch {
	case in != "":
		return in
	case r.JSON.Reveal() != "" || r.GraphQL != nil:
		return "body"
	default:
		return "query"
	}
}

// pagination checks how the pages of a source follow each other.
func (v *validator) pagination(at place, s *Source) {
	p, ok := v.written(at, "pagination")
	if !ok || s.Pagination.IsZero() {
		return
	}
	switch {
	case s.Format == "text":
		v.add(p, "pages are those of a list, which a text has not: remove it, or set format: json, ndjson, xml or csv")
		return
	case s.Items == nil:
		v.add(p, "pages are those of a list: add items, such as items: {path: data, key: id}")
	}
	g := &s.Pagination
	switch {
	case g.JSONLink != nil:
		v.inJSON(p, s, "type")
		v.writtenGJSON(p, "next_url_path", g.JSONLink.NextURLPath)
	case g.Cursor != nil:
		v.inJSON(p, s, "type")
		v.writtenGJSON(p, "cursor_path", g.Cursor.CursorPath)
		v.writtenGJSON(p, "has_more_path", g.Cursor.HasMorePath)
		v.param(p, s, "cursor_param", g.Cursor.CursorParam, g.Cursor.In)
	case g.PageNumber != nil:
		v.inJSON(p, s, "total_path")
		v.writtenGJSON(p, "total_path", g.PageNumber.TotalPath)
		v.param(p, s, "page_param", g.PageNumber.PageParam, g.PageNumber.In)
	case g.Offset != nil:
		v.inJSON(p, s, "total_path")
		v.offset(p, s, g.Offset)
	}
}

func (v *validator) offset(at place, s *Source, o *Offset) {
	v.writtenGJSON(at, "total_path", o.TotalPath)
	v.param(at, s, "offset_param", o.OffsetParam, o.In)
	param, hasParam := v.written(at, "limit_param")
	limit, hasLimit := v.written(at, "limit")
	switch {
	case hasParam && hasLimit:
		v.param(at, s, "limit_param", o.LimitParam, o.In)
		if o.LimitParam == o.OffsetParam {
			v.add(param, "offset_param is %s too: these are two parameters", param.quote(o.LimitParam))
		}
	case hasParam:
		v.add(param, "limit is missing: say how many items to ask for at a time, such as limit: 100")
	case hasLimit:
		v.add(limit, "limit_param is missing: say which parameter takes it, such as limit_param: limit")
	}
}

// incremental checks how a source asks for what is new. A list that is asked for
// so shows the newest items only.
func (v *validator) incremental(at place, s *Source) {
	p, ok := v.written(at, "incremental")
	if !ok || s.Incremental == nil {
		return
	}
	i := s.Incremental
	v.writtenGJSON(p, "cursor_path", i.CursorPath)
	v.param(p, s, "start_param", i.StartParam, i.In)
	if start, ok := v.written(p, "start_param"); ok && s.Request.Place(i.In) == s.Request.Place(s.Pagination.in()) {
		for _, taken := range s.Pagination.params() {
			if taken == i.StartParam {
				v.add(start, "pagination takes the parameter %s too: these are two parameters", start.quote(taken))
			}
		}
	}
	if lookback, ok := v.written(p, "lookback"); ok && i.CursorType == "id" && i.Lookback > 0 {
		v.add(lookback, "an id is no time that lookback could be taken off: remove lookback, or cursor_type: id")
	}
	switch {
	case s.Format == "text" || s.Format == "csv":
		v.add(p, "what is new is found in items in JSON, or in what is read as it: remove it, or set format: json, ndjson or xml")
	case s.Items == nil:
		v.add(p, "what is new is found in the items of a list: add items, such as items: {path: data, key: id}")
	default:
		if window, ok := v.writtenPath(at, "items.window"); ok && s.Items.Window == "complete" {
			v.add(window, "an incremental source is given only what is new, so that its list is never complete: remove the window, or incremental")
		}
		s.Items.Window = "newest"
	}
}

// in is what the key in of pagination says.
func (p *Pagination) in() string {
	switch {
	case p.Cursor != nil:
		return p.Cursor.In
	case p.PageNumber != nil:
		return p.PageNumber.In
	case p.Offset != nil:
		return p.Offset.In
	}
	return ""
}

// params are the parameters that pagination sets.
func (p *Pagination) params() []string {
	switch {
	case p.Cursor != nil:
		return []string{p.Cursor.CursorParam}
	case p.PageNumber != nil:
		return []string{p.PageNumber.PageParam}
	case p.Offset != nil:
		return []string{p.Offset.OffsetParam, p.Offset.LimitParam}
	}
	return nil
}

// inJSON refuses, of a CSV, what is found in JSON.
func (v *validator) inJSON(at place, s *Source, key string) {
	if p, ok := v.written(at, key); ok && s.Format == "csv" {
		v.add(p, "a CSV has no such place to look: use header_link, or page_number or offset without total_path")
	}
}

// param checks a parameter that polls set themselves.
func (v *validator) param(at place, s *Source, key, name, in string) {
	p, ok := v.written(at, key)
	if !ok {
		return
	}
	if name == "" {
		v.add(p, "it is empty")
		return
	}
	if s.Request.GraphQL != nil && s.Request.Place(in) == "body" {
		if !strings.HasPrefix(name, "variables.") {
			v.add(p, "%s: a parameter of a GraphQL query is one of its variables: write variables.%s", p.quote(name), name)
		}
		return
	}
	if s.Request.Place(in) == "body" {
		if where, ok := v.written(at, "in"); ok && !strings.HasPrefix(s.Request.JSON.Reveal(), "{") {
			v.add(where, "there is no request.json that %s could go into: add it, or set in: query", p.quote(name))
		} else if !ok && !strings.HasPrefix(s.Request.JSON.Reveal(), "{") {
			v.add(p, "request.json is no mapping that %s could go into: set in: query", p.quote(name))
		}
		return
	}
	if _, ok := s.Request.Params[name]; ok {
		v.add(p, "request.params has %s too, which is set for each request: remove it there", p.quote(name))
	}
	if u, err := url.Parse(s.Request.URL.Reveal()); err == nil && u.Query().Has(name) {
		v.add(p, "request.url has the parameter %s too, which is set for each request: remove it there", p.quote(name))
	}
	if key := s.Auth.APIKey; key != nil && key.In == "query" && key.Name == name {
		v.add(p, "auth sends the parameter %s too: these are two parameters", p.quote(name))
	}
}
