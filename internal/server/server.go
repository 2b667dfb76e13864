// Package server is pollwire's HTTP side: health, and the API that the command
// line speaks. It listens on TCP, for people and probes, and on a unix socket,
// for commands on the same machine.
//
// It decides who may ask (token, Host and Origin) and how answers look (JSON,
// and RFC 9457 problem details for every error). What is done is decided by the
// [Controller] behind it: this package reads and writes no state of its own.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds on what a client can make the server hold.
const (
	maxBodyBytes   = 64 << 10
	maxHeaderBytes = 32 << 10
	headerTimeout  = 10 * time.Second
	readTimeout    = 30 * time.Second
	writeTimeout   = 30 * time.Second
	idleTimeout    = 2 * time.Minute
)

// Options are what a Server is made of.
type Options struct {
	// Listen is the TCP address, host:port; empty turns TCP off.
	Listen string
	// Socket is the path of the unix socket; empty turns it off. Only the
	// user that runs the server can open it, so it asks for no token.
	Socket string
	// PublicURL is how people reach the server from elsewhere; nil if they do not.
	PublicURL *url.URL
	// Token is the bearer token of the API over TCP. Empty asks for none, which
	// is allowed on loopback only.
	Token string
	// Controller does what the API asks for.
	Controller Controller
	// Subscriptions keeps what is registered over the API; nil where nothing can be.
	Subscriptions Subscriptions
	// Pokes are the secrets of the sources that can be poked, by name. A poke
	// needs no other token.
	Pokes map[string]string
	// Poker polls what was poked; nil where there are no Pokes.
	Poker Poker
	// Reloader gives the daemon another configuration; nil where that cannot be.
	Reloader Reloader
	// Dashboard answers for all paths that are none of the API's; nil where there
	// are no pages. Over TCP it is asked only by those who may ask the API, but for
	// the page to log in and what pages load.
	Dashboard http.Handler
	// Ready are the checks behind /readyz.
	Ready []Check
	// Metrics answers /metrics; nil where nothing does.
	Metrics http.Handler
	// MetricsToken opens /metrics and nothing else, as Token does too. Empty for
	// Token alone.
	MetricsToken string
	// Logger receives what clients are not told.
	Logger *slog.Logger
}

// Server answers HTTP requests between Start and Stop.
type Server struct {
	opts      Options
	log       *slog.Logger
	readiness *readiness
	repeats   *repeats
	pokes     *pokes
	guard     atomic.Pointer[guard]

	// readers has a place for each request that waits for events, and draining is
	// closed when those are to end.
	readers  chan struct{}
	draining chan struct{}

	mu      sync.Mutex
	started bool
	// closed says that no handler may begin any more.
	closed  bool
	addr    string
	servers []*http.Server
	cancel  context.CancelFunc

	accepting sync.WaitGroup
	inFlight  sync.WaitGroup
	stopOnce  sync.Once
	stopErr   error
}

// New returns a server that does not listen yet.
func New(opts Options) *Server {
	s := &Server{
		opts:      opts,
		log:       opts.Logger,
		repeats:   newRepeats(opts.Logger),
		readiness: newReadiness(opts.Ready, opts.Logger),
		pokes:     newPokes(opts.Pokes, opts.Poker, opts.Logger),
		readers:   make(chan struct{}, maxReaders),
		draining:  make(chan struct{}),
	}
	s.guard.Store(newGuard(opts))
	return s
}

// Start begins to listen and returns; ctx bounds the start alone. It fails when
// an address is taken, when the socket's path is in use by another process, and
// when the API would be open beyond loopback without a token. After a failure
// nothing listens. A server starts once.
func (s *Server) Start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.started {
		return errors.New("start server: it was started or stopped before")
	}
	s.started = true

	var tcp, unix net.Listener
	if s.opts.Listen != "" {
		l, err := listenTCP(ctx, s.opts.Listen, s.opts.Token != "")
		if err != nil {
			return err
		}
		tcp = l
		s.addr = l.Addr().String()
	}
	if s.opts.Socket != "" {
		l, err := listenUnix(ctx, s.opts.Socket)
		if err != nil {
			if tcp != nil {
				err = errors.Join(err, tcp.Close())
				s.addr = ""
			}
			return err
		}
		unix = l
	}

	// Requests outlive the start: they end with Stop.
	base, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s.cancel = cancel
	if tcp != nil {
		s.serve(base, tcp, s.guarded(s.api()))
	}
	if unix != nil {
		s.serve(base, unix, s.api())
	}
	return nil
}

// Handler answers requests that another one has let in, as those over the socket
// are. Once the server has stopped it answers none any more: its handlers panic
// with [http.ErrAbortHandler].
func (s *Server) Handler() http.Handler { return s.track(recovered(s.log, s.api())) }

// serve answers the connections of one listener until the server is stopped.
func (s *Server) serve(base context.Context, l net.Listener, h http.Handler) {
	srv := &http.Server{
		Handler:           s.track(recovered(s.log, h)),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		BaseContext:       func(net.Listener) context.Context { return base },
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	s.servers = append(s.servers, srv)
	s.accepting.Go(func() {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("stopped listening", "addr", l.Addr().String(), "err", err)
		}
	})
}

// track counts the requests under way, for Stop to wait for.
func (s *Server) track(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.enter() {
			panic(http.ErrAbortHandler)
		}
		defer s.inFlight.Done()
		h.ServeHTTP(w, r)
	})
}

// enter lets a handler begin. A connection that is cut off while its request
// arrives may come here after Stop has begun to wait.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.inFlight.Add(1)
	return true
}

// Addr is the TCP address that the server listens on, with the port that was
// chosen for port 0; empty before Start and without TCP.
func (s *Server) Addr() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addr
}

// Stop takes no more requests and waits for those under way; those that wait for
// events are answered with what there is. Polls for pokes that
// have not been asked for are given up. When ctx ends
// first, they are cut off, and the error says so. It returns when no handler
// runs any more; further calls return the same error.
func (s *Server) Stop(ctx context.Context) error {
	s.stopOnce.Do(func() { s.stopErr = s.stop(ctx) })
	return s.stopErr
}

func (s *Server) stop(ctx context.Context) error {
	close(s.draining)
	s.mu.Lock()
	s.started = true // A server that was stopped first never starts.
	servers, cancel := s.servers, s.cancel
	s.mu.Unlock()

	// Together, so that no listener takes requests while another one drains.
	errs := make([]error, len(servers))
	var draining sync.WaitGroup
	for i, srv := range servers {
		draining.Go(func() {
			if err := srv.Shutdown(ctx); err != nil {
				errs[i] = errors.Join(fmt.Errorf("wait for requests: %w", err), srv.Close())
			}
		})
	}
	draining.Wait()
	if cancel != nil {
		cancel()
	}
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.accepting.Wait()
	s.inFlight.Wait()
	s.pokes.stop()
	return errors.Join(errs...)
}
