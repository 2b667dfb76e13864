package server

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// pages is a log that gives one page after the other, and then nothing.
type pages struct {
	quietLog
	pages []EventPage
	// asked are the cursors that were asked for.
	asked []string
}

func (p *pages) Events(ctx context.Context, q *EventQuery) (*EventPage, error) {
	p.asked = append(p.asked, q.After)
	if len(p.pages) == 0 {
		page, err := p.quietLog.Events(ctx, q)
		if err == nil {
			page.Next = q.After
		}
		return page, err
	}
	page := p.pages[0]
	p.pages = p.pages[1:]
	return &page, nil
}

func logged(cursor, envelope string) LoggedEvent {
	return LoggedEvent{Envelope: json.RawMessage(envelope), Cursor: cursor}
}

// chunk reads the next chunk of an answer.
func chunk(t *testing.T, r *bufio.Reader) string {
	t.Helper()
	var size int
	if _, err := fmt.Fscanf(r, "%x\r\n", &size); err != nil {
		t.Fatal(err)
	}
	text := make([]byte, size+2)
	if _, err := io.ReadFull(r, text); err != nil {
		t.Fatal(err)
	}
	return string(text[:size])
}

func TestStreamIsWrittenAsItComes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := &pages{pages: []EventPage{
			{Next: "4"},
			{Events: []LoggedEvent{logged("5-A", "{\"a\":\r\n [1.0,\"<\u2028\"]\n}"), logged("6-B", `{}`)}, Next: "9"},
			{Events: []LoggedEvent{}, Next: "12", Removed: true},
		}}
		s, dial := piped(t, log)
		conn := dial()
		begun := time.Now()
		if _, err := io.WriteString(conn, "GET /v1/events/stream HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		r := bufio.NewReader(conn)
		for line := ""; line != "\r\n"; {
			var err error
			if line, err = r.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
			if value, ok := strings.CutPrefix(line, "Content-Type: "); ok && value != "text/event-stream\r\n" {
				t.Errorf("content type %s", value)
			}
		}
		for _, want := range []string{
			"retry: 2000\n\nid: 4\n\n",
			"id: 5-A\ndata: {\"a\":[1.0,\"<\u2028\"]}\n\nid: 6-B\ndata: {}\n\nid: 9\n\n",
			"event: removed\ndata: \"events behind the last one were removed by retention before they were read\"\n\nid: 12\n\n",
			":\n\n", ":\n\n", ":\n\n",
		} {
			if diff := cmp.Diff(want, chunk(t, r)); diff != "" {
				t.Errorf("chunk (-want +got):\n%s", diff)
			}
		}
		// Longer than requests may take to arrive, and than answers may take.
		if took := time.Since(begun); took != 3*heartbeat || took <= readTimeout || took <= writeTimeout {
			t.Errorf("took %s", took)
		}
		stopped := make(chan error)
		go func() { stopped <- s.Stop(t.Context()) }()
		if rest, err := io.ReadAll(r); err != nil || !strings.HasSuffix(string(rest), "0\r\n\r\n") {
			t.Errorf("the end is %q, %v", rest, err)
		}
		if err := <-stopped; err != nil || time.Since(begun) > 4*heartbeat {
			t.Errorf("stopped after %s: %v", time.Since(begun), err)
		}
		if want := []string{"now", "4", "9", "12"}; !slices.Equal(log.asked[:4], want) {
			t.Errorf("asked for %q, want %q", log.asked, want)
		}
	})
}

// lastEvents is a log in which something happens before its second page.
type lastEvents struct {
	Controller
	asked   int
	happens func()
}

func (l *lastEvents) Events(context.Context, *EventQuery) (*EventPage, error) {
	l.asked++
	switch l.asked {
	case 2:
		l.happens()
		return &EventPage{Events: []LoggedEvent{logged("1-A", `{"second":true}`)}, Next: "1"}, nil
	case 3:
		return nil, errors.New("the log has ended")
	}
	return &EventPage{Next: "0"}, nil
}

// TestStreamEndsWithItsSession, and with the token, however long it lasts.
func TestStreamEndsWithItsSession(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		session, told bool
		happens       func(s *Server)
	}{
		"nothing":          {false, true, func(*Server) {}},
		"the same token":   {true, true, func(s *Server) { s.Change(Changes{Token: sessionToken}) }},
		"another token":    {false, false, func(s *Server) { s.Change(Changes{Token: "another one"}) }},
		"of a session too": {true, false, func(s *Server) { s.Change(Changes{Token: "another one"}) }},
		"no token":         {true, true, func(s *Server) { s.Change(Changes{}) }},
		"logged out": {true, false, func(s *Server) {
			s.guard.Load().sessions.ended.add([sessionID]byte{1}, time.Now().Add(time.Hour), time.Now())
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := &lastEvents{}
			s := New(Options{Token: sessionToken, Controller: log, Logger: slog.New(slog.DiscardHandler)})
			log.happens = func() { tc.happens(s) }
			r := httptest.NewRequest(http.MethodGet, "http://localhost/v1/events/stream", nil)
			if tc.session {
				value := s.guard.Load().sessions.issue([sessionID]byte{1}, time.Now().Add(time.Hour))
				r.AddCookie(&http.Cookie{Name: sessionCookie, Value: value})
			} else {
				r.Header.Set("Authorization", "Bearer "+sessionToken)
			}
			w := httptest.NewRecorder()
			s.guarded(s.api()).ServeHTTP(w, r)
			if told := strings.Contains(w.Body.String(), "second"); w.Code != http.StatusOK || told != tc.told {
				t.Errorf("%d, told: %t", w.Code, told)
			}
		})
	}
}

func TestStreamGoesOnBehindTheLastEvent(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ query, header, want string }{
		{"", "", "now"},
		{"?after=3", "", "3"},
		{"", "evt_1", "evt_1"},
		{"?after=3", "7-X", "7-X"},
	} {
		synctest.Test(t, func(t *testing.T) {
			log := &pages{}
			s, dial := piped(t, log)
			conn := dial()
			request := "GET /v1/events/stream" + tc.query + " HTTP/1.1\r\nHost: localhost\r\n"
			if tc.header != "" {
				request += "Last-Event-ID: " + tc.header + "\r\n"
			}
			if _, err := io.WriteString(conn, request+"\r\n"); err != nil {
				t.Fatal(err)
			}
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil || resp.StatusCode != http.StatusOK {
				t.Fatalf("%v, %v", resp, err)
			}
			_ = conn.Close()
			if err := s.Stop(t.Context()); err != nil {
				t.Error(err)
			}
			if log.asked[0] != tc.want {
				t.Errorf("%+v: began behind %s", tc, log.asked[0])
			}
		})
	}
}

// endless is a log that is never read to its end.
type endless struct {
	quietLog
	served int
}

func (l *endless) Events(_ context.Context, q *EventQuery) (*EventPage, error) {
	l.served++
	event := logged(fmt.Sprint(l.served), `"`+strings.Repeat("x", q.MaxBytes)+`"`)
	return &EventPage{Events: []LoggedEvent{event}, Next: event.Cursor, More: true}, nil
}

// TestSlowReadersAreCutOff: what a stream holds for a client that does not read
// is one page, and that not for ever.
func TestSlowReadersAreCutOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := &endless{}
		s, dial := piped(t, log)
		conn := dial()
		begun := time.Now()
		if _, err := io.WriteString(conn, "GET /v1/events/stream HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()         // until the stream waits for its client
		s.readers <- struct{}{} // and the other one is the stream's
		for len(s.readers) != 1 {
			<-time.After(time.Second)
		}
		if took := time.Since(begun).Round(5 * time.Second); took != writeTimeout {
			t.Errorf("cut off after %s", took)
		}
		if log.served > 2 {
			t.Errorf("%d pages were read for nobody", log.served)
		}
		_ = conn.Close()
		if err := s.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// broken is a log that fails after its first page.
type broken struct{ pages }

func (l *broken) Events(ctx context.Context, q *EventQuery) (*EventPage, error) {
	if len(l.pages.pages) == 0 {
		return nil, errors.New("disk: secret")
	}
	return l.pages.Events(ctx, q)
}

func TestStreamEndsWhereTheLogFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, dial := piped(t, &broken{pages{pages: []EventPage{{Next: "1"}}}})
		conn := dial()
		body, err := io.ReadAll(askOver(t, conn, "/v1/events/stream").Body)
		if err != nil || string(body) != "retry: 2000\n\nid: 1\n\n" {
			t.Errorf("%q, %v", body, err)
		}
		_ = conn.Close()
		if err := s.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
