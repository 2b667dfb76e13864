package config

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
)

// Server is the daemon's own HTTP server.
type Server struct {
	Listen    string `yaml:"listen" default:"127.0.0.1:8470" doc:"Host and port to listen on; \"\" turns the server off. Beyond loopback it needs token." example:"127.0.0.1:8470" aka:"addr|address|bind|port"`
	PublicURL URL    `yaml:"public_url" doc:"Where others reach this server, for links in webhooks." example:"https://pollwire.example.com" aka:"base_url|external_url"`
	Token     Secret `yaml:"token" doc:"Bearer token that requests need; without one, none do." example:"${credential:pollwire_api-token}"`

	MetricsToken Secret `yaml:"metrics_token" doc:"Bearer token that opens /metrics and nothing else, for whoever collects them; token opens it too. Without either, none is needed." example:"${credential:pollwire_metrics-token}"`

	Subscriptions Subscriptions `yaml:"subscriptions" doc:"What may be registered over the API (POST /v1/subscriptions): URLs that are told, as endpoints are." aka:"subscription|webhooks|hooks"`
}

// Subscriptions says what may be registered over the API.
type Subscriptions struct {
	Verify        string         `yaml:"verify" default:"none" enum:"none|challenge" doc:"Whether a receiver must answer a challenge with what it was sent before it is told anything. Zapier's cannot." aka:"verification|challenge"`
	AllowNetworks []netip.Prefix `yaml:"allow_networks" doc:"Private networks that URLs registered over the API may lead to; without any, they lead to public addresses only." example:"[10.0.0.0/8]" aka:"allowed_networks"`
}

// Log says what the daemon logs, and how.
type Log struct {
	Level  string `yaml:"level" default:"info" enum:"debug|info|warn|error" doc:"The least level that is logged."`
	Format string `yaml:"format" default:"text" enum:"text|json" doc:"How a log line is written."`
}

func (v *validator) server(at place, s *Server) {
	if p, ok := v.written(at, "public_url"); ok {
		if u := v.address(p, s.PublicURL); u != nil && u.RawQuery != "" {
			v.add(p, "the public URL takes no query (?)")
		}
	}
	if p, ok := v.written(at, "token"); ok {
		v.headerText(p, s.Token.Reveal())
	}
	if p, ok := v.written(at, "metrics_token"); ok {
		v.headerText(p, s.MetricsToken.Reveal())
		if s.MetricsToken.Reveal() == s.Token.Reveal() {
			v.add(p, "this is server.token too, which opens all of the API: take another one, or leave this one out")
		}
	}
	p, ok := v.written(at, "listen")
	if !ok || s.Listen == "" {
		return
	}
	host, port, err := net.SplitHostPort(s.Listen)
	if err != nil {
		v.add(p, "%s: want host and port, such as 127.0.0.1:8470, or [::1]:8470 for IPv6", p.quote(s.Listen))
		return
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || strconv.FormatUint(n, 10) != port {
		v.add(p, "%s: the port must be a number from 0 to 65535", p.quote(s.Listen))
		return
	}
	if !isLoopback(host) && s.Token.IsZero() {
		v.add(p, "%s can be reached from other machines: set server.token, or listen on 127.0.0.1", p.quote(s.Listen))
	}
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback()
}

// address checks an HTTP URL and returns it parsed, nil if it is none. No
// message shows the URL: its path and query may be secret.
func (v *validator) address(p place, written URL) *url.URL {
	text := written.Reveal()
	u, err := url.Parse(text)
	switch {
	case text == "":
		v.add(p, "the URL is empty")
	case err != nil, hasControl(text):
		v.add(p, "this is no URL; write one such as https://api.example.com/orders")
	case u.Scheme != "http" && u.Scheme != "https":
		v.add(p, "the URL must begin with https:// or http://")
	case u.Hostname() == "":
		v.add(p, "the URL has no host")
	case u.User != nil:
		v.add(p, "the URL holds a user name: %s", v.insteadOfUser)
	case u.Fragment != "" || u.RawFragment != "":
		v.add(p, "the URL has a fragment (#): servers never see it, so remove it, or write %%23 for a #")
	default:
		return u
	}
	return nil
}
