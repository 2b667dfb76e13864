package daemon

import (
	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/httpclient"
	"github.com/pollwire/pollwire/internal/store/postgres"
	"github.com/pollwire/pollwire/notify"
)

// Check says whether a configuration that is valid by itself can be run: what
// the other packages refuse is refused here too. Its error is a config.Errors
// where the places of the mistakes are known.
func Check(cfg *config.Config) error {
	if err := checkTemplates(cfg); err != nil {
		return err
	}
	if cfg.Storage.Engine() == config.PostgreSQL {
		if err := postgres.Check(cfg.Storage.DSN.Reveal()); err != nil {
			return err
		}
	}
	_, err := newSetup(cfg, nil, nil)
	return err
}

// checkTemplates tries the templates of all endpoints. What their errors quote
// may come from a secret.
func checkTemplates(cfg *config.Config) error {
	secrets := httpclient.NewRedactor(cfg.RequestSecrets()...)
	var bad config.Errors
	for i := range cfg.Endpoints {
		t := cfg.Endpoints[i].Template
		if t == nil {
			continue
		}
		if _, err := notify.ParseTemplate(t.ContentType, t.Body.Reveal()); err != nil {
			bad = append(bad, cfg.EndpointMistake(i, "template.body", secrets.Error(err).Error()))
		}
	}
	if bad == nil {
		return nil
	}
	return bad
}
