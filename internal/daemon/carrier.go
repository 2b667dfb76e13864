package daemon

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/store"
)

const (
	// maxRelayed bounds an answer, and maxCarried how many requests of others are
	// carried out at once.
	maxRelayed = 4 << 20
	maxCarried = 16
	// carryAgain is how soon requests of others are looked for again where the
	// database did not answer.
	carryAgain = time.Second
)

// carrying is the part of the database that has the requests of other nodes.
type carrying interface {
	// Pending takes requests to a node, the oldest first.
	Pending(ctx context.Context, node string, limit int) ([]store.Relayed, error)
	// Answer answers a request that was taken.
	Answer(ctx context.Context, id string, status int, body []byte) error
}

// carrier carries out the requests that other nodes have left for this one.
type carrier struct {
	carrying carrying
	// self is the ID of this node, empty while it has none.
	self func() string
	// serve carries out a request; it is set before run.
	serve  http.Handler
	logger *slog.Logger

	woken chan struct{}
	// slots has a token for each request of others that may be carried out.
	slots chan struct{}
}

func newCarrier(from carrying, self func() string, logger *slog.Logger) *carrier {
	c := &carrier{
		carrying: from, self: self, logger: logger,
		woken: make(chan struct{}, 1), slots: make(chan struct{}, maxCarried),
	}
	for range maxCarried {
		c.slots <- struct{}{}
	}
	return c
}

// wake says that other nodes may have left a request.
func (c *carrier) wake() {
	select {
	case c.woken <- struct{}{}:
	default:
	}
}

// run carries out what other nodes ask for, until ctx ends. It returns when nothing
// of it is under way.
func (c *carrier) run(ctx context.Context) {
	again := time.NewTimer(0)
	defer again.Stop()
	defer func() {
		for range maxCarried {
			<-c.slots
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.woken:
		case <-again.C:
		}
		if err := c.carryAll(ctx); err != nil {
			again.Reset(carryAgain)
		}
	}
}

// carryAll begins to carry out what was left, as much at once as may be.
func (c *carrier) carryAll(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-c.slots:
		}
		free := 1
		for more := true; more && free < maxCarried; {
			select {
			case <-c.slots:
				free++
			default:
				more = false
			}
		}
		taken, err := c.take(ctx, free)
		for i := range taken {
			go func() {
				defer func() { c.slots <- struct{}{} }()
				c.carry(ctx, &taken[i])
			}()
		}
		for range free - len(taken) {
			c.slots <- struct{}{}
		}
		if err != nil || len(taken) < free {
			return err
		}
	}
}

// take takes requests of others.
func (c *carrier) take(ctx context.Context, most int) ([]store.Relayed, error) {
	self := c.self()
	if self == "" {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, takeTimeout)
	defer cancel()
	taken, err := c.carrying.Pending(ctx, self, most)
	if err != nil {
		c.logger.Debug("requests of other nodes cannot be read", "err", err)
	}
	return taken, err
}

// carry carries out a request of another node and answers it.
func (c *carrier) carry(ctx context.Context, q *store.Relayed) {
	status, body := c.do(ctx, q)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), takeTimeout)
	defer cancel()
	if err := c.carrying.Answer(ctx, q.ID, status, body); err != nil {
		c.logger.Warn("a request of another node was carried out, and could not be answered", "method", q.Method, "path", q.Path, "err", err)
	}
}

// relayedKey is the key, in the context of a request, that says that another node
// has sent it here: it is sent no further.
type relayedKey struct{}

// isRelayed says whether another node has sent a request here.
func isRelayed(ctx context.Context) bool { return ctx.Value(relayedKey{}) != nil }

// do carries out a request.
func (c *carrier) do(ctx context.Context, q *store.Relayed) (status int, body []byte) {
	ctx, cancel := context.WithTimeout(context.WithValue(ctx, relayedKey{}, true), askTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, q.Method, q.Path, bytes.NewReader(q.Body))
	if err != nil {
		return http.StatusBadRequest, problemOf("this is no request: " + err.Error())
	}
	if len(q.Body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	w := &kept{header: make(http.Header), status: http.StatusOK}
	func() {
		defer func() {
			if cause := recover(); cause != nil {
				w.broken = true // the server has logged why, or stops
			}
		}()
		c.serve.ServeHTTP(w, req)
	}()
	switch {
	case w.broken:
		return http.StatusServiceUnavailable, problemOf("the node stops: try again in a moment")
	case w.large:
		return http.StatusBadGateway, problemOf(fmt.Sprintf("the answer has more than %d MiB, which other nodes do not pass on: ask the node that has it", maxRelayed>>20))
	}
	return w.status, w.body.Bytes()
}

// problemOf is a problem that says so much.
func problemOf(detail string) []byte {
	text, _ := json.Marshal(server.Problem{Detail: detail}) // texts can be encoded
	return text
}

// kept is the answer to a request of another node.
type kept struct {
	header http.Header
	status int
	body   bytes.Buffer
	// large says that the body has more than may be passed on, broken that the answer
	// was not brought to its end.
	large, broken bool
}

var _ http.ResponseWriter = (*kept)(nil)

func (w *kept) Header() http.Header    { return w.header }
func (w *kept) WriteHeader(status int) { w.status = status }

func (w *kept) Write(p []byte) (int, error) {
	if w.body.Len()+len(p) > maxRelayed {
		w.large = true
		return 0, io.ErrShortBuffer
	}
	return w.body.Write(p)
}
