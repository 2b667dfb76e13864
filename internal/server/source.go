package server

import (
	"encoding/json"
	"net/http"
	"time"
)

// SourceState is how a source stands, in one word.
type SourceState string

// The states of a source.
const (
	// SourceOK sources were answered the last time, SourceNew ones never yet.
	SourceOK  SourceState = "ok"
	SourceNew SourceState = "new"
	// SourceFailing sources gave no observation the last time.
	SourceFailing SourceState = "failing"
	// SourcePaused sources are held back by the operator, SourceDisabled ones by
	// the configuration.
	SourcePaused   SourceState = "paused"
	SourceDisabled SourceState = "disabled"
)

// Source is how a source stands, as the API tells it.
type Source struct {
	Name         string      `json:"name" doc:"Its name."`
	State        SourceState `json:"state" doc:"How it stands, in one word: new ones were never answered yet, disabled ones are so by the configuration."`
	Request      string      `json:"request" doc:"The method and the URL of its request, secrets and the values of the query left out."`
	Schedule     string      `json:"schedule" doc:"When it is polled, as it is configured."`
	Limit        string      `json:"limit,omitempty" doc:"The rate limit that it shares; missing where it has none."`
	Reason       string      `json:"reason,omitempty" doc:"Why it is failing."`
	Failures     int         `json:"failures" doc:"How many polls in a row failed."`
	FailingSince *time.Time  `json:"failing_since,omitempty" doc:"When the first of them did."`
	Paused       bool        `json:"paused" doc:"The operator paused it."`
	PausedSince  *time.Time  `json:"paused_since,omitempty" doc:"When the operator did."`
	HeldUntil    *time.Time  `json:"held_until,omitempty" doc:"Until when it is left alone, as its server asked for."`
	Polling      bool        `json:"polling" doc:"A poll is under way."`
	Waiting      bool        `json:"waiting" doc:"A poll is due and waits for its limit or for others."`
	NextRun      *time.Time  `json:"next_run,omitempty" doc:"When it is due next."`
	LastPoll     *Poll       `json:"last_poll,omitempty" doc:"The last poll since the start of the daemon."`
	Node         string      `json:"node,omitempty" doc:"The name of the node that polls it; missing where nodes share no database, and where none does at the moment."`
	Saved        bool        `json:"saved,omitempty" doc:"Another node has it, so that this is what is saved of it: what polls have told since, such as last_poll, is missing or 0."`
	Version      int64       `json:"version" doc:"Counts its snapshots."`
	Sequence     int64       `json:"sequence" doc:"Counts its changes."`
	ChangedAt    *time.Time  `json:"changed_at,omitempty" doc:"When the last snapshot was taken."`
	Changes      []int64     `json:"changes" doc:"How many changes each of the last 24 hours brought, the oldest first; the last one is the hour that ends now."`
}

// PollOutcome is what a poll came to.
type PollOutcome string

// The outcomes of a poll: those of a [Preview], in the same words.
const (
	PollUnchanged   PollOutcome = PollOutcome(Unchanged)
	PollBaseline    PollOutcome = PollOutcome(Baseline)
	PollRebaselined PollOutcome = PollOutcome(Rebaselined)
	PollChanged     PollOutcome = PollOutcome(Changed)
	PollFailed      PollOutcome = PollOutcome(Failed)
)

// Poll is a poll that has ended.
type Poll struct {
	At         time.Time   `json:"at" doc:"When it ended."`
	DurationMS int64       `json:"duration_ms" doc:"How long its requests took, in milliseconds, without the waits between them."`
	Requests   int         `json:"requests" doc:"How many requests it made."`
	Status     int         `json:"status" doc:"The HTTP status code of its answer, of several pages that of the first; 0 where there was none."`
	Bytes      int64       `json:"bytes" doc:"The length of its answer, decompressed; 0 of a 304."`
	Outcome    PollOutcome `json:"outcome" doc:"What it came to."`
	Changes    int         `json:"changes" doc:"How many changes it brought."`
	Error      string      `json:"error,omitempty" doc:"Why it failed."`
}

// PollList is the answer to a question for the polls of a source, the newest
// first. They are kept in memory, since the start of the daemon.
type PollList struct {
	Polls []Poll `json:"polls" doc:"The polls, the newest first."`
}

// SourceChange is what can be done to a source.
type SourceChange string

// The changes.
const (
	// PauseSource ends the polls of a source until ResumeSource, over restarts.
	PauseSource  SourceChange = "pause"
	ResumeSource SourceChange = "resume"
)

// sourceList is the answer to a question for all sources.
type sourceList struct {
	Sources []Source `json:"sources" doc:"The sources, by name."`
}

func (s *Server) sourceRoutes() []route {
	rows := []route{
		{
			method: http.MethodGet, path: "/v1/sources", id: "listSources",
			doc:     "List the sources and how they stand.",
			answers: []answer{{status: http.StatusOK, doc: "All of them, by name.", body: sourceList{}}},
			handler: s.sources,
		},
		{
			method: http.MethodGet, path: "/v1/sources/{name}", id: "getSource",
			doc:     "Return how a source stands.",
			answers: []answer{{status: http.StatusOK, doc: "How it stands.", body: Source{}}},
			handler: s.source,
		},
		{
			method: http.MethodGet, path: "/v1/sources/{name}/polls", id: "listPolls",
			doc:     "List the last polls of a source. They are kept in memory, since the start of the daemon.",
			answers: []answer{{status: http.StatusOK, doc: "The polls, the newest first.", body: PollList{}}},
			handler: s.polls,
		},
		{
			method: http.MethodGet, path: "/v1/sources/{name}/snapshot", id: "getSnapshot",
			doc: "Return an accepted answer of a source, as it came, in UTF-8. The headers Pollwire-Version, Pollwire-Format and " +
				"Pollwire-Pages say what it is; Link leads to the next page.",
			query: []parameter{
				numberParameter("version", "Which one; the last one without it.", 0, maxVersion),
				numberParameter("page", "Which page of it.", 1, maxPage),
			},
			answers: []answer{{
				status: http.StatusOK, doc: "A page of the answer.", body: json.RawMessage{},
				media: []string{"application/json", "application/x-ndjson", "application/xml", "text/csv", "text/plain"},
			}},
			handler: s.snapshot,
		},
		{
			method: http.MethodPost, path: "/v1/sources/{name}/poll", id: "pollSource",
			doc:  "Poll a source now. It is asked as soon as its limit lets it; what comes of it is told as after any poll.",
			body: pollRequest{},
			answers: []answer{
				{status: http.StatusAccepted, doc: "The source is due.", body: accepted{}},
				{status: http.StatusOK, doc: "What would come of it, where a preview was asked for.", body: Preview{}},
			},
			handler: s.poll,
		},
		{
			method: http.MethodPost, path: "/v1/sources/{name}/accept", id: "acceptRemoval",
			doc:     "Accept a mass removal. The next poll of the source may remove more items than expect.max_removed allows.",
			answers: []answer{{status: http.StatusAccepted, doc: "It may.", body: accepted{}}},
			handler: s.accept,
		},
		{
			method: http.MethodPost, path: pokePath + "{source}", id: "pokeSource",
			doc:     "Poll a source soon, as an API's own webhook asks for. The body can be anything, and is not looked at.",
			answers: []answer{{status: http.StatusAccepted, doc: "The source will be polled.", body: accepted{}}},
			handler: s.poke,
		},
	}
	for _, change := range []struct {
		name SourceChange
		doc  string
	}{
		{PauseSource, "Pause a source. It is not polled, over restarts, until it is resumed."},
		{ResumeSource, "Resume a source. It is polled by its schedule again."},
	} {
		rows = append(rows, route{
			method: http.MethodPost, path: "/v1/sources/{name}/" + string(change.name), id: string(change.name) + "Source",
			doc:     change.doc,
			answers: []answer{{status: http.StatusOK, doc: "How it stands now.", body: Source{}}},
			handler: s.changeSource(change.name),
		})
	}
	return rows
}

func (s *Server) sources(w http.ResponseWriter, r *http.Request) {
	list, err := s.opts.Controller.Sources(r.Context())
	if err != nil {
		s.fail(w, r, err, "")
		return
	}
	writeJSON(w, http.StatusOK, sourceList{list})
}

func (s *Server) source(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	source, err := s.opts.Controller.Source(r.Context(), name)
	if err != nil {
		s.fail(w, r, err, noSource(name))
		return
	}
	writeJSON(w, http.StatusOK, source)
}

func (s *Server) polls(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	polls, err := s.opts.Controller.Polls(r.Context(), name)
	if err != nil {
		s.fail(w, r, err, noSource(name))
		return
	}
	writeJSON(w, http.StatusOK, PollList{polls})
}

// changeSource answers with what a change made of a source.
func (s *Server) changeSource(change SourceChange) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		name := r.PathValue("name")
		if bad := readBody(w, r, &struct{}{}); bad != nil {
			writeProblem(w, r, bad.status, bad.detail)
			return
		}
		source, err := s.opts.Controller.ChangeSource(r.Context(), name, change)
		if err != nil {
			s.fail(w, r, err, noSource(name))
			return
		}
		writeJSON(w, http.StatusOK, source)
	}
}
