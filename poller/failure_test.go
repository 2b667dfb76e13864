package poller

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/httpclient"
)

func TestRetryable(t *testing.T) {
	t.Parallel()
	code := &unfit{text: "answered", code: true}
	tests := []struct {
		name   string
		status int
		err    error
		want   bool
	}{
		{"301", 301, code, false},
		{"400", 400, code, false},
		{"401", 401, code, false},
		{"403", 403, code, false},
		{"404", 404, code, false},
		{"408", 408, code, true},
		{"410", 410, code, false},
		{"429", 429, code, true},
		{"500", 500, code, true},
		{"502", 502, code, true},
		{"503", 503, code, true},
		{"504", 504, code, true},
		{"599", 599, code, true},
		{"wrong type", 200, &unfit{text: "content type"}, false},
		{"wrong type of an accepted 503", 503, &unfit{text: "content type"}, false},
		{"refused", 0, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, true},
		{"reset", 200, &net.OpError{Op: "read", Err: syscall.ECONNRESET}, true},
		{"no such host", 0, &net.DNSError{Err: "no such host", IsNotFound: true}, true},
		{"cut", 200, fmt.Errorf("read body: %w", io.ErrUnexpectedEOF), true},
		{"cut accepted 404", 404, io.ErrUnexpectedEOF, true},
		{"timeout", 0, &timedOut{after: time.Second}, true},
		{"dial timeout", 0, &net.OpError{Op: "dial", Err: context.DeadlineExceeded}, true},
		{"stopped", 0, &stopped{cause: errors.New("shutdown")}, false},
		{"too large", 200, fmt.Errorf("read: %w", &httpclient.BodyTooLargeError{Limit: 1}), false},
		{"compressed too large", 200, httpclient.ErrCompressedTooLarge, false},
		{"encoding", 200, &httpclient.EncodingError{Encoding: "br"}, false},
		{"address", 0, &net.OpError{Op: "dial", Err: &httpclient.ForbiddenAddressError{Addr: netip.IPv6Loopback()}}, false},
		{"proxied", 0, httpclient.ErrProxied, false},
		{"certificate", 0, &tls.CertificateVerificationError{Err: errors.New("expired")}, false},
		{"authority", 0, x509.UnknownAuthorityError{}, false},
		{"host name", 0, x509.HostnameError{Certificate: &x509.Certificate{}, Host: "h"}, false},
		{"invalid certificate", 0, x509.CertificateInvalidError{}, false},
		{"redirects", 0, fmt.Errorf("loop: %w", errRedirect), false},
		{"request", 0, fmt.Errorf("url: %w", errRequest), false},
	}
	for _, tt := range tests {
		if got := retryable(tt.status, tt.err); got != tt.want {
			t.Errorf("%s: retryable(%d, %v) = %t, want %t", tt.name, tt.status, tt.err, got, tt.want)
		}
	}
}

func TestFetchErrorUnwraps(t *testing.T) {
	t.Parallel()
	err := error(&FetchError{Method: "GET", URL: "http://h/", Status: 200, Err: &unfit{text: "answered 200 with an empty body"}})
	if err.Error() != "GET http://h/: answered 200 with an empty body" || !errors.Is(err, ErrUnfit) || errors.Is(err, ErrTimeout) {
		t.Errorf("error %q", err)
	}
}
