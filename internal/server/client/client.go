// Package client speaks the API of a running daemon, for the command line:
// over the unix socket on the same machine, or over HTTP with a token.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"time"

	"github.com/pollwire/pollwire/internal/server"
)

// ErrNotRunning says that no daemon answers on the unix socket.
var ErrNotRunning = errors.New("no daemon is running")

const (
	dialTimeout = 5 * time.Second
	// maxAnswer bounds what is read of one answer, in bytes. A preview carries
	// whole documents.
	maxAnswer = 64 << 20
)

// Options say where the daemon is.
type Options struct {
	// Socket is the path of the daemon's unix socket. It is used when URL is empty.
	Socket string
	// URL is where the daemon is reached over HTTP, such as https://pollwire.example.com.
	URL string
	// Token is the daemon's server.token; it is sent to URL only.
	Token string
}

// Client asks a daemon. Its methods may be called concurrently. An error that
// the daemon answered with is a *server.Problem.
type Client struct {
	base  *url.URL
	token string
	http  *http.Client
}

// New returns a client. It does not connect yet.
func New(opts Options) (*Client, error) {
	if opts.URL == "" {
		return newSocketClient(opts.Socket), nil
	}
	base, err := url.Parse(opts.URL)
	if err != nil {
		return nil, fmt.Errorf("parse URL of the daemon: %w", err)
	}
	if (base.Scheme != "http" && base.Scheme != "https") || base.Host == "" || base.RawQuery != "" || base.User != nil {
		return nil, fmt.Errorf("the URL of the daemon must look like http://127.0.0.1:8470, not %q", base.Redacted())
	}
	dialer := net.Dialer{Timeout: dialTimeout}
	return &Client{base: base, token: opts.Token, http: newHTTPClient(&http.Transport{
		Proxy:             http.ProxyFromEnvironment,
		DialContext:       dialer.DialContext,
		ForceAttemptHTTP2: true,
	})}, nil
}

func newSocketClient(path string) *Client {
	dialer := net.Dialer{Timeout: dialTimeout}
	return &Client{base: &url.URL{Scheme: "http", Host: "localhost"}, http: newHTTPClient(&http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, "unix", path)
			if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
				return nil, fmt.Errorf("%w (nobody answers on %s)", ErrNotRunning, path)
			}
			return conn, err
		},
	})}
}

// newHTTPClient follows no redirects: the API sends none, and a token must not
// go where one points.
func newHTTPClient(t *http.Transport) *http.Client {
	return &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// AcceptRemoval lets the next poll of a source remove more items than allowed.
func (c *Client) AcceptRemoval(ctx context.Context, source string) error {
	return c.do(ctx, http.MethodPost, nil, nil, "v1", "sources", source, "accept")
}

// Poll makes a source due now.
func (c *Client) Poll(ctx context.Context, source string) error {
	return c.do(ctx, http.MethodPost, nil, nil, "v1", "sources", source, "poll")
}

// Preview asks a source once and returns what would come of it.
func (c *Client) Preview(ctx context.Context, source string) (*server.Preview, error) {
	var preview server.Preview
	err := c.do(ctx, http.MethodPost, map[string]bool{"preview": true}, &preview, "v1", "sources", source, "poll")
	if err != nil {
		return nil, err
	}
	return &preview, nil
}

// Event returns the envelope of an event.
func (c *Client) Event(ctx context.Context, id string) (json.RawMessage, error) {
	var envelope json.RawMessage
	err := c.do(ctx, http.MethodGet, nil, &envelope, "v1", "events", id)
	return envelope, err
}

// do sends in, where it is not nil, to the path of the given segments, and
// decodes the answer into out, where that is not nil.
func (c *Client) do(ctx context.Context, method string, in, out any, segments ...string) error {
	req, err := c.request(ctx, method, in, segments)
	if err != nil {
		return err
	}
	return c.answer(req, out)
}

// get decodes the answer to a question with parameters into out.
func (c *Client) get(ctx context.Context, query url.Values, out any, segments ...string) error {
	req, err := c.request(ctx, http.MethodGet, nil, segments)
	if err != nil {
		return err
	}
	req.URL.RawQuery = query.Encode()
	return c.answer(req, out)
}

// answer sends a request and decodes the answer into out, where that is not nil.
func (c *Client) answer(req *http.Request, out any) error {
	_, body, err := c.read(req)
	if err != nil || out == nil {
		return err
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("decode the daemon's answer: %w", err)
	}
	return nil
}

// read sends a request and returns the header and the body of a good answer.
func (c *Client) read(req *http.Request) (http.Header, []byte, error) {
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, nil, fmt.Errorf("ask the daemon: %w", err)
	}
	defer func() { _ = resp.Body.Close() }() // It was read to its end, or is of no more use.
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, nil, fmt.Errorf("read the daemon's answer: %w", err)
	}
	if len(body) > maxAnswer {
		return nil, nil, fmt.Errorf("the daemon's answer exceeds %d MiB", maxAnswer>>20)
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return nil, nil, problem(resp, body)
	}
	return resp.Header, body, nil
}

func (c *Client) request(ctx context.Context, method string, in any, segments []string) (*http.Request, error) {
	for i, segment := range segments {
		if segment == "" || segment == "." || segment == ".." {
			return nil, fmt.Errorf("create request: %q is no name", segment) // A path would lose it.
		}
		segments[i] = url.PathEscape(segment)
	}
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base.JoinPath(segments...).String(), body)
	if err != nil {
		return nil, fmt.Errorf("create request: %w", err)
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	return req, nil
}

// problem is the error of an answer that is no success. What is not pollwire's
// own, from a proxy say, is told by its status alone.
func problem(resp *http.Response, body []byte) error {
	mediaType, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	var p server.Problem
	if mediaType == "application/problem+json" && json.Unmarshal(body, &p) == nil {
		p.Status = resp.StatusCode
		return &p
	}
	return fmt.Errorf("the daemon's address answered %s, which is not pollwire's", resp.Status)
}
