package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"time"
)

const (
	// heartbeat is how long a stream is silent at most. Proxies cut what is silent
	// for longer than a minute, and a client that is gone is found by it.
	heartbeat = 15 * time.Second
	// streamEvents and streamBytes bound what a stream holds of the log at once,
	// while its client reads.
	streamEvents = 50
	streamBytes  = 256 << 10
	// eventNow is the cursor behind the last event of the log.
	eventNow = "now"
)

// stream answers with the log as it grows, as server-sent events (HTML Standard,
// section 9.2): each is an envelope, and its id the cursor behind it. A client
// that says the last one it has in Last-Event-ID goes on there; one that says
// nothing begins now. The log is the buffer of all streams: one holds a page of
// it, and a client that does not read it is cut off and can come again.
func (s *Server) stream(w http.ResponseWriter, r *http.Request) {
	p := parameters(r)
	q := EventQuery{
		After:    p.text("after"),
		Source:   p.text("source"),
		Type:     p.glob("type"),
		Endpoint: p.text("endpoint"),
		Limit:    streamEvents,
		MaxBytes: streamBytes,
		Stop:     s.draining,
	}
	if bad := p.bad(); bad != "" {
		writeProblem(w, r, http.StatusBadRequest, bad)
		return
	}
	// It is newer than the URL that a client connects to again and again.
	if last := r.Header.Get("Last-Event-ID"); last != "" {
		q.After = last
	}
	if q.After == "" {
		q.After = eventNow
	}
	if !s.beginReading(w, r) {
		return
	}
	defer s.endReading()
	// The first page does not wait, so that what is wrong is told as a problem.
	page, err := s.opts.Controller.Events(r.Context(), &q)
	if err != nil {
		s.fail(w, r, err, noEndpoint(q.Endpoint))
		return
	}
	out := newStreamWriter(w)
	q.Wait = heartbeat
	for {
		// It may last for days, and must not outlast what it was let in for.
		if !s.stillMay(r) || !out.page(page) {
			return
		}
		select {
		case <-s.draining:
			return
		default:
		}
		q.After = page.Next
		if page, err = s.opts.Controller.Events(r.Context(), &q); err != nil {
			if r.Context().Err() == nil {
				s.repeats.tell(r.Context(), slog.LevelWarn, "stream ended", err)
			}
			return
		}
	}
}

// streamWriter writes server-sent events.
type streamWriter struct {
	w   http.ResponseWriter
	rc  *http.ResponseController
	buf bytes.Buffer
	// cursor is the last one that the client was told.
	cursor string
}

// newStreamWriter begins an answer.
func newStreamWriter(w http.ResponseWriter) *streamWriter {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Accel-Buffering", "no") // proxies would hold it back
	out := &streamWriter{w: w, rc: http.NewResponseController(w)}
	out.buf.WriteString("retry: 2000\n\n")
	return out
}

// page writes a page, or a sign of life where it is empty, and says whether the
// client took it.
func (o *streamWriter) page(page *EventPage) bool {
	if page.Removed {
		o.buf.WriteString("event: removed\ndata: \"events behind the last one were removed by retention before they were read\"\n\n")
	}
	for i := range page.Events {
		e := &page.Events[i]
		fmt.Fprintf(&o.buf, "id: %s\ndata: ", e.Cursor)
		o.cursor = e.Cursor
		// A line break within an envelope would end its line.
		if err := json.Compact(&o.buf, e.Envelope); err != nil {
			panic(fmt.Errorf("compact envelope: %w", err))
		}
		o.buf.WriteString("\n\n")
		if o.buf.Len() >= streamBytes && !o.flush() {
			return false
		}
	}
	if page.Next != o.cursor {
		// An id without data moves the client's cursor past what was not chosen.
		fmt.Fprintf(&o.buf, "id: %s\n\n", page.Next)
		o.cursor = page.Next
	}
	if o.buf.Len() == 0 {
		o.buf.WriteString(":\n\n")
	}
	return o.flush()
}

// flush sends what was written. A client that does not take it in time is cut off.
func (o *streamWriter) flush() bool {
	_ = o.rc.SetWriteDeadline(time.Now().Add(writeTimeout)) // writers of tests have none
	_, err := o.w.Write(o.buf.Bytes())
	if err == nil {
		err = o.rc.Flush()
	}
	o.buf.Reset()
	return err == nil
}
