package systemdtest

import (
	"os"
	"strings"
	"testing"
)

const (
	// packagesDir is where the packages are, on the booted machine.
	packagesDir = "/stage/packages"
	// own is a file that the operator made, which no package has.
	own = "/etc/pollwire/conf.d/own.yaml"
)

// TestPackagesInside runs on the booted machine. Its steps build on each other.
func TestPackagesInside(t *testing.T) {
	if !*inside {
		return // TestPackages runs it where it belongs.
	}
	p := startPeer(t)
	// A machine on which packages may start services, as most are, and which never
	// had this one, whatever the machine below has of it.
	for _, path := range []string{"/usr/sbin/policy-rc.d", "/etc/pollwire"} {
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
	}
	defer func() {
		if t.Failed() {
			t.Logf("journal:\n%s", run(t, "journalctl", "--no-pager", "-u", unit))
		}
	}()
	for _, step := range []struct {
		name  string
		check func(t *testing.T, p *peer)
	}{
		{"dpkg installs", debInstalled},
		{"it runs when it is told what to poll", configured},
		{"dpkg upgrades", debUpgraded},
		{"dpkg upgrades with another configuration", debReconfigured},
		{"dpkg upgrades what fails to start", debUpgradedBroken},
		{"dpkg removes", debRemoved},
		{"dpkg installs again", debInstalledAgain},
		{"dpkg purges", debPurged},
		{"rpm installs", rpmInstalled},
		{"it runs when it is told what to poll, as before", configured},
		{"rpm upgrades", rpmUpgraded},
		{"rpm removes", rpmRemoved},
	} {
		if !t.Run(step.name, func(t *testing.T) { step.check(t, p) }) {
			return
		}
	}
}

func debInstalled(t *testing.T, _ *peer) {
	out := run(t, "dpkg", "--install", packagesDir+"/old.deb")
	if !strings.Contains(out, "systemctl enable --now pollwire") {
		t.Errorf("it does not say what to do next:\n%s", out)
	}
	expect(t, "LoadState", "loaded")
	expect(t, "UnitFileState", "disabled")
	expect(t, "ActiveState", "inactive")
	if out := run(t, "systemd-analyze", "verify", unit); out != "" {
		t.Errorf("verify, with the pages of the manual that the unit names: %s", out)
	}
	if out := run(t, "pollwire", "version"); !strings.HasPrefix(out, "pollwire ") {
		t.Errorf("version: %s", out)
	}
}

// configured does what the packages say that comes next.
func configured(t *testing.T, p *peer) {
	write(t, configFile, config, 0o644)
	write(t, own, "rate_limits: [{name: own, requests: 1, per: 1s}]\n", 0o644)
	write(t, "/etc/pollwire/credentials/clock-token", clockToken, 0o600)
	write(t, "/etc/pollwire/credentials/ops-secret", opsSecret, 0o600)
	run(t, "systemctl", "enable", "--now", unit)
	expect(t, "UnitFileState", "enabled")
	p.await(t)
}

// upgraded checks an upgrade of the running service: another process goes on
// with the same database and the configuration as the operator left it.
func upgraded(t *testing.T, p *peer, upgrade func()) {
	t.Helper()
	pid, database := show(t, "MainPID"), inode(t)
	upgrade()
	expect(t, "ActiveState", "active")
	expect(t, "UnitFileState", "enabled")
	if show(t, "MainPID") == pid {
		t.Error("the old program still runs")
	}
	if inode(t) != database {
		t.Error("it has another database")
	}
	if got := content(t, configFile); got != config {
		t.Errorf("the configuration is now:\n%s", got)
	}
	p.await(t)
}

func debUpgraded(t *testing.T, p *peer) {
	upgraded(t, p, func() {
		out := run(t, "dpkg", "--install", packagesDir+"/new.deb")
		if strings.Contains(out, "enable --now") {
			t.Errorf("it speaks as if it were new:\n%s", out)
		}
	})
}

// debReconfigured brings a configuration that changed since: without anybody to
// ask, as in an unattended upgrade, the operator's stays.
func debReconfigured(t *testing.T, p *peer) {
	upgraded(t, p, func() {
		run(t, "dpkg", "--force-confdef", "--force-confold", "--install", packagesDir+"/newer.deb")
	})
	if !strings.Contains(content(t, configFile+".dpkg-dist"), "A newer package says more.") {
		t.Error("the newer configuration is not there to compare")
	}
}

// debUpgradedBroken: a service that does not come back leaves the package whole.
func debUpgradedBroken(t *testing.T, p *peer) {
	write(t, configFile, "no_such_key: 1\n", 0o644)
	run(t, "dpkg", "--install", packagesDir+"/newer.deb")
	expect(t, "ActiveState", "failed")
	if status := run(t, "dpkg-query", "--show", "--showformat=${Status}", "pollwire"); status != "install ok installed" {
		t.Errorf("the package is: %s", status)
	}
	write(t, configFile, config, 0o644)
	run(t, "systemctl", "restart", unit)
	p.await(t)
}

func debRemoved(t *testing.T, _ *peer) {
	run(t, "dpkg", "--remove", "pollwire")
	expect(t, "ActiveState", "inactive")
	gone(t, "/usr/bin/pollwire", "/lib/systemd/system/pollwire.service")
	if content(t, configFile) != config {
		t.Error("the configuration is not as it was")
	}
	inode(t)
}

func debInstalledAgain(t *testing.T, p *peer) {
	run(t, "dpkg", "--install", packagesDir+"/newer.deb")
	expect(t, "UnitFileState", "enabled")
	run(t, "systemctl", "start", unit)
	p.await(t)
}

func debPurged(t *testing.T, _ *peer) {
	run(t, "dpkg", "--purge", "pollwire")
	gone(t, configFile, configFile+".dpkg-dist", "/var/lib/private/pollwire", "/var/lib/pollwire",
		"/etc/systemd/system/multi-user.target.wants/pollwire.service", "/usr/share/doc/pollwire")
	expect(t, "LoadState", "not-found")
	content(t, own)
}

func rpmInstalled(t *testing.T, _ *peer) {
	// Red Hat's presets: nothing new is enabled.
	write(t, "/etc/systemd/system-preset/99-disable.preset", "disable *\n", 0o644)
	out := run(t, "rpm", "--force-debian", "--nodeps", "--install", packagesDir+"/new.rpm")
	if !strings.Contains(out, "systemctl enable --now pollwire") {
		t.Errorf("it does not say what to do next:\n%s", out)
	}
	expect(t, "LoadState", "loaded")
	expect(t, "UnitFileState", "disabled")
	expect(t, "ActiveState", "inactive")
}

func rpmUpgraded(t *testing.T, p *peer) {
	upgraded(t, p, func() {
		run(t, "rpm", "--force-debian", "--nodeps", "--upgrade", "--replacepkgs", packagesDir+"/new.rpm")
	})
}

func rpmRemoved(t *testing.T, _ *peer) {
	run(t, "rpm", "--force-debian", "--erase", "pollwire")
	expect(t, "ActiveState", "inactive")
	gone(t, "/usr/bin/pollwire", configFile, "/etc/systemd/system/multi-user.target.wants/pollwire.service")
	if content(t, configFile+".rpmsave") != config {
		t.Error("the configuration is not kept as it was")
	}
	content(t, own)
	inode(t)
}

// inode tells the service's database from another one in its place.
func inode(t *testing.T) string {
	t.Helper()
	return run(t, "stat", "--format=%i", "/var/lib/private/pollwire/pollwire.db")
}

func content(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// gone fails for what is still there.
func gone(t *testing.T, paths ...string) {
	t.Helper()
	for _, path := range paths {
		if _, err := os.Lstat(path); err == nil {
			t.Errorf("%s is still there", path)
		}
	}
}
