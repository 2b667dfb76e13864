package realtest

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/pollwire/pollwire/internal/server"
)

// TestGoModule asks for the versions of a module in files that the go command wrote:
// its cache of downloads has the form of a module proxy.
func TestGoModule(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	repository := filepath.Join(dir, "thing")
	command(t, dir, nil, "git", "init", "--quiet", repository)
	write(t, repository, "go.mod", "module example.com/shop/thing.git\n")
	command(t, repository, nil, "git", "add", "go.mod")
	env := []string{
		"GOMODCACHE=" + filepath.Join(dir, "cache"), "GOFLAGS=-modcacherw", "GOPROXY=direct", "GONOSUMDB=*", "GOVCS=*:git", "GOWORK=off",
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=url.file://" + repository + ".insteadOf", "GIT_CONFIG_VALUE_0=https://example.com/shop/thing",
	}
	release := func(version string) {
		command(t, repository, nil, "git", "-c", "user.name=A", "-c", "user.email=a@example.com", "commit", "--quiet", "--allow-empty", "--message", version)
		command(t, repository, nil, "git", "tag", version)
		command(t, dir, env, "go", "mod", "download", "example.com/shop/thing.git@"+version)
	}
	release("v1.0.0")
	proxy := httptest.NewServer(http.FileServer(http.Dir(filepath.Join(dir, "cache", "cache", "download"))))
	t.Cleanup(proxy.Close)
	w := start(t, subject{name: "go-module", set: map[string]string{"GO_PROXY_URL": proxy.URL, "GO_MODULE": "example.com/shop/thing.git"}})
	w.wantFirst(t, "go-module-versions")
	w.wantPoll(t, "go-module-versions", server.PollUnchanged)
	release("v1.1.0")
	w.wantPoll(t, "go-module-versions", server.PollChanged)
	w.await(t, "go.versions.updated", "")
	w.wantTold(t, 1)
	// Such a proxy answers no question for the latest: go takes that from the list.
	w.wantFailed(t, "go-module-latest", http.StatusText(http.StatusNotFound))
}
