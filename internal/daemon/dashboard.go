package daemon

import (
	"net"
	"net/http"
	"net/netip"

	"github.com/pollwire/pollwire/internal/server/dashboard"
)

// dashboard makes the pages for people.
func (d *Daemon) dashboard(ctl *control) http.Handler {
	return dashboard.New(dashboard.Options{
		Controller:    ctl,
		Subscriptions: subscriptions{d.subscriptions},
		LastReload:    ctl.LastReload,
		Shared:        d.others != nil,
		Checks:        d.checks(),
		Version:       d.o.Version,
		Logger:        d.logger,
	})
}

// DashboardURL is where people find the dashboard: under the public URL where
// there is one, else on this machine. It is empty where nothing listens, and
// known once Start has returned.
func (d *Daemon) DashboardURL() string {
	host, port, err := net.SplitHostPort(d.Addr())
	if err != nil {
		return ""
	}
	if public := d.setup.Load().publicURL; public != nil {
		return public.JoinPath("/").String()
	}
	if addr, err := netip.ParseAddr(host); err == nil && addr.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port) + "/"
}
