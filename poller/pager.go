package poller

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/pollwire/pollwire/internal/httpclient"
)

// maxNext bounds a cursor and a link to the next page, in bytes: no server takes
// a longer URL, and errors would have to be searched for all of it.
const maxNext = 32 << 10

// pager finds out where the next page of a poll is.
type pager struct {
	*Pagination
	// first is the target of the first page, from which others are made.
	first target
	// asked are the targets so far.
	asked map[[32]byte]bool
	// pages and items are how many came; last is the hash of the last page.
	pages, items int
	last         [32]byte
	columns      string
	// promised says that the last page told of the next one: without it the list
	// is not whole.
	promised bool
	// uncounted says that a cursor was no count of what came before it.
	uncounted bool
}

// newPager returns a pager and the target of the first page.
func newPager(p *Pagination, configured target) (*pager, target, error) {
	g := &pager{Pagination: p, asked: make(map[[32]byte]bool)}
	var err error
	switch p.Kind {
	case HeaderLink, JSONLink, CursorParam:
	case PageNumber:
		configured, err = configured.with(p.In, number(p.PageParam, p.BasePage))
	case Offset:
		configured, err = configured.with(p.In, g.window(0)...)
	default:
		err = fmt.Errorf("unknown kind of pagination %q", p.Kind)
	}
	if err != nil {
		return nil, target{}, err
	}
	g.first = configured
	g.asked[configured.sum()] = true
	return g, configured, nil
}

// reply is what a pager sees of the answer to one request.
type reply struct {
	sheet
	// url is where the answer came from, in the end.
	url    *url.URL
	header http.Header
	hash   [32]byte
}

var (
	errSamePage = errors.New("it is byte for byte the page before it")
	errLoop     = errors.New("it leads back to a page that was asked for already")
	errMaxPages = errors.New("there are more pages than pagination.max_pages allows")
)

// next returns the target of the next page; more is false where the list has
// come to its end.
func (g *pager) next(r *reply) (tg target, more bool, err error) {
	if g.pages > 0 && r.count > 0 && r.hash == g.last {
		return target{}, false, fmt.Errorf("%w: %s", errSamePage, g.whySame())
	}
	if g.pages > 0 && r.columns != g.columns {
		return target{}, false, fmt.Errorf("%w: its first line is not that of the first page", errNoList)
	}
	if !r.page.Exists() && (g.Kind == JSONLink || g.Kind == CursorParam || g.TotalPath != "") {
		return target{}, false, fmt.Errorf("%w: it is no JSON, in which pagination of type %s finds what it needs", errNoList, g.Kind)
	}
	g.pages++
	g.items += r.count
	g.last, g.columns = r.hash, r.columns
	g.promised = g.Kind == HeaderLink || g.Kind == JSONLink || g.TotalPath != ""
	tg, more, err = g.follow(r)
	if err != nil || !more {
		return target{}, false, err
	}
	sum := tg.sum()
	if g.asked[sum] {
		return target{}, false, fmt.Errorf("%w: the server goes round in a circle", errLoop)
	}
	g.asked[sum] = true
	return tg, true, nil
}

func (g *pager) follow(r *reply) (tg target, more bool, err error) {
	switch g.Kind {
	case HeaderLink:
		if href, ok := nextLink(r.header.Values("Link")); ok {
			return g.link(r.url, href)
		}
		return target{}, false, nil
	case JSONLink:
		return g.jsonLink(r)
	case CursorParam:
		return g.cursor(r)
	case PageNumber:
		return g.pageNumber(r)
	default:
		return g.offset(r)
	}
}

// whySame says what may be behind a page that came twice.
func (g *pager) whySame() string {
	if g.byNumber() && g.TotalPath == "" {
		return "the server does not know the parameter, or gives its last page for any that is beyond; pagination.total_path would say where the end is"
	}
	return "the server does not heed where it was asked to go on"
}

var errNextLink = errors.New("the link to the next page was not followed")

func (g *pager) jsonLink(r *reply) (target, bool, error) {
	next := r.page.Get(g.NextURLPath)
	switch {
	case isNothing(next):
		return target{}, false, nil
	case next.Type != gjson.String:
		return target{}, false, fmt.Errorf("%w: pagination.next_url_path %q leads to no text", errNextLink, g.NextURLPath)
	}
	return g.link(r.url, next.Str)
}

// link returns the target that a link in an answer leads to.
func (g *pager) link(from *url.URL, href string) (target, bool, error) {
	u, err := linkTarget(g.first.url, from, href)
	if err != nil {
		return target{}, false, fmt.Errorf("%w: %w", errNextLink, err)
	}
	return target{url: u, body: g.first.body}, true, nil
}

var errNoAddress = errors.New("it is no http or https url")

// linkTarget returns where a link in an answer leads. own is the address of the
// source, from that of the answer.
//
// Credentials go only where they were meant for: to the configured scheme, host
// and port. Two exceptions do them no harm. A link from http to https of the same
// host is followed. One from https to http of the same host, as servers behind a
// proxy write it, is asked for by https.
func linkTarget(own, from *url.URL, href string) (*url.URL, error) {
	if len(href) > maxNext {
		return nil, fmt.Errorf("it has %d bytes, more than %d", len(href), maxNext)
	}
	u, err := from.Parse(strings.TrimSpace(href))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errNoAddress
	}
	// Credentials of a server's choosing are not ours to send.
	u.User, u.Fragment, u.RawFragment = nil, "", ""
	if !sameOrigin(own, u) && strings.EqualFold(own.Hostname(), u.Hostname()) && usualPort(own) && usualPort(u) {
		u.Scheme, u.Host = "https", u.Hostname()
		if strings.Contains(u.Host, ":") {
			u.Host = "[" + u.Host + "]"
		}
	} else if !sameOrigin(own, u) {
		return nil, fmt.Errorf("it leads from %s to %s, where the credentials of this source must not go; set request.url to that host if it is the right one",
			originOf(own), originOf(u))
	}
	return u, nil
}

// usualPort says whether a URL has the port of its scheme.
func usualPort(u *url.URL) bool {
	return u.Scheme == "https" && port(u) == "443" || u.Scheme == "http" && port(u) == "80"
}

func originOf(u *url.URL) string {
	return httpclient.RedactURL(&url.URL{Scheme: u.Scheme, Host: u.Host})
}

var errCursor = errors.New("there is no cursor to go on with")

func (g *pager) cursor(r *reply) (target, bool, error) {
	hasMore, said, err := g.hasMore(r)
	if err != nil || said && !hasMore {
		return target{}, false, err
	}
	g.promised = hasMore
	if g.FromLastItem {
		return g.afterLast(r, hasMore)
	}
	value := r.page.Get(g.CursorPath)
	// Where a cursor is a number or its digits, zero is the end: the beginning is
	// no place to go on from.
	if isNothing(value) || value.Type == gjson.Number && value.Num == 0 || value.Str == "0" {
		if said {
			return target{}, false, fmt.Errorf("%w: has_more_path %q says that there is more, but cursor_path %q leads to nothing", errCursor, g.HasMorePath, g.CursorPath)
		}
		return target{}, false, nil
	}
	return g.after(value)
}

// afterLast goes on after the last item of a page.
func (g *pager) afterLast(r *reply, hasMore bool) (target, bool, error) {
	if r.count == 0 {
		if hasMore {
			return target{}, false, fmt.Errorf("%w: has_more_path %q says that there is more, but the page is empty", errCursor, g.HasMorePath)
		}
		return target{}, false, nil
	}
	value := r.last().Get(g.CursorPath)
	if isNothing(value) {
		return target{}, false, fmt.Errorf("%w: cursor_path %q leads to nothing in the last item", errCursor, g.CursorPath)
	}
	return g.after(value)
}

func (g *pager) after(cursor gjson.Result) (target, bool, error) {
	if len(cursor.Raw) > maxNext {
		return target{}, false, fmt.Errorf("%w: cursor_path %q leads to %d bytes, more than %d", errCursor, g.CursorPath, len(cursor.Raw), maxNext)
	}
	if cursor.Type == gjson.JSON && g.In != InBody {
		return target{}, false, fmt.Errorf("%w: cursor_path %q leads to no text or number", errCursor, g.CursorPath)
	}
	g.uncounted = g.uncounted || !g.counts(cursor)
	tg, err := g.first.with(g.In, param{g.CursorParam, strings.Clone(cursor.Raw)})
	return tg, err == nil, err
}

// counts says whether a cursor is the number of the next page, or of the items
// so far.
func (g *pager) counts(cursor gjson.Result) bool {
	n, err := strconv.Atoi(cursor.String())
	return err == nil && !g.FromLastItem && (n == g.pages || n == g.pages+1 || n == g.items)
}

// shifts says whether items may have been passed over while others were removed
// before them: the pages are counted, or their cursors do nothing but count.
func (g *pager) shifts() bool {
	return g.byNumber() || g.Kind == CursorParam && g.pages > 1 && !g.uncounted
}

// hasMore reads what the page says about more; said is false where it is silent.
func (g *pager) hasMore(r *reply) (more, said bool, err error) {
	if g.HasMorePath == "" {
		return false, false, nil
	}
	switch value := r.page.Get(g.HasMorePath); {
	case !value.Exists() || value.Type == gjson.Null:
		return false, false, nil
	case value.Raw == "true" || value.Str == "true" || value.Raw == "1" || value.Str == "1":
		return true, true, nil
	case value.Raw == "false" || value.Str == "false" || value.Raw == "0" || value.Str == "0":
		return false, true, nil
	}
	return false, false, fmt.Errorf("%w: has_more_path %q leads to neither true nor false", errCursor, g.HasMorePath)
}

var errTotal = errors.New("the end of the list is not known")

func (g *pager) pageNumber(r *reply) (target, bool, error) {
	if g.TotalPath == "" && r.count == 0 {
		return target{}, false, nil
	}
	if g.TotalPath != "" {
		total, err := g.total(r)
		if err != nil || g.pages >= total {
			return target{}, false, err
		}
		if !g.Newest && total > g.maxPages() {
			return target{}, false, g.tooMany(total)
		}
	}
	tg, err := g.first.with(g.In, number(g.PageParam, g.BasePage+g.pages))
	return tg, err == nil, err
}

// offset goes on after as many items as came: where a server gives fewer than it
// was asked for, none is passed over.
func (g *pager) offset(r *reply) (target, bool, error) {
	if g.TotalPath == "" && r.count == 0 {
		return target{}, false, nil
	}
	if g.TotalPath != "" {
		total, err := g.total(r)
		switch {
		case err != nil || g.items >= total:
			return target{}, false, err
		case r.count == 0:
			return target{}, false, fmt.Errorf("%w: the page is empty after %d items, but total_path %q says %d; without total_path the empty page is the end",
				errTotal, g.items, g.TotalPath, total)
		}
		if most := g.pages + (total-g.items-1)/max(g.Limit, r.count) + 1; !g.Newest && most > g.maxPages() {
			return target{}, false, g.tooMany(most)
		}
	}
	tg, err := g.first.with(g.In, g.window(g.items)...)
	return tg, err == nil, err
}

// total reads how many pages or items the page says there are.
func (g *pager) total(r *reply) (int, error) {
	value := r.page.Get(g.TotalPath)
	text := value.Raw
	if value.Type == gjson.String {
		text = value.Str
	}
	total, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("%w: total_path %q leads to no number", errTotal, g.TotalPath)
	}
	return int(total), nil
}

// tooMany says that a poll would take more pages than it may.
func (g *pager) tooMany(pages int) error {
	wanted := ""
	if pages > 0 {
		wanted = fmt.Sprintf(", it takes %d", pages)
	}
	return fmt.Errorf("%w (%d)%s: raise it, ask for larger pages, or set items.window: newest where the first pages will do", errMaxPages, g.maxPages(), wanted)
}

// window are the parameters of a page that begins at an item.
func (g *pager) window(offset int) []param {
	params := []param{number(g.OffsetParam, offset)}
	if g.LimitParam != "" {
		params = append(params, number(g.LimitParam, g.Limit))
	}
	return params
}

func number(name string, value int) param { return param{name, strconv.Itoa(value)} }

// isNothing says whether a value stands for none.
func isNothing(value gjson.Result) bool {
	return !value.Exists() || value.Type == gjson.Null || value.Type == gjson.False || value.Type == gjson.String && value.Str == ""
}

// sum tells targets apart.
func (tg target) sum() [32]byte {
	return sha256.Sum256(bytes.Join([][]byte{[]byte(tg.url.String()), tg.body}, []byte{0}))
}
