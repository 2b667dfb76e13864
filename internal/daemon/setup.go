package daemon

import (
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"time"

	"github.com/pollwire/pollwire/internal/bridge"
	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/poller"
)

// setup is what a configuration comes to: all that the parts of the daemon are
// given. It is made as a whole before any of it is used, so that a mistake is
// found while nothing has happened yet, and never changes.
type setup struct {
	// made is when it was made.
	made time.Time
	// sources are those of the configuration, disabled ones too, by name.
	sources map[string]*source
	// configured are the endpoints of the configuration; who subscribed is told
	// besides.
	configured roster
	limits     []poller.Limit
	// publicURL is where others reach the server, nil where that is not known; link
	// is the same as text.
	publicURL *url.URL
	link      string
	// token is what requests to the server need, empty for nothing; metricsToken is
	// another one for /metrics.
	token         string
	metricsToken  string
	subscriptions config.Subscriptions
	retention     config.Retention
	logLevel      slog.Level
	// secrets are values of requests that no error may show.
	secrets []string
	fixed   fixed
}

// source is a source of the configuration.
type source struct {
	// asked and judged are what the poller and the bridge know of it.
	asked  *poller.Source
	judged *bridge.Source
	// enabled ones are polled; schedule is as it was written.
	enabled  bool
	schedule string
	// poke is the secret that others poll it with, empty where they may not.
	poke string
}

// fixed are the values that a daemon keeps from its start to its end.
type fixed struct{ dsn, encryptionKey, listen, logFormat string }

// newSetup makes the setup of a configuration. Without tokens its endpoints have
// no credentials.
func newSetup(cfg *config.Config, tokens *poller.Tokens) (*setup, error) {
	asked, err := sources(cfg)
	if err != nil {
		return nil, err
	}
	judged, err := judges(cfg, asked)
	if err != nil {
		return nil, err
	}
	s := &setup{
		made:          time.Now().UTC(),
		sources:       make(map[string]*source, len(cfg.Sources)),
		limits:        limits(cfg),
		link:          cfg.Server.PublicURL.Reveal(),
		token:         cfg.Server.Token.Reveal(),
		metricsToken:  cfg.Server.MetricsToken.Reveal(),
		subscriptions: cfg.Server.Subscriptions,
		retention:     cfg.Storage.Retention,
		logLevel:      logLevel(&cfg.Log),
		secrets:       cfg.RequestSecrets(),
		fixed: fixed{
			dsn: cfg.Storage.DSN, encryptionKey: cfg.Storage.EncryptionKey.Reveal(),
			listen: cfg.Server.Listen, logFormat: cfg.Log.Format,
		},
	}
	if s.configured, err = newRoster(cfg, tokens); err != nil {
		return nil, err
	}
	if s.link != "" {
		if s.publicURL, err = url.Parse(s.link); err != nil {
			return nil, fmt.Errorf("parse server.public_url: %w", err)
		}
	}
	for i := range cfg.Sources {
		written := &cfg.Sources[i]
		made := &source{
			asked: asked[written.Name], judged: &judged[i], enabled: written.Enabled, schedule: written.Schedule,
		}
		if written.Poke != nil {
			made.poke = written.Poke.Secret.Reveal()
		}
		s.sources[written.Name] = made
	}
	return s, nil
}

// names are those of the sources.
func (s *setup) names() []string { return slices.Sorted(maps.Keys(s.sources)) }

// judged are the sources as the bridge knows them.
func (s *setup) judged() []*bridge.Source {
	list := make([]*bridge.Source, 0, len(s.sources))
	for _, name := range s.names() {
		list = append(list, s.sources[name].judged)
	}
	return list
}

// enabled are the sources that are polled.
func (s *setup) enabled() []*poller.Source {
	var list []*poller.Source
	for _, name := range s.names() {
		if source := s.sources[name]; source.enabled {
			list = append(list, source.asked)
		}
	}
	return list
}

// pokes are the secrets of the sources that can be poked, by name.
func (s *setup) pokes() map[string]string {
	secrets := make(map[string]string)
	for name, source := range s.sources {
		if source.enabled && source.poke != "" {
			secrets[name] = source.poke
		}
	}
	return secrets
}
