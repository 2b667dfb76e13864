package poller

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"sync"
	"time"
	"weak"

	"github.com/pollwire/pollwire/internal/httpclient"
	"github.com/pollwire/pollwire/internal/seal"
)

// TokensOptions are what Tokens are made of. The zero value serves all grants
// but [OAuth2RefreshToken].
type TokensOptions struct {
	// Version is pollwire's own, for the User-Agent of requests that no Fetcher
	// makes.
	Version string
	// Store keeps refresh tokens that replaced the configured ones.
	Store TokenStore
	// Key is the secret under which they are sealed, at least 32 bytes of text.
	Key string
	// Leased says that only tokens are obtained whose credentials were adopted; see
	// [Tokens.Adopt].
	Leased bool
	// Holds says whether this node may obtain a token by credentials at this moment;
	// it is asked right before each request for one. nil for always.
	Holds func(credential string) bool
	// Lost says of an error of the store that a token is another node's by now; nil
	// for none.
	Lost func(error) bool
	// Logger is told what operators want to know; nil for nobody.
	Logger *slog.Logger
	// RoundTripper replaces network and HTTP. For tests.
	RoundTripper http.RoundTripper
}

// Tokens are the access tokens of all sources, and of whoever else has
// [Tokens.Credentials]. Those with the same credentials share one: it is asked for
// once however many wait, kept until shortly before its end, and renewed when a
// server refuses it. Its methods may be called concurrently.
type Tokens struct {
	store TokenStore
	seal  *seal.Sealer // nil without a key
	log   *slog.Logger
	holds func(credential string) bool
	lost  func(error) bool
	// routes are those of requests for tokens that no Fetcher makes.
	routes *httpclient.Routes

	ctx    context.Context // of the requests for tokens
	cancel context.CancelCauseFunc
	under  sync.WaitGroup

	mu      sync.Mutex
	stopped bool
	// adopted are the ids of the credentials whose tokens may be obtained, where
	// they are leased.
	leased  bool
	adopted map[string]bool
	// keepers are those that anybody has credentials of: with the last who has, one
	// goes too, for configurations come and go.
	keepers map[string]weak.Pointer[keeper]
	// chained are those of refresh tokens. They stay, since the only good one may be
	// in memory alone.
	chained []*keeper
}

// NewTokens returns tokens none of which is known yet. Stop ends them.
func NewTokens(o TokensOptions) *Tokens {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Holds == nil {
		o.Holds = func(string) bool { return true }
	}
	if o.Lost == nil {
		o.Lost = func(error) bool { return false }
	}
	t := &Tokens{
		store: o.Store, log: o.Logger, holds: o.Holds, lost: o.Lost, leased: o.Leased,
		adopted: make(map[string]bool), keepers: make(map[string]weak.Pointer[keeper]),
	}
	t.routes = httpclient.NewRoutes(httpclient.Options{Version: o.Version, RoundTripper: o.RoundTripper})
	if o.Key != "" {
		t.seal = seal.New(o.Key, seal.Tokens)
	}
	// Many polls wait for one request, so it ends with none of them.
	t.ctx, t.cancel = context.WithCancelCause(context.Background())
	return t
}

// Stop ends obtaining. It waits for requests under way, whose refresh tokens
// would else be lost, and cancels them when ctx is done; then it tries once more
// to save what could not be saved. Further calls do nothing more.
func (t *Tokens) Stop(ctx context.Context) error {
	t.mu.Lock()
	t.stopped = true
	t.mu.Unlock()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		t.under.Wait()
	}()
	select {
	case <-ended:
	case <-ctx.Done():
		t.cancel(errTokensStopped)
		<-ended
	}
	t.cancel(errTokensStopped)
	t.routes.CloseIdle()
	t.mu.Lock()
	defer t.mu.Unlock()
	var errs []error
	for _, k := range t.chained {
		if !k.chain.away { // else it was tried when it was released
			errs = append(errs, k.chain.save(ctx))
		}
	}
	return errors.Join(errs...)
}

// start runs a fetch of a keeper. The error says why nothing is started.
func (t *Tokens) start(k *keeper, f *fetch) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.stopped:
		return errTokensStopped
	case t.leased && !t.adopted[k.credential]:
		return &tokenError{err: ErrElsewhere}
	}
	ctx, cancel := context.WithTimeout(t.ctx, k.timeout)
	f.cancel = cancel
	t.under.Go(func() {
		defer cancel()
		k.run(ctx)
	})
	return nil
}

// auth returns the Auth that gives requests the token of a grant. Where another
// source has the same grant already, it is that one's. Token requests go the
// way of the first source that has it.
func (t *Tokens) auth(g grant, r Route, client *httpclient.Client, secrets *httpclient.Redactor, timeout time.Duration) (Auth, error) {
	id := g.identity()
	if g.firstRefresh() == "" {
		// A token may be bound to the client certificate that it was asked for
		// with (RFC 8705). A refresh token is one whichever way it goes.
		id = identify(id, r.Proxy, r.CAFile, r.CAVersion, r.CertFile, r.KeyFile, r.ServerName, r.InsecureSkipVerify)
	}
	k, err := t.keeper(id, g, r, client, secrets, timeout)
	if err != nil {
		return nil, err
	}
	k.trust(r, client) // without the lock, which one that holds the keeper's may wait for
	return &tokenAuth{grant: g, keeper: k}, nil
}

// keeper returns what keeps the token of a grant, made where nobody has it.
func (t *Tokens) keeper(id string, g grant, r Route, client *httpclient.Client, secrets *httpclient.Redactor, timeout time.Duration) (*keeper, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := t.keepers[id].Value()
	if k == nil {
		k = &keeper{tokens: t, credential: credentialID(g, r), asker: g.asker(), timeout: timeout, route: r}
		k.client = &tokenClient{Client: client, mask: func() *httpclient.Redactor {
			return secrets.With(append(append(g.Secrets(), r.secrets()...), k.secrets()...)...)
		}}
		if first := g.firstRefresh(); first != "" {
			if t.store == nil || t.seal == nil {
				return nil, fmt.Errorf("refresh tokens need a store and a key (storage.encryption_key): %w", errRequest)
			}
			k.chain = &chain{name: k.credential, first: first, store: t.store, lost: t.lost, seal: t.seal, log: t.log}
		}
		t.keep(id, k)
	}
	return k, nil
}

// keep lets others who have the same grant find a keeper. The lock is held.
func (t *Tokens) keep(id string, k *keeper) {
	t.keepers[id] = weak.Make(k)
	if k.chain != nil {
		t.chained = append(t.chained, k)
	} else {
		runtime.AddCleanup(k, t.forget, id)
	}
}

// forget drops what is left of a keeper that nobody has any more.
func (t *Tokens) forget(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.keepers[id].Value() == nil { // else another one has come
		delete(t.keepers, id)
	}
}
