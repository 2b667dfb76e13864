package poller

import "context"

// TokenStore keeps sealed tokens across restarts.
type TokenStore interface {
	// Token returns what was saved under a name, nil where nothing was.
	Token(ctx context.Context, name string) ([]byte, error)
	// SaveToken replaces it, and returns when it is durable.
	SaveToken(ctx context.Context, name string, sealed []byte) error
}
