package daemon_test

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/daemon"
	"github.com/pollwire/pollwire/internal/server/client"
)

// BenchmarkSources measures a look at all of 10,000 sources, over the API.
func BenchmarkSources(b *testing.B) {
	const sources = 10_000
	yaml := fmt.Sprintf("storage: {dsn: \"sqlite:%s\"}\nserver: {listen: \"127.0.0.1:0\"}\nsources:\n%s",
		filepath.Join(b.TempDir(), "bench.db"), unchangedSources(sources, startPeer(b)+"/same", "1h"))
	cfg, err := config.Parse("bench.yaml", []byte(yaml), config.Lookup{})
	if err != nil {
		b.Fatal(err)
	}
	d := daemon.New(cfg, daemon.Options{Version: "bench", Logger: slog.New(slog.DiscardHandler)})
	if err := d.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	defer benched{d}.stop(b)
	c, err := client.New(client.Options{URL: "http://" + d.Addr()})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	<-time.After(20 * time.Second) // every source has its baseline
	for b.Loop() {
		list, err := c.Sources(b.Context())
		if err != nil || len(list) != sources {
			b.Fatalf("%d sources: %v", len(list), err)
		}
	}
}
