package main

import (
	"path/filepath"
	"testing"
)

// TestCommandsReadNoSecrets: what a command beside a service cannot read, and
// mistakes that are not its business, are nothing to one that only talks to the daemon.
func TestCommandsReadNoSecrets(t *testing.T) {
	t.Parallel()
	s := newSetup(t, before)
	s.runDaemon(t)
	s.change(t, ", secrets: [", `, secrets: ["${credential:pollwire_ops-secret}", `)
	for _, args := range [][]string{
		{"sources"},
		{"endpoints"},
		{"deliveries"},
		{"events"},
		{"limits"},
		{"health"},
		{"trigger", "orders"},
		{"pause", "source/orders"},
		{"disable", "endpoint/you"},
		{"accept", "orders"},
		{"replay"},
		{"poll", "orders"},
	} {
		pollwire(t, append(args, "-c", s.config)...).want(t, exitOK)
	}
	pollwire(t, "backup", filepath.Join(s.dir, "copy.db"), "-c", s.config).want(t, exitOK, "checked")
	pollwire(t, "__complete", "trigger", "-c", s.config, "").want(t, exitOK, "orders\n", "! ")
	// The daemon says what it cannot read itself, by place.
	pollwire(t, "reload", "-c", s.config).want(t, exitBadConfig, "! the daemon refuses the configuration", "! CREDENTIALS_DIRECTORY is not set")
	// To ask without a daemon takes all of it.
	pollwire(t, "check", "-c", s.config).want(t, exitBadConfig, "! CREDENTIALS_DIRECTORY is not set")

	s.change(t, s.database, "${NO_SUCH_VARIABLE}")
	pollwire(t, "sources", "-c", s.config).want(t, exitBadConfig, "! storage.dsn: the environment variable NO_SUCH_VARIABLE is not set")
}

// TestCommandsNeedNoDSN: where the DSN has a credential that only the service has, its
// socket is known all the same.
func TestCommandsNeedNoDSN(t *testing.T) {
	s := newSetup(t, before)
	t.Setenv("RUNTIME_DIRECTORY", s.dir)
	s.runDaemon(t)
	s.change(t, s.database, "${credential:pollwire_db-password}")
	pollwire(t, "sources", "-c", s.config).want(t, exitOK, "orders")
	pollwire(t, "trigger", "nope", "-c", s.config).want(t, exitFailed, `! there is no source "nope"`)
	t.Setenv("RUNTIME_DIRECTORY", t.TempDir()) // nobody answers there
	pollwire(t, "sources", "-c", s.config).want(t, exitBadConfig, "! storage.dsn: ${credential:pollwire_db-password}: CREDENTIALS_DIRECTORY is not set")
	pollwire(t, "sources", "-c", filepath.Join(s.dir, "none.yaml")).want(t, exitBadConfig, "! none.yaml")
}

// TestPollOfADaemonElsewhere needs no configuration here.
func TestPollOfADaemonElsewhere(t *testing.T) {
	t.Parallel()
	none := filepath.Join(t.TempDir(), "none.yaml")
	pollwire(t, "poll", "orders", "-c", none, "--url", "http://127.0.0.1:1").want(t, exitFailed, "! ask the daemon: dial tcp 127.0.0.1:1")
}
