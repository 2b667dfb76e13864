package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/store"
)

const (
	// takeTimeout is how long another node may take to begin with what it is asked
	// for: it looks five times a second, where it can.
	takeTimeout = 3 * time.Second
	// relayTimeout is how long it may take in all, and askTimeout where it asks others
	// over the network itself.
	relayTimeout = 10 * time.Second
	askTimeout   = time.Minute
	// lookFirst and lookAfter are how soon an answer is looked for, at first and when
	// it has not come for a while.
	lookFirst = 20 * time.Millisecond
	lookAfter = 150 * time.Millisecond
	// retryAway is when it is worth asking again for what no node has at the moment.
	retryAway = 2 * time.Second
)

// asking is the part of the database that takes requests to other nodes.
type asking interface {
	// Ask leaves a request for another node, or fails with store.ErrNotFound where
	// that does not live.
	Ask(ctx context.Context, r *store.Relayed) error
	// Await returns how far a request is, at once.
	Await(ctx context.Context, id string) (store.RelayedAnswer, error)
	// Withdraw takes back a request that was not taken; false where it was.
	Withdraw(ctx context.Context, id string) (withdrawn bool, err error)
}

// relay lets requests of the API be carried out by the node that has what they are
// about, by way of the database: nodes need not reach each other.
type relay struct {
	asking asking
	logger *slog.Logger
}

// errand is a request of the API for another node.
type errand struct {
	method string
	path   []string
	// body is encoded as JSON; nil for none.
	body any
	// patience is how long it may take; 0 for what is usual.
	patience time.Duration
}

// address is the path of the request.
func (e *errand) address() string {
	path := ""
	for _, segment := range e.path {
		path += "/" + url.PathEscape(segment)
	}
	return path
}

// ask has another node carry out a request, and decodes what it answers with. What
// the other node refuses, and where it does not answer, is a *[server.Refusal], or
// store.ErrNotFound.
func (r *relay) ask(ctx context.Context, node *store.Member, e *errand, answer any) error {
	q := store.Relayed{ID: ulid.Make().String(), Node: node.ID, Method: e.method, Path: e.address()}
	if e.body != nil {
		var err error
		if q.Body, err = json.Marshal(e.body); err != nil {
			return fmt.Errorf("encode request to node %s: %w", node.Name, err)
		}
	}
	patience := e.patience
	if patience == 0 {
		patience = relayTimeout
	}
	switch err := r.asking.Ask(ctx, &q); {
	case errors.Is(err, store.ErrNotFound):
		return away(fmt.Sprintf("node %s has just gone, and another one takes over what it had: try again in a moment", node.Name))
	case err != nil:
		return fmt.Errorf("ask node %s: %w", node.Name, err)
	}
	got, err := r.await(ctx, node, q.ID, patience)
	if err != nil {
		return err
	}
	return read(node, got, answer)
}

// await waits for the answer to a request.
func (r *relay) await(ctx context.Context, node *store.Member, id string, patience time.Duration) (store.RelayedAnswer, error) {
	begun := time.Now()
	look, wait := time.NewTimer(lookFirst), lookFirst
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			r.withdraw(ctx, id)
			return store.RelayedAnswer{}, context.Cause(ctx)
		case <-look.C:
		}
		got, err := r.asking.Await(ctx, id)
		passed := time.Since(begun)
		switch {
		case err != nil && !errors.Is(err, store.ErrUnreachable):
			return got, fmt.Errorf("await node %s: %w", node.Name, err)
		case err == nil && got.Status > 0:
			return got, nil
		case passed >= takeTimeout && !got.Taken && r.withdraw(ctx, id):
			return got, away(fmt.Sprintf("node %s has it and does not answer, so that nothing was done: try again in a moment", node.Name))
		case passed >= patience:
			return got, &server.Refusal{Status: http.StatusGatewayTimeout, RetryAfter: retryAway, Reason: fmt.Sprintf(
				"node %s has it and has not answered within %s: look whether it was done before you try again", node.Name, patience)}
		}
		wait = min(wait*3/2, lookAfter)
		look.Reset(wait)
	}
}

// withdraw gives a request up, also where who asked has given up waiting.
func (r *relay) withdraw(ctx context.Context, id string) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), takeTimeout)
	defer cancel()
	withdrawn, err := r.asking.Withdraw(ctx, id)
	if err != nil {
		r.logger.Debug("a request to another node could not be taken back", "err", err)
	}
	return withdrawn
}

// away is a refusal of what can be done in a moment.
func away(reason string) *server.Refusal {
	return &server.Refusal{Status: http.StatusServiceUnavailable, Reason: reason, RetryAfter: retryAway}
}

// read decodes an answer, or makes an error of the problem that it is.
func read(node *store.Member, got store.RelayedAnswer, answer any) error {
	if got.Status/100 == 2 {
		if answer == nil {
			return nil
		}
		if err := json.Unmarshal(got.Body, answer); err != nil {
			return fmt.Errorf("read answer of node %s: %w", node.Name, err)
		}
		return nil
	}
	var problem server.Problem
	if err := json.Unmarshal(got.Body, &problem); err != nil || problem.Detail == "" {
		return fmt.Errorf("read answer of node %s: status %d, and no problem that says why", node.Name, got.Status)
	}
	refusal := &server.Refusal{Status: got.Status, Reason: problem.Detail}
	switch got.Status {
	case http.StatusNotFound:
		return fmt.Errorf("node %s: %s: %w", node.Name, problem.Detail, store.ErrNotFound)
	case http.StatusInternalServerError:
		refusal.Status, refusal.Reason = http.StatusBadGateway, fmt.Sprintf("something went wrong on node %s; its log says what", node.Name)
	case http.StatusServiceUnavailable:
		refusal.RetryAfter = retryAway
	}
	return refusal
}
