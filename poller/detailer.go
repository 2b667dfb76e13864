package poller

import (
	"context"
	"errors"
)

// Detailer says which details a poll fetches.
type Detailer interface {
	// Wanted returns the items whose details are wanted, in the order in which
	// they are fetched, after a list came. An error says that the list is no
	// observation, and ends the poll: nothing is fetched for it in vain. The
	// wants are the caller's.
	Wanted(ctx context.Context, o *Observation) ([]Want, error)
}

// gather goes on with the details that are wanted of a list that came.
func (p *Poller) gather(ctx context.Context, s *Source, pr *progress, v *Visit, o *Observation) Outcome {
	wants, err := p.detailer.Wanted(ctx, o)
	more := false
	if err == nil {
		more, err = v.Gather(o, wants)
	}
	switch {
	case err != nil:
		o.Release()
	case more:
		o = nil // the visit has it
	}
	return p.goOn(ctx, s, pr, v, o, err)
}

// pass goes on after a detail that failed for good.
func (p *Poller) pass(ctx context.Context, s *Source, pr *progress, v *Visit, failure *FetchError) Outcome {
	o, err := v.Pass(failure)
	return p.goOn(ctx, s, pr, v, o, err)
}

// goOn does what follows a request that was not refused: it ends the poll with
// what was seen, or with an error, or lets it go on where there is neither.
func (p *Poller) goOn(ctx context.Context, s *Source, pr *progress, v *Visit, o *Observation, err error) Outcome {
	switch {
	case errors.Is(err, ErrReplaced):
		v.Close()
		return p.replaced(ctx, s)
	case err != nil:
		v.Close()
		p.fail(ctx, s, pr, v.failed(err))
	case o == nil:
		pr.keep(v, 0)
		return Outcome{More: true}
	default:
		v.Close()
		return p.observe(ctx, s, pr, o)
	}
	return Outcome{}
}
