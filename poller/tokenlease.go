package poller

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// CredentialIDs returns the ids of the credentials in an Auth for requests that go
// a route, for which a token has to be asked for: equal credentials have equal ids,
// on every node, and they show no secret. Who has credentials of the same id shares
// their token; of a refresh token the id is the name under which the [TokenStore]
// has it. There are none where the same is sent with every request.
func CredentialIDs(a Auth, r Route) []string {
	if c, ok := a.(*Credentials); ok {
		a = c.grant
	}
	g, ok := a.(grant)
	if !ok {
		return nil
	}
	return []string{credentialID(g, r)}
}

// credentialID is the id of a grant. What the files of a route hold is left out:
// it may be another thing on every node.
func credentialID(g grant, r Route) string {
	if g.firstRefresh() != "" {
		return "refresh_token/" + g.identity()
	}
	return "access_token/" + identify(g.identity(), r.Proxy, r.CAFile, r.CertFile, r.KeyFile, r.ServerName, r.InsecureSkipVerify)
}

// Adopt lets tokens be obtained by credentials that are leased, whether anybody has
// them yet or not. A refresh token is read anew from the store.
func (t *Tokens) Adopt(ids []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, id := range ids {
		t.adopted[id] = true
	}
}

// Release lets no tokens be obtained by credentials until they are adopted again,
// and forgets those that were. It waits for requests under way, whose refresh
// tokens would else be lost, and cancels them when ctx is done; then it tries once
// more to save what could not be saved. One that cannot be is kept, and is used
// where it turns out to be the newest when its credentials are adopted again. It is
// no error that another node has it already.
func (t *Tokens) Release(ctx context.Context, ids []string) error {
	t.mu.Lock()
	leaving := make(map[string]bool, len(ids))
	for _, id := range ids {
		leaving[id] = true
		delete(t.adopted, id)
	}
	var keepers []*keeper
	for _, pointer := range t.keepers {
		if k := pointer.Value(); k != nil && leaving[k.credential] {
			keepers = append(keepers, k)
		}
	}
	t.mu.Unlock()
	var errs []error
	for _, k := range keepers {
		errs = append(errs, k.leave(ctx))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("release tokens: %w", err)
	}
	return nil
}

// leave ends what is under way of a keeper, of which nothing is started any more,
// and forgets its token.
func (k *keeper) leave(ctx context.Context) error {
	k.mu.Lock()
	f := k.fetch
	k.mu.Unlock()
	var err error
	if f != nil {
		if err = waitFor(ctx, f.done); err != nil {
			err = fmt.Errorf("cancel request for a token: %w", err)
			f.cancel()
			<-f.done
		}
	}
	if k.chain != nil {
		if saved := k.chain.save(ctx); !errors.Is(saved, ErrElsewhere) {
			err = errors.Join(err, saved)
		}
		k.chain.leave()
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.current, k.refused = nil, false
	k.failure, k.failures, k.waitUntil = nil, 0, time.Time{}
	return err
}
