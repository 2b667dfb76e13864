package poller

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/pollwire/pollwire/internal/httpclient"
)

// maxRedirects is how many an attempt follows.
const maxRedirects = 10

// answer is the end of a way through redirects. Its body is not read yet.
type answer struct {
	resp *http.Response
	// validated says that the request carried our validators.
	validated bool
	// redirected says that it is not the answer of the URL that was asked.
	redirected bool
	// url is where it came from in the end.
	url *url.URL
}

// isRedirect reports whether an answer leads elsewhere.
func isRedirect(resp *http.Response) bool {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return resp.Header.Get("Location") != ""
	}
	return false
}

// follow goes where a redirect leads.
//
// From the first step to another origin on, the request is a stranger's:
// nothing that was configured goes along, not even back to where it started,
// and only public addresses are reached but for those that the source allows.
func (f *Fetcher) follow(ctx context.Context, t *template, tg target, resp *http.Response) (answer, error) {
	if tg.url == nil {
		tg = t.target()
	}
	at, crossed := tg.url, false
	for range maxRedirects {
		code := resp.StatusCode
		next, err := redirectTarget(at, resp.Header.Get("Location"))
		httpclient.Drain(resp)
		resp.Body.Close()
		if err != nil {
			return answer{}, err
		}
		crossed = crossed || !sameOrigin(at, next)
		if tg.url = next; code == http.StatusSeeOther {
			tg.body = nil
		}
		resp, err = f.step(ctx, t, tg, crossed)
		if err != nil {
			return answer{}, fmt.Errorf("redirected to %s: %w", httpclient.RedactURL(next), err)
		}
		if !isRedirect(resp) || t.accepts(resp.StatusCode) {
			return answer{resp: resp, redirected: true, url: next}, nil
		}
		at = next
	}
	resp.Body.Close()
	return answer{}, fmt.Errorf("more than %d redirects: %w", maxRedirects, errRedirect)
}

// step sends the request of one redirect.
func (f *Fetcher) step(ctx context.Context, t *template, next target, crossed bool) (*http.Response, error) {
	if !crossed {
		return f.hop(ctx, t, next)
	}
	req, err := t.crossing(ctx, next.url, f.client.UserAgent(), f.secrets.Load().With(t.credentials()...))
	if err != nil {
		return nil, err
	}
	if err := f.hold(t); err != nil {
		return nil, err
	}
	return t.client.DoGuarded(req, httpclient.Guard{Allow: t.source.Request.AllowNetworks, Key: "allow_networks"})
}

// hop sends the request of a redirect within the origin, under the limit like
// any other.
func (f *Fetcher) hop(ctx context.Context, t *template, next target) (*http.Response, error) {
	req, _, err := t.request(ctx, State{}, next) // validators belong to the URL that redirects
	if err != nil {
		return nil, err
	}
	if f.extend != nil {
		if err := f.extend.Extend(ctx, t.source.Limit, t.source.Cost); err != nil {
			return nil, &unadmitted{limit: t.source.Limit, err: err}
		}
	}
	if err := f.hold(t); err != nil {
		return nil, err
	}
	resp, err := t.client.Do(req)
	if err != nil {
		return nil, err
	}
	f.heed(ctx, t.source, resp.StatusCode, resp.Header)
	return resp, nil
}

// redirectTarget resolves a Location.
func redirectTarget(at *url.URL, location string) (*url.URL, error) {
	u, err := at.Parse(location)
	if err != nil {
		return nil, fmt.Errorf("parse location: %w", errRedirect)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("location is no http or https url: %w", errRedirect)
	}
	// Credentials of a server's choosing are not ours to send.
	u.User, u.Fragment, u.RawFragment = nil, "", ""
	return u, nil
}

// sameOrigin reports whether two URLs have the same scheme, host and port.
func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b)
}

func port(u *url.URL) string {
	switch p := u.Port(); {
	case p != "":
		return p
	case u.Scheme == "https":
		return "443"
	default:
		return "80"
	}
}
