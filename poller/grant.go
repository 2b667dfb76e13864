package poller

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"time"
)

// grant is an Auth whose token has to be asked for. Sources with the same grant
// share the token; see [Tokens].
type grant interface {
	Auth
	secretHolder
	// identity tells grants apart. It is no secret.
	identity() string
	// asker returns what asks for tokens, for one keeper.
	asker() asker
	// firstRefresh is the refresh token to begin with, empty where the grant has none.
	firstRefresh() string
	// header is where a request carries the token.
	header(token string) (name, value string)
}

// asker asks for a token. It is used by one goroutine at a time.
type asker interface {
	ask(ctx context.Context, c *tokenClient, refresh string) (tokenAnswer, error)
}

// tokenAnswer is what was granted.
type tokenAnswer struct {
	access string
	// refresh replaces the refresh token that was used; empty where that stays.
	refresh string
	// lifetime is 0 where nothing is known of it.
	lifetime time.Duration
}

// errNoFetcher says that a grant was used by itself.
var errNoFetcher = errors.New("its token is obtained by a Fetcher only")

// identify makes the identity of a grant of whatever tells it apart.
func identify(parts ...any) string {
	encoded, err := json.Marshal(parts)
	if err != nil {
		panic(err) // strings, and lists of them, encode
	}
	sum := sha256.Sum256(encoded)
	return hex.EncodeToString(sum[:])
}

// tokenAuth is a grant together with what keeps its token.
type tokenAuth struct {
	grant  grant
	keeper *keeper
}

// Authorize implements [Auth]. It waits for the token where there is none.
func (a *tokenAuth) Authorize(ctx context.Context, req *http.Request) error {
	token, err := a.keeper.get(ctx)
	if err != nil {
		return err
	}
	name, value := a.grant.header(token)
	req.Header.Set(name, value)
	return nil
}

// Secrets returns the tokens that must never be shown.
func (a *tokenAuth) Secrets() []string { return a.keeper.secrets() }

// renew gives up the token that a request carried, since the server refused it,
// and reports whether the request may be made again with another.
func (a *tokenAuth) renew(sent http.Header) bool {
	return a.keeper.renew(func(token string) bool {
		name, value := a.grant.header(token)
		return sent.Get(name) == value
	})
}

// carried reports whether a request carried a token at all: a redirect to
// another origin does not.
func (a *tokenAuth) carried(sent http.Header) bool {
	name, _ := a.grant.header("")
	return sent.Get(name) != ""
}
