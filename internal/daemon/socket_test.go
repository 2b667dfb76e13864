package daemon_test

import (
	"os"
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
			if got := daemon.SocketPath(cfg, ""); got != tc.own {
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

// TestSocketsOfNodes: each has its own in the working directory, and a command finds
// any of them, that of the host's name first.
func TestSocketsOfNodes(t *testing.T) {
	t.Setenv("RUNTIME_DIRECTORY", "")
	t.Chdir(t.TempDir())
	cfg := &config.Config{Storage: config.Storage{DSN: config.NewDSN("postgres://pollwire:topsecret@db/pollwire")}}
	const mark = "pollwire-5901919b-"
	host := mark + daemon.NodeName("") + ".sock"
	if got := daemon.SocketPath(cfg, ""); got != host {
		t.Errorf("the daemon listens on %q, want %q", got, host)
	}
	if got := daemon.SocketPath(cfg, "one"); got != mark+"one.sock" {
		t.Errorf("a node with a name listens on %q", got)
	}
	for _, name := range []string{mark + "two.sock", mark + "one.sock", "pollwire-00000000-one.sock"} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"/run/pollwire/pollwire.sock", host, mark + "one.sock", mark + "two.sock"}
	if d := cmp.Diff(want, daemon.ClientSockets("/etc/pollwire/pollwire.yaml", cfg.Storage)); d != "" {
		t.Errorf("commands look (-want +got):\n%s", d)
	}
	t.Setenv("RUNTIME_DIRECTORY", "/run/pollwire")
	if got := daemon.SocketPath(cfg, "one"); got != "/run/pollwire/pollwire.sock" {
		t.Errorf("a service listens on %q", got)
	}
}

func TestNodeName(t *testing.T) {
	t.Parallel()
	for name, good := range map[string]bool{
		"": true, "a": true, "db-1.example.com": true, "Web_2": true, strings.Repeat("n", 63): true,
		"-a": false, ".": false, "a/b": false, "a b": false, "ä": false, strings.Repeat("n", 64): false, "a\n": false,
	} {
		if err := daemon.CheckNodeName(name); (err == nil) != good {
			t.Errorf("%q: %v", name, err)
		}
	}
	if got := daemon.NodeName("one"); got != "one" {
		t.Errorf("a name that was given became %q", got)
	}
	if err := daemon.CheckNodeName(daemon.NodeName("")); err != nil || daemon.NodeName("") == "" {
		t.Errorf("the host's name %q: %v", daemon.NodeName(""), err)
	}
}
