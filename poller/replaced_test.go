package poller

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// replacing is an observer whose sources are given another request while their
// first answer is judged.
type replacing struct {
	ledger
	replace func()
	key     string
}

func (r *replacing) Observe(ctx context.Context, o *Observation) error {
	if r.replace != nil {
		r.replace()
		r.replace = nil
	}
	if o.RequestKey != r.key {
		return ErrReplaced
	}
	return r.ledger.Observe(ctx, o)
}

// TestPollOfAnOldRequestBeginsAnew: its answer is no failure and told to nobody,
// and what the source asks for now is asked for at once.
func TestPollOfAnOldRequestBeginsAnew(t *testing.T) {
	t.Parallel()
	network := &script{answers: []func() (*http.Response, error){answering(200, "old"), answering(200, "new")}}
	observer := &replacing{key: "new"}
	var done []Result
	p := NewPoller(PollerOptions{
		Fetcher: newFetcher(t, FetcherOptions{RoundTripper: network}), Observer: observer,
		Done: func(_ *Source, r Result) { done = append(done, r) },
	})
	before, after := newSource("http://api.example/old"), newSource("http://api.example/new")
	before.RequestKey, after.RequestKey = "old", "new"
	observer.replace = func() { p.SetState(before.Name, State{}) }
	if o := p.Poll(t.Context(), before, 1); o != (Outcome{More: true}) {
		t.Fatalf("outcome %+v", o)
	}
	if o := p.Poll(t.Context(), after, 2); o != (Outcome{}) {
		t.Fatalf("outcome %+v", o)
	}
	if diff := cmp.Diff([]string{"200 unchanged=false new"}, observer.told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	if len(done) != 1 || done[0].Err != nil || done[0].Requests != 1 {
		t.Errorf("done %+v", done)
	}
}

type wantedFunc func(context.Context, *Observation) ([]Want, error)

func (f wantedFunc) Wanted(ctx context.Context, o *Observation) ([]Want, error) { return f(ctx, o) }

// TestListOfAnOldRequestBeginsAnew: as an answer does that has no details.
func TestListOfAnOldRequestBeginsAnew(t *testing.T) {
	t.Parallel()
	network := &script{answers: []func() (*http.Response, error){answering(200, `[{"id":1}]`)}}
	observer := &ledger{}
	p := NewPoller(PollerOptions{
		Fetcher: newFetcher(t, FetcherOptions{RoundTripper: network}), Observer: observer,
		Detailer: wantedFunc(func(context.Context, *Observation) ([]Want, error) { return nil, ErrReplaced }),
	})
	s := newSource("http://api.example/old")
	s.Detail = &DetailRequest{URL: "http://api.example/{item.id}"}
	if o := p.Poll(t.Context(), s, 1); o != (Outcome{More: true}) || observer.told != nil {
		t.Errorf("outcome %+v, told %v", o, observer.told)
	}
}

// TestFailureOfAnOldRequestIsNobodys: it says nothing of what the source asks for
// since, nor of a source that is gone.
func TestFailureOfAnOldRequestIsNobodys(t *testing.T) {
	t.Parallel()
	for name, replace := range map[string]func(*Poller){
		"replaced": func(p *Poller) { p.SetState("shop", State{}) },
		"removed":  func(p *Poller) { p.Forget("shop") },
	} {
		observer := &ledger{}
		var p *Poller
		network := &script{answers: []func() (*http.Response, error){func() (*http.Response, error) {
			replace(p)
			return nil, errors.New("refused")
		}}}
		p = NewPoller(PollerOptions{Fetcher: newFetcher(t, FetcherOptions{RoundTripper: network}), Observer: observer})
		s := newSource("http://api.example/old")
		s.Retry.MaxAttempts = 1
		if o := p.Poll(t.Context(), s, 1); o != (Outcome{}) || observer.told != nil {
			t.Errorf("%s: outcome %+v, told %v", name, o, observer.told)
		}
	}
}

// TestSecretsCanBeReplaced: errors hide those of now.
func TestSecretsCanBeReplaced(t *testing.T) {
	t.Parallel()
	network := &script{answers: []func() (*http.Response, error){answering(403, "no entry for new-secret-value")}}
	f := newFetcher(t, FetcherOptions{RoundTripper: network, Secrets: []string{"old-secret-value"}})
	f.SetSecrets([]string{"new-secret-value"})
	o, err := f.Fetch(t.Context(), newSource("http://api.example/"), State{})
	if fe := mustFail(t, o, err); strings.Contains(fe.Error(), "new-secret") || !strings.Contains(fe.Error(), "no entry for") {
		t.Error(fe)
	}
}
