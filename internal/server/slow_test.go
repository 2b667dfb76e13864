package server

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// pipeListener hands out one end of a pipe, so that time can be faked.
type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { close(l.done); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

// TestSlowClientsAreCutOff: a client holds a connection no longer than the
// limits say, however slowly it sends.
func TestSlowClientsAreCutOff(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		send string
		want time.Duration
	}{
		{"half a header", "GET /healthz HTTP/1.1\r\nHost: loc", headerTimeout},
		{"half a body", "POST /v1/sources/a/poll HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{", readTimeout},
		{"idle", "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", idleTimeout},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := New(Options{Logger: slog.New(slog.DiscardHandler)})
				l := &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
				s.serve(t.Context(), l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if bad := readBody(w, r, &struct{}{}); bad != nil {
						writeProblem(w, r, bad.status, bad.detail)
						return
					}
					writeJSON(w, http.StatusOK, struct{}{})
				}))
				client, far := net.Pipe()
				l.conns <- far
				began := time.Now()
				if _, err := io.WriteString(client, tc.send); err != nil {
					t.Fatal(err)
				}
				if _, err := io.Copy(io.Discard, client); err != nil {
					t.Fatal(err)
				}
				// Where an answer is sent before the cut, the server lingers for a moment.
				if took := time.Since(began); took < tc.want || took > tc.want+time.Second {
					t.Errorf("cut off after %v, want %v", took, tc.want)
				}
				if err := s.Stop(t.Context()); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}
