package main

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pollwire/pollwire/internal/config"
)

func TestInit(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "first.yaml")
	got := pollwire(t, "init", "-c", path)
	got.want(t, exitOK, "Wrote "+path, "pollwire check -c "+path+"\n", "pollwire listen --secret whsec_")

	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); mode != 0o600 {
		t.Errorf("mode %o: others can read the secret", mode)
	}
	cfg, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	secret := cfg.Endpoints[0].Secrets[0].Value.Reveal()
	key, err := base64.StdEncoding.Strict().DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil || len(key) != 33 {
		t.Errorf("a secret of %d bytes: %v", len(key), err)
	}
	if !strings.Contains(got.stdout, "--secret "+secret+"\n") {
		t.Errorf("the receiver's command has another secret:\n%s", got.stdout)
	}
	pollwire(t, "check", "-c", path).want(t, exitOK, "ok, 0 included files, 1 source, 1 endpoint")

	other := filepath.Join(t.TempDir(), "other.yaml")
	pollwire(t, "init", "-c", other)
	if again, err := config.Load(other); err != nil || again.Endpoints[0].Secrets[0].Value.Reveal() == secret {
		t.Errorf("a second configuration has no secret of its own: %v", err)
	}
}

func TestInitOverwritesNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pollwire.yaml")
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := pollwire(t, "init", "-c", path)
	got.want(t, exitFailed, "! "+path+" exists already and is left as it is; name another file with --config")
	if got.stdout != "" {
		t.Errorf("stdout: %s", got.stdout)
	}
	if content, err := os.ReadFile(path); err != nil || string(content) != "mine" {
		t.Errorf("the file is now %q, %v", content, err)
	}
	pollwire(t, "init", "-c", filepath.Join(path, "x.yaml")).want(t, exitFailed, "! create configuration: ")
}
