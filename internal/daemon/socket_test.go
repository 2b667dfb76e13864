package daemon_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/daemon"
)

func TestSockets(t *testing.T) {
	deep := "/srv/" + strings.Repeat("d", 200)
	for _, tc := range []struct {
		name, runtime, database string
		configuration           string
		own                     string
		client                  []string
	}{
		{
			name: "beside the database", database: "/srv/p.db",
			own: "/srv/p.db.sock", client: []string{"/srv/p.db.sock"},
		},
		{
			name: "a relative database", database: "p.db",
			own: "p.db.sock", client: []string{"p.db.sock"},
		},
		{
			name: "the service itself", runtime: "/run/pollwire", database: "/var/lib/pollwire/p.db",
			own: "/run/pollwire/pollwire.sock", client: []string{"/run/pollwire/pollwire.sock", "/var/lib/pollwire/p.db.sock"},
		},
		{
			name: "beside the service", database: "/var/lib/pollwire/p.db",
			own: "/var/lib/pollwire/p.db.sock", client: []string{"/var/lib/pollwire/p.db.sock", "/run/pollwire/pollwire.sock"},
		},
		{
			name: "beside a service with a name and folders of its own", database: "/var/lib/shop/data/p.db",
			own: "/var/lib/shop/data/p.db.sock", client: []string{"/var/lib/shop/data/p.db.sock", "/run/shop/pollwire.sock"},
		},
		{
			name: "where DynamicUser= keeps it", database: "/var/lib/private/pollwire/p.db",
			own: "/var/lib/private/pollwire/p.db.sock", client: []string{"/var/lib/private/pollwire/p.db.sock", "/run/pollwire/pollwire.sock"},
		},
		{
			name: "the configuration of a service", configuration: "/etc/shop/pollwire.yaml", database: "p.db",
			own: "p.db.sock", client: []string{"/run/shop/pollwire.sock", "p.db.sock"},
		},
		{
			name: "of the shipped one", configuration: "/etc/pollwire/pollwire.yaml", database: "/var/lib/pollwire/p.db",
			own: "/var/lib/pollwire/p.db.sock", client: []string{daemon.ServiceSocket, "/var/lib/pollwire/p.db.sock"},
		},
		{
			name: "of no service", configuration: "/etc/pollwire.yaml", database: "/srv/p.db",
			own: "/srv/p.db.sock", client: []string{"/srv/p.db.sock"},
		},
		{
			name: "no state directory", database: "/var/lib/p.db",
			own: "/var/lib/p.db.sock", client: []string{"/var/lib/p.db.sock"},
		},
		{
			name: "several runtime directories", runtime: "/run/a:/run/b", database: "/srv/p.db",
			own: "/run/a/pollwire.sock", client: []string{"/run/a/pollwire.sock", "/srv/p.db.sock"},
		},
		{name: "too long", database: deep + "/p.db"},
		{
			name: "too long beside the database", runtime: "/run/pollwire", database: deep + "/p.db",
			own: "/run/pollwire/pollwire.sock", client: []string{"/run/pollwire/pollwire.sock"},
		},
		{
			name: "too long in the runtime directory", runtime: deep, database: "/srv/p.db",
			client: []string{"/srv/p.db.sock"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Setenv("RUNTIME_DIRECTORY", tc.runtime)
			cfg := &config.Config{Storage: config.Storage{DSN: config.NewDSN("sqlite:" + tc.database)}}
			if got := daemon.SocketPath(cfg); got != tc.own {
				t.Errorf("the daemon listens on %q, want %q", got, tc.own)
			}
			if d := cmp.Diff(tc.client, daemon.ClientSockets(tc.configuration, cfg.Storage)); d != "" {
				t.Errorf("commands look (-want +got):\n%s", d)
			}
		})
	}
}

// TestSocketsOfARelativeDatabase: a command that is run in the state directory
// knows where it is.
func TestSocketsOfARelativeDatabase(t *testing.T) {
	t.Setenv("RUNTIME_DIRECTORY", "")
	t.Chdir("/var/lib")
	cfg := &config.Config{Storage: config.Storage{DSN: config.NewDSN("sqlite:" + filepath.Join("pollwire", "p.db"))}}
	want := []string{"pollwire/p.db.sock", "/run/pollwire/pollwire.sock"}
	if d := cmp.Diff(want, daemon.ClientSockets("pollwire.yaml", cfg.Storage)); d != "" {
		t.Errorf("commands look (-want +got):\n%s", d)
	}
}
