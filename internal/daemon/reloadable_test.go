package daemon_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/daemon"
	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/server/client"
)

// file is a configuration file of a running daemon, which can be edited.
type file struct {
	mu   sync.Mutex
	head string
	text string
}

func (f *file) write(text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.text = text
}

func (f *file) load() (*config.Config, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return config.Parse("test.yaml", []byte(f.head+f.text), config.Lookup{File: os.ReadFile})
}

// startReloadable starts a daemon whose configuration can be edited.
func startReloadable(tb testing.TB, text string) (*running, *file) {
	tb.Helper()
	f := &file{text: text, head: fmt.Sprintf("storage: {dsn: \"sqlite:%s\", encryption_key: an-encryption-key-of-32-characters}\n",
		filepath.Join(daemon.MustMigrate(tb), "pollwire.db"))}
	if !strings.Contains(text, "server:") {
		f.head += "server: {listen: \"127.0.0.1:0\"}\n"
	}
	cfg, err := f.load()
	if err != nil {
		tb.Fatal(err)
	}
	d := daemon.New(cfg, daemon.Options{
		Version: "test", Logger: slog.New(slog.NewTextHandler(tb.Output(), nil)), Load: f.load, LogLevel: new(slog.LevelVar),
	})
	if err := d.Start(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), patience)
		defer cancel()
		if err := d.Stop(ctx); err != nil {
			tb.Error(err)
		}
	})
	c, err := client.New(client.Options{URL: "http://" + d.Addr(), Token: cfg.Server.Token.Reveal()})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.Close)
	return &running{Daemon: d, cfg: cfg, client: c}, f
}

// reload takes an edited configuration, which must be good.
func (r *running) reload(tb testing.TB, f *file, text string) server.Reload {
	tb.Helper()
	f.write(text)
	done, err := r.client.Reload(tb.Context())
	if err != nil || !done.OK {
		tb.Fatalf("reload: %+v, %v", done, err)
	}
	return done
}

func endpointOf(h *hooks, name, more string) string {
	return fmt.Sprintf("  - {name: %s, url: %q, secrets: [%s]%s}\n", name, h.url, h.secret, more)
}

func sourceOf(name, url, more string) string {
	return fmt.Sprintf("  - {name: %s, schedule: \"@yearly\", request: {url: %q}%s}\n", name, url, more)
}
