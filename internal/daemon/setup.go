package daemon

import (
	"crypto/sha256"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"time"

	"github.com/pollwire/pollwire/internal/bridge"
	"github.com/pollwire/pollwire/internal/cluster"
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
	// prints tell whether anything of an endpoint was changed, by its name.
	prints map[string][sha256.Size]byte
	// groups are what nodes share out of it, nil where the database has one node.
	groups []cluster.Group
	// mark is by what nodes see whether they have the same configuration.
	mark  string
	fixed fixed
}

// source is a source of the configuration. It never changes.
type source struct {
	// asked and judged are what the poller and the bridge know of it.
	asked  *poller.Source
	judged *bridge.Source
	// enabled ones are polled; schedule is as it was written.
	enabled  bool
	schedule string
	// formerly is the name that it had before, empty for none.
	formerly string
	// poke is the secret that others poll it with, empty where they may not.
	poke string
	// print tells whether anything of it was changed.
	print [sha256.Size]byte
}

// newSetup makes the setup of a configuration. Without tokens its endpoints have
// no credentials. Sources that are as they were before are taken from there; nil
// for none.
func newSetup(cfg *config.Config, tokens *poller.Tokens, before *setup) (*setup, error) {
	s := &setup{
		made:          time.Now().UTC(),
		sources:       make(map[string]*source, len(cfg.Sources)),
		prints:        make(map[string][sha256.Size]byte, len(cfg.Endpoints)),
		limits:        limits(cfg),
		link:          cfg.Server.PublicURL.Reveal(),
		token:         cfg.Server.Token.Reveal(),
		metricsToken:  cfg.Server.MetricsToken.Reveal(),
		subscriptions: cfg.Server.Subscriptions,
		retention:     cfg.Storage.Retention,
		logLevel:      logLevel(&cfg.Log),
		secrets:       cfg.RequestSecrets(),
		fixed: fixed{
			dsn: cfg.Storage.DSN.Reveal(), encryptionKey: cfg.Storage.EncryptionKey.Reveal(),
			listen: cfg.Server.Listen, logFormat: cfg.Log.Format,
		},
	}
	conditions := make(conditions)
	for i := range cfg.Sources {
		written := &cfg.Sources[i]
		made, err := newSource(written, before.source(written.Name), conditions)
		if err != nil {
			return nil, fmt.Errorf("source %q: %w", written.Name, err)
		}
		s.sources[written.Name] = made
	}
	var err error
	if s.configured, err = newRoster(cfg, tokens); err != nil {
		return nil, err
	}
	for i := range cfg.Endpoints {
		s.prints[cfg.Endpoints[i].Name] = cfg.Endpoints[i].Fingerprint()
	}
	if err := s.share(cfg); err != nil {
		return nil, err
	}
	if s.link != "" {
		if s.publicURL, err = url.Parse(s.link); err != nil {
			return nil, fmt.Errorf("parse server.public_url: %w", err)
		}
	}
	return s, nil
}

// newSource makes a source, or returns what it was before where it is that still.
func newSource(written *config.Source, before *source, c conditions) (*source, error) {
	mark := written.Fingerprint()
	if before != nil && before.print == mark && before.asked.Request.Route.CAVersion == caVersion(written.Request.TLS.CAFile) {
		return before, nil
	}
	asked, err := ask(written)
	if err != nil {
		return nil, err
	}
	// Who is asked as before goes on being asked, whatever else is different.
	if before != nil && reflect.DeepEqual(before.asked, asked) {
		asked = before.asked
	}
	judged, err := judge(written, asked, c)
	if err != nil {
		return nil, err
	}
	made := &source{
		asked: asked, judged: judged, enabled: written.Enabled, schedule: written.Schedule, formerly: written.Formerly, print: mark,
	}
	if written.Poke != nil {
		made.poke = written.Poke.Secret.Reveal()
	}
	return made, nil
}

// source is the source of a name, nil where there is none; a nil setup has none.
func (s *setup) source(name string) *source {
	if s == nil {
		return nil
	}
	return s.sources[name]
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
