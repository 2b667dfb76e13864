package poller

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"
)

const (
	proxyUser     = "joe"
	proxyPassword = "proxy-p@ss/word"
)

// httpProxy is an HTTP proxy that wants a user and a password. It connects to
// whatever it is asked for, and passes on requests in plain HTTP.
type httpProxy struct {
	connects, requests atomic.Int32
}

func (p *httpProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	want := "Basic " + base64.StdEncoding.EncodeToString([]byte(proxyUser+":"+proxyPassword))
	if r.Header.Get("Proxy-Authorization") != want {
		w.WriteHeader(http.StatusProxyAuthRequired)
		return
	}
	if r.Method != http.MethodConnect {
		p.requests.Add(1)
		r.Header.Del("Proxy-Authorization")
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		w.WriteHeader(resp.StatusCode)
		_, _ = io.Copy(w, resp.Body)
		return
	}
	p.connects.Add(1)
	there, err := net.Dial("tcp", r.Host)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	here, buffered, err := w.(http.Hijacker).Hijack()
	if err != nil {
		there.Close()
		return
	}
	_, _ = here.Write([]byte("HTTP/1.1 200 OK\r\n\r\n"))
	join(here, buffered, there)
}

// join passes on what two ends say until one of them hangs up.
func join(here net.Conn, reader io.Reader, there net.Conn) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(here, there)
		here.Close()
	}()
	_, _ = io.Copy(there, reader)
	there.Close()
	<-done
}

func newHTTPProxy(tb testing.TB) (*httpProxy, *httptest.Server) {
	tb.Helper()
	p := new(httpProxy)
	srv := httptest.NewServer(p)
	tb.Cleanup(srv.Close)
	return p, srv
}

// newSOCKS starts a SOCKS 5 proxy (RFC 1928) that wants a user and a password
// (RFC 1929), and counts the connections that it makes.
func newSOCKS(tb testing.TB) (addr string, made *atomic.Int32) {
	tb.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	made = new(atomic.Int32)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				there, err := socksHandshake(conn)
				if err != nil {
					return
				}
				made.Add(1)
				join(conn, conn, there)
			}()
		}
	}()
	tb.Cleanup(func() {
		ln.Close()
		<-done
	})
	return ln.Addr().String(), made
}

var errSOCKS = errors.New("not served")

// socksHandshake reads what the client wants, and connects to it.
func socksHandshake(conn net.Conn) (net.Conn, error) {
	take := func(n int) []byte {
		b := make([]byte, n)
		if _, err := io.ReadFull(conn, b); err != nil {
			return make([]byte, n)
		}
		return b
	}
	take(int(take(2)[1])) // version, methods
	_, _ = conn.Write([]byte{5, 2})
	user := string(take(int(take(2)[1])))
	password := string(take(int(take(1)[0])))
	if user != proxyUser || password != proxyPassword {
		_, _ = conn.Write([]byte{1, 1})
		return nil, errSOCKS
	}
	_, _ = conn.Write([]byte{1, 0})
	var host string
	switch request := take(4); request[3] {
	case 1:
		host = net.IP(take(4)).String()
	case 3:
		host = string(take(int(take(1)[0])))
	default:
		return nil, errSOCKS
	}
	port := take(2)
	there, err := net.Dial("tcp", net.JoinHostPort(host, strconv.Itoa(int(port[0])<<8|int(port[1]))))
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	_, _ = conn.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
	return there, nil
}
