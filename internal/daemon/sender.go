package daemon

import (
	"context"

	"github.com/pollwire/pollwire/notify"
	"github.com/pollwire/pollwire/poller"
)

// newSender returns what posts to endpoints.
func newSender(o Options) *notify.Sender {
	return notify.NewSender(notify.SenderOptions{Transport: o.Transport, Version: o.Version})
}

// wireSender makes what posts to receivers, and the tokens that sources and
// endpoints share. Both are stopped after all that uses them.
func (d *Daemon) wireSender(context.Context) error {
	d.tokens = poller.NewTokens(poller.TokensOptions{
		Version: d.o.Version, Store: d.store, Key: d.cfg.Storage.EncryptionKey.Reveal(), Logger: d.logger,
		Leased: d.leased(), Holds: d.holdsToken, Lost: lost, RoundTripper: d.o.Upstream,
	})
	d.started("tokens", d.tokens.Stop)
	d.sender = newSender(d.o)
	d.started("connections to receivers", func(context.Context) error {
		d.sender.Close()
		return nil
	})
	return nil
}

// namePublicKeys tells the operator what receivers verify by, where an endpoint
// signs with private keys: it is made from them and stands nowhere else.
func (d *Daemon) namePublicKeys(e *notify.Endpoint) {
	for _, s := range e.Secrets {
		if key := s.Public(); key != "" {
			d.logger.Info("endpoint signs with a private key", "endpoint", e.Name, "public_key", key)
		}
	}
}
