package dashboard

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"time"

	"github.com/pollwire/pollwire/internal/server"
)

// writeTimeout is how long a client may take to read a page.
const writeTimeout = 30 * time.Second

//go:embed templates/*.html
var templates embed.FS

// frame is what stands around a page, and the page.
type frame struct {
	*view
	Sections []section
	// Section is the path of the current one; empty for none.
	Section string
	Version string
	// Session says that the reader has logged in, and can log out.
	Session bool
	Flash   *flash
	// Now is the daemon's time, as relative times count from.
	Now time.Time
	// Live says that the page is kept up to date.
	Live bool
}

// parse reads the templates: each page with the frame and the components.
func (h *Handler) parse() map[string]*template.Template {
	common := template.Must(template.New("layout.html").Funcs(h.functions()).ParseFS(templates, "templates/layout.html", "templates/components.html", "templates/part-*.html"))
	views := make(map[string]*template.Template)
	for _, p := range append(h.pages(), problemPage) {
		views[p.template] = template.Must(template.Must(common.Clone()).ParseFS(templates, "templates/"+p.template+".html"))
	}
	return views
}

// render answers with a page. It is made as a whole before the answer begins, so
// that none is half there.
func (h *Handler) render(w http.ResponseWriter, r *http.Request, status int, p page, v *view) {
	f := &frame{
		view: v, Sections: h.sections(), Section: p.section, Version: h.opts.Version,
		Session: server.HasSession(r), Flash: takeFlash(w, r), Now: time.Now().UTC(), Live: p.section != "",
	}
	if p.template == loginTemplate {
		f.Sections = nil
	}
	var buf bytes.Buffer
	if err := h.views[p.template].Execute(&buf, f); err != nil {
		panic(fmt.Errorf("render %s: %w", p.template, err))
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	// A client that does not read holds the handler no longer than this. Writers
	// of tests have no deadlines.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
	w.WriteHeader(status)
	_, _ = w.Write(buf.Bytes()) // A client that has gone away is no error of ours.
}

// problemPage says why there is no other page.
var problemPage = page{template: "problem"}

// problemView is what the problem page shows.
type problemView struct {
	Status int
	Detail string
}

// problem answers with a page that says what is wrong.
func (h *Handler) problem(w http.ResponseWriter, r *http.Request, status int, detail string) {
	h.render(w, r, status, problemPage, &view{Title: http.StatusText(status), Page: problemView{status, detail}})
}

// Shared says that other nodes may share the database.
func (f *frame) Shared() bool { return f.Has(nodesPath) }

// Has says whether there is a page of a path in the navigation.
func (f *frame) Has(path string) bool {
	return slices.ContainsFunc(f.Sections, func(s section) bool { return s.Path == path })
}
