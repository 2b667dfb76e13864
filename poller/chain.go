package poller

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/pollwire/pollwire/internal/seal"
)

// saveTimeout bounds saving a refresh token, which is not ended with what it
// came with: it may be the only one that is still good.
const saveTimeout = 10 * time.Second

// chain is a refresh token and those that replaced it. Servers that rotate
// refresh tokens take the newest only, and revoke all when an older one comes
// back, so the newest must never be lost: it is saved before what came with it
// is used, and until then kept here, and its saving tried again before each use.
// Its methods are called by one goroutine at a time.
type chain struct {
	// name is what it is saved under. It is made of what the operator configured,
	// the first refresh token too: with another one, another chain begins.
	name  string
	first string
	store TokenStore
	// lost says of an error of the store that another node has the chain by now.
	lost func(error) bool
	seal *seal.Sealer
	log  *slog.Logger

	// refresh is the newest; empty until it was looked for in the store.
	refresh string
	// unsaved says that it is not there, in place of replaced.
	unsaved  bool
	replaced string
	// away says that another node may have used the chain since.
	away bool
	// pending is the access token that came with what is not saved.
	pending *token
	// unreadable says that what was saved could not be opened.
	unreadable bool
}

// begin finds the newest refresh token, and saves what could not be saved
// before. It returns the access token that waited for that, if it is still good.
func (c *chain) begin(ctx context.Context) (*token, error) {
	if err := c.load(ctx); err != nil {
		return nil, err
	}
	if err := c.save(ctx); err != nil {
		return nil, err
	}
	pending := c.pending
	c.pending = nil
	if pending != nil && (pending.end.IsZero() || time.Now().Before(pending.renewAt)) {
		return pending, nil
	}
	return nil, nil
}

func (c *chain) load(ctx context.Context) error {
	if c.refresh != "" && !c.away {
		return nil
	}
	sealed, err := c.store.Token(ctx, c.name)
	if err != nil {
		return &tokenError{err: fmt.Errorf("read saved refresh token: %w", err), retryable: true}
	}
	saved := c.first
	if sealed != nil {
		if saved, err = c.seal.Open(c.name, sealed); err != nil {
			// The configured one may still be good: not every server rotates at once.
			c.unreadable, saved = true, c.first
			c.log.WarnContext(ctx, "saved refresh token cannot be opened, using the configured one; was storage.encryption_key changed?", "err", err)
		}
	}
	c.away = false
	if c.unsaved && saved == c.replaced {
		return nil // Nobody got another one for it since, so the one that we got is its successor.
	}
	c.refresh, c.unsaved, c.pending = saved, false, nil
	return nil
}

// leave forgets what another node may change from now on. A refresh token that
// could not be saved is kept: it may be the only good one.
func (c *chain) leave() {
	c.away = true
	if !c.unsaved {
		c.refresh, c.pending = "", nil
	}
}

// rotate takes the successor of the refresh token, and returns when it is saved.
// t is the access token that came with it.
func (c *chain) rotate(ctx context.Context, refresh string, t *token) error {
	if refresh == c.refresh {
		return nil
	}
	c.refresh, c.unsaved, c.replaced, c.pending = refresh, true, c.refresh, t
	if err := c.save(ctx); err != nil {
		return err
	}
	c.pending = nil
	return nil
}

// save makes the refresh token durable, where it is not.
func (c *chain) save(ctx context.Context) error {
	if !c.unsaved {
		return nil
	}
	sealed, err := c.seal.Seal(c.name, c.refresh)
	if err == nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTimeout)
		defer cancel()
		err = c.store.SaveToken(ctx, c.name, sealed)
	}
	if err != nil && c.lost(err) {
		return &tokenError{err: fmt.Errorf("save the new refresh token: %w: %w", ErrElsewhere, err)}
	}
	if err != nil {
		return &tokenError{
			err:       fmt.Errorf("save the new refresh token, which is kept in memory only until then: %w", err),
			retryable: true,
		}
	}
	c.unsaved, c.unreadable, c.replaced = false, false, ""
	return nil
}

// explain adds the way out to the refusal of a refresh token.
func (c *chain) explain(err error) error {
	failure, ok := errors.AsType[*tokenError](err)
	if !ok || !failure.refusedGrant {
		return err
	}
	way := "authorize pollwire anew, and put the refresh token that you get into auth.refresh_token"
	if c.unreadable {
		way = "the saved refresh token could not be opened, so the configured one was used: restore the old storage.encryption_key, or " + way
	}
	return &tokenError{err: fmt.Errorf("%w; %s", failure.err, way), refusedGrant: true}
}
