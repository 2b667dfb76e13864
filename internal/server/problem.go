package server

import (
	"fmt"
	"net/http"
)

// Problem is an error as a client sees it: problem details (RFC 9457). Its
// media type is application/problem+json.
type Problem struct {
	// Type is "about:blank": the status says what kind of problem it is.
	Type string `json:"type"`
	// Title is the status in words.
	Title  string `json:"title"`
	Status int    `json:"status"`
	// Detail says what went wrong this time, and the way out where there is one.
	Detail string `json:"detail"`
	// Instance is the path of the request, without its query.
	Instance string `json:"instance"`
}

// problemType is the media type of a Problem.
const problemType = "application/problem+json"

// Error is the detail, which says all that the other members do.
func (p *Problem) Error() string {
	if p.Detail == "" {
		return fmt.Sprintf("%d %s", p.Status, p.Title)
	}
	return p.Detail
}

// writeProblem answers with a problem. Headers that the status asks for, such
// as Allow, are set by the caller.
func writeProblem(w http.ResponseWriter, r *http.Request, status int, detail string) {
	w.Header().Set("Content-Type", problemType)
	write(w, status, &Problem{
		Type:     "about:blank",
		Title:    http.StatusText(status),
		Status:   status,
		Detail:   detail,
		Instance: r.URL.EscapedPath(),
	})
}
