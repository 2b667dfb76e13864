package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/httpclient"
	"github.com/pollwire/pollwire/notify"
)

const (
	// resolveTimeout bounds how long all names together may take to resolve.
	resolveTimeout = 5 * time.Second
	// resolvers is how many names are asked for at once.
	resolvers = 16
)

// AddressOptions are what CheckAddresses asks.
type AddressOptions struct {
	// Resolver resolves names, several at once; nil means the one that webhooks are
	// sent with.
	Resolver httpclient.Resolver
	// Proxy says which proxy a request goes by where its endpoint names none, nil
	// for none; a nil Proxy is that of the environment.
	Proxy func(*http.Request) (*url.URL, error)
}

// CheckAddresses resolves the hosts of the endpoints that are enabled, and says of
// each whether webhooks are sent to its addresses: by the verdict that delivery
// has when it dials. An endpoint that can be reached at none of them is a mistake;
// one whose name does not resolve now, or that is reached at some of them only, is
// warned of. Behind a proxy, which resolves names itself, nothing is looked at.
func CheckAddresses(ctx context.Context, cfg *config.Config, o AddressOptions) ([]config.Warning, error) {
	if o.Resolver == nil {
		o.Resolver = net.DefaultResolver
	}
	if o.Proxy == nil {
		o.Proxy = http.ProxyFromEnvironment
	}
	list, err := endpoints(cfg, nil)
	if err != nil {
		return nil, err
	}
	hosts := make([]string, len(list)) // empty where nothing is looked at
	for i := range list {
		if list[i].Enabled {
			hosts[i] = dialledHost(&list[i], o.Proxy)
		}
	}
	found := resolve(ctx, o.Resolver, hosts)
	var bad config.Errors
	var warnings []config.Warning
	for i := range list {
		if hosts[i] == "" {
			continue
		}
		refusal, warning := judgeAddresses(&list[i], hosts[i], found[hosts[i]])
		if refusal != "" {
			bad = append(bad, cfg.EndpointMistake(i, "url", refusal))
		}
		if warning != "" {
			warnings = append(warnings, cfg.EndpointWarning(i, "url", warning))
		}
	}
	if bad != nil {
		return warnings, bad
	}
	return warnings, nil
}

// dialledHost is the host that webhooks of an endpoint are sent to directly, empty
// for none.
func dialledHost(e *notify.Endpoint, proxy func(*http.Request) (*url.URL, error)) string {
	u, err := url.Parse(e.URL)
	if err != nil || e.Route.Proxy != "" {
		return ""
	}
	if by, err := proxy(&http.Request{URL: u}); by != nil || err != nil {
		return ""
	}
	return u.Hostname()
}

// lookup is what came of resolving a name.
type lookup struct {
	addresses []netip.Addr
	err       error
}

// resolve asks for each host once, several at a time. An address is its own.
func resolve(ctx context.Context, r httpclient.Resolver, hosts []string) map[string]lookup {
	ctx, cancel := context.WithTimeoutCause(ctx, resolveTimeout, fmt.Errorf("no answer within %s", resolveTimeout))
	defer cancel()
	names := slices.Compact(slices.Sorted(slices.Values(hosts)))
	found := make([]lookup, len(names))
	var under sync.WaitGroup
	free := make(chan struct{}, resolvers)
	for i, name := range names {
		if address, err := netip.ParseAddr(name); err == nil {
			found[i].addresses = []netip.Addr{address}
			continue
		}
		if name == "" {
			continue
		}
		free <- struct{}{}
		under.Go(func() {
			defer func() { <-free }()
			found[i].addresses, found[i].err = r.LookupNetIP(ctx, "ip", name)
			if found[i].err != nil && ctx.Err() != nil {
				found[i].err = context.Cause(ctx)
			}
		})
	}
	under.Wait()
	all := make(map[string]lookup, len(names))
	for i, name := range names {
		all[name] = found[i]
	}
	return all
}

// judgeAddresses says why webhooks cannot be sent to a host, or what an operator
// may want to know of it.
func judgeAddresses(e *notify.Endpoint, host string, l lookup) (refusal, warning string) {
	if l.err != nil || len(l.addresses) == 0 {
		return "", fmt.Sprintf("the name %s does not resolve now (%s): the webhooks of %s wait until it does", host, whyUnresolved(l.err), e.Name)
	}
	var refused []error
	for _, address := range l.addresses {
		if err := e.CheckAddress(address.Unmap()); err != nil {
			refused = append(refused, err)
		}
	}
	switch {
	case len(refused) == 0:
		return "", ""
	case len(refused) == len(l.addresses):
		return fmt.Sprintf("webhooks are not sent to %s: %s", host, refused[0]), ""
	}
	return "", fmt.Sprintf("webhooks are sent to some addresses of %s only: %s", host, refused[0])
}

// whyUnresolved is an error of the resolver in few words.
func whyUnresolved(err error) string {
	dns, ok := errors.AsType[*net.DNSError](err)
	switch {
	case err == nil:
		return "it has no address"
	case ok:
		return dns.Err // the rest repeats the name
	}
	return err.Error()
}
