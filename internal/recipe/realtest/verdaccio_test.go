//go:build real

package realtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/pollwire/pollwire/internal/server"
)

// TestNPMPackage publishes a package, by npm, to a registry of Verdaccio.
func TestNPMPackage(t *testing.T) {
	t.Parallel()
	program := filepath.Join(packages, "verdaccio/bin/verdaccio")
	need(t, "make real fetches it", program)
	dir := t.TempDir()
	conf := write(t, dir, "config.yaml", fmt.Sprintf(`storage: %s
auth: {htpasswd: {file: %s, max_users: 10}}
uplinks: {}
packages: {"**": {access: $all, publish: $authenticated, unpublish: $authenticated}}
log: {type: stdout, format: pretty, level: warn}
`, filepath.Join(dir, "storage"), filepath.Join(dir, "htpasswd")))
	here := fmt.Sprintf("127.0.0.1:%d", freePorts(t, 1)[0])
	log := startProcess(t, nil, "node", program, "--config", conf, "--listen", here)
	awaitServer(t, "http://"+here+"/-/ping", log)
	npm := publisher(t, here)

	npm(`{"name":"@shop/thing","version":"1.0.0"}`, "publish", "--access=public")
	w := start(t, subject{name: "npm-package", set: map[string]string{"NPM_REGISTRY_URL": "http://" + here, "NPM_PACKAGE": "@shop%2Fthing"}})
	for _, source := range []string{"npm-package-versions", "npm-package-tags"} {
		w.wantFirst(t, source)
		w.wantPoll(t, source, server.PollUnchanged)
	}
	npm(`{"name":"@shop/thing","version":"1.1.0","dependencies":{"left":"1"}}`, "publish", "--access=public")
	npm(`{"name":"@shop/thing","version":"2.0.0-rc.1"}`, "publish", "--access=public", "--tag=next")
	npm(`{}`, "deprecate", "@shop/thing@1.0.0", "take 1.1")
	w.wantPoll(t, "npm-package-versions", server.PollChanged)
	w.wantPoll(t, "npm-package-tags", server.PollChanged)
	w.await(t, "npm.version.created", "1.1.0")
	w.await(t, "npm.version.created", "2.0.0-rc.1")
	if e := w.await(t, "npm.version.updated", "1.0.0"); textOf(e.Data.After, "deprecated") != "take 1.1" {
		t.Errorf("the version is told as %s", e.Data.After)
	}
	if e := w.await(t, "npm.tags.updated", ""); textOf(e.Data.After, "dist-tags.latest") != "1.1.0" {
		t.Errorf("the tags are told as %s", e.Data.After)
	}
	npm(`{}`, "unpublish", "--force", "@shop/thing@2.0.0-rc.1")
	w.wantPoll(t, "npm-package-versions", server.PollChanged)
	w.await(t, "npm.version.deleted", "2.0.0-rc.1")
	w.wantTold(t, 5)

	wrong := start(t, subject{name: "npm-package", set: map[string]string{"NPM_REGISTRY_URL": "http://" + here, "NPM_PACKAGE": "nothing"}})
	wrong.next(t, "npm-package-versions", 0)
	wrong.wantFailed(t, "npm-package-versions", http.StatusText(http.StatusNotFound))
}

// publisher runs npm, as a user of its own, in a folder with a package.json.
func publisher(t *testing.T, registry string) func(manifest string, args ...string) {
	t.Helper()
	answer, err := call(t, http.MethodPut, "http://"+registry+"/-/user/org.couchdb.user:me",
		map[string]string{"Content-Type": "application/json"}, []byte(`{"name":"me","password":"a-password"}`))
	if err != nil {
		t.Fatal(err)
	}
	var user struct {
		Token string `json:"token"`
	}
	if err := json.Unmarshal(answer, &user); err != nil || user.Token == "" {
		t.Fatalf("no token for a user: %v %s", err, answer)
	}
	home := t.TempDir()
	rc := write(t, home, "npmrc", fmt.Sprintf("registry=http://%s/\n//%s/:_authToken=%s\nupdate-notifier=false\n", registry, registry, user.Token))
	return func(manifest string, args ...string) {
		t.Helper()
		dir, err := os.MkdirTemp(home, "package")
		if err != nil {
			t.Fatal(err)
		}
		write(t, dir, "package.json", manifest)
		command(t, dir, []string{"HOME=" + home, "npm_config_userconfig=" + rc}, "npm", args...)
	}
}
