package poller

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// queue is an API that gives the message at its head until that is deleted. Its
// book has what happened, in order: also what an observer is told.
type queue struct {
	messages []string
	// refuse are the codes of the next deletions, 0 for one that is made.
	refuse   []int
	nameless bool
	logins   int
	// unseen is how many answers the observer asks for again.
	unseen int
	book   []string
	deny   error
}

// RoundTrip implements http.RoundTripper.
func (q *queue) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path == "/login" {
		q.logins++
		return fakeAnswer(200, fmt.Sprintf(`{"access_token":"token-%d"}`, q.logins), http.Header{}), nil
	}
	q.book = append(q.book, r.Method+" "+r.URL.EscapedPath())
	if r.Method != http.MethodDelete {
		if r.Header.Get("If-None-Match") != "" {
			return fakeAnswer(304, "", http.Header{}), nil
		}
		if len(q.messages) == 0 {
			return fakeAnswer(204, "", http.Header{}), nil
		}
		h := http.Header{"X-Message": {"id/" + q.messages[0]}, "Etag": {`"1"`}}
		if q.nameless {
			h = http.Header{}
		}
		return fakeAnswer(200, `{"message":"`+q.messages[0]+`"}`, h), nil
	}
	if r.Header.Get("Content-Type") != "" || r.ContentLength > 0 || r.Header.Get("If-None-Match") != "" {
		return nil, errors.New("a deletion with a body, or with validators")
	}
	if len(q.refuse) > 0 {
		code := q.refuse[0]
		q.refuse = q.refuse[1:]
		if code != 0 {
			return fakeAnswer(code, "", http.Header{"Location": {"/everything"}}), nil
		}
	}
	if len(q.messages) > 1 || q.messages[0] != "for ever" {
		q.messages = q.messages[1:]
	}
	return fakeAnswer(200, "", http.Header{}), nil
}

// Observe implements Observer.
func (q *queue) Observe(_ context.Context, o *Observation) error {
	q.book = append(q.book, fmt.Sprintf("observe %s", o.Body))
	if q.unseen > 0 {
		q.unseen--
		o.State = State{}
	}
	return q.deny
}

// Fail implements Observer.
func (q *queue) Fail(_ context.Context, _ string, reason error) {
	q.book = append(q.book, "fail: "+reason.Error())
}

// course is what happened in a word each, the answers that were taken but for the
// empty one.
func (q *queue) course() []string {
	var words []string
	for _, line := range q.book {
		word, rest, _ := strings.Cut(line, " ")
		word = strings.TrimSuffix(word, ":")
		if word == "observe" {
			if word = strings.TrimSuffix(strings.TrimPrefix(rest, `{"message":"`), `"}`); word == "" {
				continue
			}
		}
		words = append(words, word)
	}
	return words
}

// queued is a source that takes messages off a queue.
func queued(q *queue) (*Poller, *Source) {
	p := NewPoller(PollerOptions{Fetcher: NewFetcher(FetcherOptions{RoundTripper: q}), Observer: q})
	return p, &Source{
		Name: "queue", Acknowledge: &Acknowledgement{Method: http.MethodDelete, URL: "http://api.example/messages/{header.X-Message}"},
		Retry: Retry{MaxAttempts: 1}, Request: Request{
			Method: http.MethodPost, URL: "http://api.example/messages", SuccessStatusCodes: []int{200, 204},
			Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte("{}"),
		},
	}
}

func TestAcknowledge(t *testing.T) {
	t.Parallel()
	const (
		ask  = "POST /messages"
		a, b = `observe {"message":"a"}`, `observe {"message":"b"}`
		delA = "DELETE /messages/id%2Fa"
		delB = "DELETE /messages/id%2Fb"
		none = "observe "
	)
	for name, test := range map[string]struct {
		queue queue
		polls int
		want  []string
	}{
		"each is deleted once it was taken": {queue{messages: []string{"a", "b"}}, 1, []string{ask, a, delA, ask, b, delB, ask, none}},
		"an empty queue":                    {queue{}, 1, []string{ask, none}},
		"gone already":                      {queue{messages: []string{"a"}, refuse: []int{404}}, 1, []string{ask, a, delA, ask, none, delA, ask, none}},
		"not taken":                         {queue{messages: []string{"a"}, deny: errors.New("the disk is full")}, 1, []string{ask, a, "fail: the disk is full"}},
		"a deletion that fails is made again before anything else": {queue{messages: []string{"a"}, refuse: []int{500, 500}}, 3, []string{
			ask, a, delA, "fail: acknowledge the last answer: DELETE http://api.example/messages/id%2Fa: answered 500 Internal Server Error",
			delA, "fail: acknowledge the last answer: DELETE http://api.example/messages/id%2Fa: answered 500 Internal Server Error",
			delA, ask, none,
		}},
		"no name": {queue{messages: []string{"a"}, nameless: true}, 1, []string{
			ask, "fail: POST http://api.example/messages: has no header X-Message by which acknowledge.url could name it",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				q := test.queue
				p, s := queued(&q)
				for range test.polls {
					pollOnce(t, p, s)
				}
				if diff := cmp.Diff(test.want, q.book); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestAcknowledgeComesToAnEnd where the API deletes nothing.
func TestAcknowledgeComesToAnEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := &queue{messages: []string{"for ever"}}
		p, s := queued(q)
		pollOnce(t, p, s)
		if n := strings.Count(strings.Join(q.book, "\n"), "DELETE"); n != maxAcknowledged {
			t.Errorf("deleted %d times, want %d", n, maxAcknowledged)
		}
	})
}

// TestAcknowledgementIsForgotten with the request that it belongs to.
func TestAcknowledgementIsForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := &queue{messages: []string{"a"}, refuse: []int{500}}
		p, s := queued(q)
		pollOnce(t, p, s)
		p.SetState(s.Name, State{})
		q.book = nil
		pollOnce(t, p, s)
		if q.book[0] != "POST /messages" {
			t.Errorf("it went on with %s", q.book[0])
		}
	})
}

// TestAcknowledgeAgain: a request that fails is made again within its poll, as often
// as the source allows, and with new credentials wherever in the poll they expire.
func TestAcknowledgeAgain(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		refuse []int
		want   string
	}{
		"a server that fails":               {[]int{503, 502}, "GET,a,DELETE,DELETE,DELETE,GET"},
		"and goes on to fail":               {[]int{503, 502, 500}, "GET,a,DELETE,DELETE,DELETE,fail"},
		"a token that expires":              {[]int{401}, "GET,a,DELETE,DELETE,GET"},
		"a token that is not what is wrong": {[]int{401, 401}, "GET,a,DELETE,DELETE,fail"},
		"a redirect, which leads elsewhere": {[]int{303}, "GET,a,DELETE,fail"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				q := &queue{messages: []string{"a"}, refuse: test.refuse}
				p, s := queued(q)
				s.Request.Method, s.Request.Body, s.Request.FollowRedirects = http.MethodGet, nil, true
				s.Retry = Retry{MaxAttempts: 3, WaitMin: time.Second, WaitMax: time.Second}
				s.Request.Auth = Login{URL: "http://api.example/login"}
				pollOnce(t, p, s)
				if got := strings.Join(q.course(), ","); got != test.want {
					t.Errorf("%s, want %s", got, test.want)
				}
			})
		})
	}
}

// TestAcknowledgeReloaded: where a source acknowledges in another way by now, or not
// at all, the last answer is asked for again.
func TestAcknowledgeReloaded(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		edited *Acknowledgement
		want   []string
	}{
		"no more":   {nil, []string{"POST /messages", "observe "}},
		"elsewhere": {&Acknowledgement{Method: http.MethodDelete, URL: "http://api.example/all?of=it&id={header.X-Message}"}, []string{"POST /messages", "observe ", "DELETE /all", "POST /messages", "observe "}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				q := &queue{messages: []string{"a"}, refuse: []int{405}}
				p, s := queued(q)
				pollOnce(t, p, s)
				q.book = nil
				next := *s
				next.Acknowledge = test.edited
				pollOnce(t, p, &next)
				if diff := cmp.Diff(test.want, q.book); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestAcknowledgeOnlyWhatWasLookedAt: an answer that the observer wants to have again
// as a whole is still in the queue then, and its name comes with it.
func TestAcknowledgeOnlyWhatWasLookedAt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := &queue{messages: []string{"a"}, unseen: 1}
		p, s := queued(q)
		s.Request.Method, s.Request.Body, s.Request.Conditional = http.MethodGet, nil, true
		p.SetState(s.Name, State{ETag: `"1"`})
		pollOnce(t, p, s)
		pollOnce(t, p, s)
		if diff := cmp.Diff([]string{"GET", "a", "GET", "a", "DELETE", "GET"}, q.course()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestAcknowledgementFill(t *testing.T) {
	t.Parallel()
	const id = "a+b=/c&d e:1"
	a := Acknowledgement{URL: "http://api.example/m/{header.X-Id}?id={header.x-id}&all=no"}
	u, err := a.fill(http.Header{"X-Id": {id}})
	if err != nil {
		t.Fatal(err)
	}
	if u.Path != "/m/"+id || u.Query().Get("id") != id || len(u.Query()) != 2 {
		t.Errorf("it leads to %s", u)
	}
	for _, bad := range []string{"", " ", ".", ".."} {
		if u, err := a.fill(http.Header{"X-Id": {bad}}); err == nil {
			t.Errorf("%q leads to %s", bad, u)
		}
	}
}
