package poller

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// judge is an observer with a word for each answer.
type judge struct {
	ledger
	verdict Verdict
}

func (j *judge) Observe(ctx context.Context, o *Observation) error {
	o.Verdict = j.verdict
	return j.ledger.Observe(ctx, o)
}

func TestPollsAreAccountedFor(t *testing.T) {
	t.Parallel()
	refusal := errors.New("too few items")
	found := Verdict{Outcome: "changed", Changes: 2}
	tests := []struct {
		name    string
		answers []func() (*http.Response, error)
		judge   *judge
		want    Result
	}{
		{"accepted", []func() (*http.Response, error){answering(200, "seven b")}, &judge{verdict: found}, Result{Requests: 1, Status: 200, Bytes: 7, Verdict: found}},
		{"at the second attempt", []func() (*http.Response, error){answering(503, "away"), answering(200, "x")}, &judge{verdict: found}, Result{Requests: 2, Status: 200, Bytes: 1, Verdict: found}},
		{"refused by the observer", []func() (*http.Response, error){answering(200, "x")}, &judge{ledger: ledger{refuse: refusal}}, Result{Requests: 1, Status: 200, Bytes: 1, Err: refusal}},
		{"no answer worth the name", []func() (*http.Response, error){answering(404, "gone")}, &judge{}, Result{Requests: 1, Status: 404, Err: ErrUnfit}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var got []Result
				s := newSource("http://api.example/")
				p := NewPoller(PollerOptions{
					Fetcher:  newFetcher(t, FetcherOptions{RoundTripper: &script{answers: tt.answers}}),
					Observer: tt.judge,
					Done: func(of *Source, r Result) {
						if of != s {
							t.Errorf("told of %+v", of)
						}
						got = append(got, r)
					},
				})
				pollOnce(t, p, s)
				tt.want.At = time.Now()
				if diff := cmp.Diff([]Result{tt.want}, got, cmpopts.EquateErrors()); diff != "" {
					t.Errorf("account (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// What a stop cuts short is no poll that anybody has to know of.
func TestStoppedPollsAreNotAccountedFor(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	p := NewPoller(PollerOptions{
		Fetcher: newFetcher(t, FetcherOptions{RoundTripper: &script{answers: []func() (*http.Response, error){
			func() (*http.Response, error) { cancel(); return nil, context.Canceled },
		}}}),
		Observer: &ledger{},
		Done:     func(_ *Source, r Result) { t.Errorf("told of %+v", r) },
	})
	p.Poll(ctx, newSource("http://api.example/"), 1)
}
