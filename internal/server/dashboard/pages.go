package dashboard

import (
	"net/http"

	"github.com/pollwire/pollwire/internal/server"
)

// page is one page of the dashboard.
type page struct {
	// pattern is the path that it answers, as http.ServeMux takes it.
	pattern string
	// section is the path of the entry of the navigation that it belongs to.
	section string
	// template is the name of its file in templates, without ".html".
	template string
	// look collects what it shows.
	look func(h *Handler, r *http.Request) (*view, error)
}

// view is what a page shows.
type view struct {
	// Title names the page, in its heading and in the browser's tab.
	Title string
	// Page is what the page's own template is given.
	Page any
}

// action is one thing that a form does.
type action struct {
	// pattern is the path that takes the form, as http.ServeMux takes it.
	pattern string
	// do does it. Its error is shown on the page that the form was sent from.
	do func(h *Handler, r *http.Request) (*done, error)
}

// done says what an action came to.
type done struct {
	// Message tells the reader.
	Message string
	// To is the path of the page that shows it; empty for the one that the form
	// names in its field "back", or else for the overview.
	To string
	// Bad says that the message is no good news.
	Bad bool
}

// section is an entry of the navigation.
type section struct {
	Path, Label, Icon string
}

// sections are the navigation.
func (h *Handler) sections() []section {
	list := []section{
		{"/", "Overview", "overview"},
		{"/sources", "Sources", "sources"},
		{"/events", "Events", "events"},
		{"/deliveries", "Deliveries", "deliveries"},
		{"/endpoints", "Endpoints", "endpoints"},
		{"/limits", "Limits", "limits"},
		{"/subscriptions", "Subscriptions", "subscriptions"},
	}
	if h.opts.Shared {
		list = append(list, section{nodesPath, "Nodes", "nodes"})
	}
	return list
}

// pages are all pages. A page is added here, with its template, and its entry
// of the navigation above.
func (h *Handler) pages() []page {
	list := []page{
		{"/login", "", loginTemplate, (*Handler).login},
		{"/{$}", "/", "overview", (*Handler).overview},
		{"/sources", "/sources", "sources", (*Handler).sources},
		{"/sources/{name}", "/sources", "source", (*Handler).source},
		{"/events", "/events", "events", (*Handler).events},
		{"/events/{id}", "/events", "event", (*Handler).event},
		{"/deliveries", "/deliveries", "deliveries", (*Handler).deliveries},
		{"/deliveries/{id}", "/deliveries", "delivery", (*Handler).delivery},
		{"/endpoints", "/endpoints", "endpoints", (*Handler).endpoints},
		{"/endpoints/{name}", "/endpoints", "endpoint", (*Handler).endpoint},
		{"/limits", "/limits", "limits", (*Handler).limits},
		{"/subscriptions", "/subscriptions", "subscriptions", (*Handler).subscriptions},
	}
	if h.opts.Shared {
		list = append(list, page{nodesPath, nodesPath, "nodes", (*Handler).nodes}, page{nodesPath + "/{id}", nodesPath, "node", (*Handler).node})
	}
	return list
}

// actions are all that forms do.
func actions() []action {
	return []action{
		{"/sources/{name}/poll", (*Handler).pollSource},
		{"/sources/{name}/pause", changeSource(server.PauseSource, "%s is paused: it is not polled until it is resumed.")},
		{"/sources/{name}/resume", changeSource(server.ResumeSource, "%s is polled again.")},
		{"/sources/{name}/accept", (*Handler).acceptRemoval},
		{"/deliveries/{id}/retry", (*Handler).retryDelivery},
		{"/endpoints/{name}/test", (*Handler).testEndpoint},
		{"/endpoints/{name}/replay", (*Handler).replayEndpoint},
		{"/endpoints/{name}/{change}", (*Handler).changeEndpoint},
		{"/subscriptions/{id}/end", (*Handler).endSubscription},
	}
}

// show answers with a page.
func (h *Handler) show(p page) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := p.look(h, r)
		if err != nil {
			h.fail(w, r, err)
			return
		}
		h.render(w, r, http.StatusOK, p, v)
	}
}
