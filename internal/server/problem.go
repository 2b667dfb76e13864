package server

import (
	"fmt"
	"net/http"
)

// Problem is an error as a client sees it: problem details (RFC 9457). Its
// media type is application/problem+json.
type Problem struct {
	Type     string `json:"type" doc:"about:blank: the status says what kind of problem it is."`
	Title    string `json:"title" doc:"The status in words."`
	Status   int    `json:"status" doc:"The HTTP status code."`
	Detail   string `json:"detail" doc:"What went wrong this time, and the way out where there is one."`
	Instance string `json:"instance" doc:"The path of the request, without its query."`
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
