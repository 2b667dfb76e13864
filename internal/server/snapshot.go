package server

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/pollwire/pollwire/diff"
)

// SnapshotQuery says which page of which snapshot is asked for.
type SnapshotQuery struct {
	Source string
	// Version is that of the snapshot, 0 for the last one.
	Version int64
	// Page is counted from 1.
	Page int
}

// Snapshot is a page of an accepted answer, as it came.
type Snapshot struct {
	Version int64
	At      time.Time
	Format  diff.Format
	// Pages is how many pages the answer has.
	Pages int
	Body  []byte
}

const (
	// maxVersion and maxPage bound what can be asked for.
	maxVersion = 1<<31 - 1
	maxPage    = 1<<31 - 1
	// snapshotTimeout is for how long a client may take to read a page.
	snapshotTimeout = 5 * time.Minute
)

// snapshot answers with a page of an accepted answer: the bytes that came.
func (s *Server) snapshot(w http.ResponseWriter, r *http.Request) {
	p := parameters(r)
	q := SnapshotQuery{
		Source: r.PathValue("name"), Version: int64(p.number("version", 0, maxVersion)), Page: p.number("page", 1, maxPage),
	}
	if bad := p.bad(); bad != "" {
		writeProblem(w, r, http.StatusBadRequest, bad)
		return
	}
	snapshot, err := s.opts.Controller.Snapshot(r.Context(), q)
	if err != nil {
		s.fail(w, r, err, noSource(q.Source))
		return
	}
	h := w.Header()
	h.Set("Content-Type", snapshotType(snapshot.Format))
	h.Set("Content-Length", strconv.Itoa(len(snapshot.Body)))
	h.Set("Last-Modified", snapshot.At.UTC().Format(http.TimeFormat))
	h.Set("Pollwire-Version", strconv.FormatInt(snapshot.Version, 10))
	h.Set("Pollwire-Format", string(snapshot.Format))
	h.Set("Pollwire-Pages", strconv.Itoa(snapshot.Pages))
	if q.Page < snapshot.Pages {
		next := url.Values{"version": {strconv.FormatInt(snapshot.Version, 10)}, "page": {strconv.Itoa(q.Page + 1)}}
		h.Set("Link", fmt.Sprintf(`<%s?%s>; rel="next"`, r.URL.EscapedPath(), next.Encode())) // RFC 8288
	}
	// What an upstream sent must not act as a page of ours, whatever is in it.
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(snapshotTimeout)) // writers of tests have none
	_, _ = w.Write(snapshot.Body)                                                       // a client that has gone away is no error of ours
}

// snapshotType is the media type of an answer as it is kept, in UTF-8.
func snapshotType(format diff.Format) string {
	switch format {
	case diff.JSON:
		return "application/json"
	case diff.NDJSON:
		return "application/x-ndjson"
	case diff.XML:
		return "application/xml; charset=utf-8"
	case diff.CSV:
		return "text/csv; charset=utf-8"
	default:
		return "text/plain; charset=utf-8"
	}
}
