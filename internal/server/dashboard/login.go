package dashboard

import (
	"net/http"

	"github.com/pollwire/pollwire/internal/server"
)

// loginTemplate is that of the page to log in, which has no navigation.
const loginTemplate = "login"

// loginView is what the page to log in shows. The server takes its form.
type loginView struct {
	// Next is the page that it leads to, Problem why it did not.
	Next, Problem string
}

func (h *Handler) login(r *http.Request) (*view, error) {
	query := r.URL.Query()
	v := loginView{Next: server.LocalPath(query.Get("next"))}
	switch query.Get("problem") {
	case "wrong":
		v.Problem = "This is not the token. It is what server.token of the configuration says."
	case "wait":
		v.Problem = "Too many wrong tokens came from your address. Wait some seconds, then try again."
	}
	return &view{Title: "Log in", Page: v}, nil
}
