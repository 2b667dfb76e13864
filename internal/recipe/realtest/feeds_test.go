package realtest

import (
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/pollwire/pollwire/internal/server"
)

// TestFeeds reads the feeds of a repository as gitweb, a part of git, writes them.
func TestFeeds(t *testing.T) {
	t.Parallel()
	const gitweb = "/usr/share/gitweb/gitweb.cgi"
	need(t, "Debian: git, libcgi-pm-perl", gitweb, "/usr/share/perl5/CGI.pm")
	dir := t.TempDir()
	repository := filepath.Join(dir, "thing.git")
	command(t, dir, nil, "git", "init", "--quiet", repository)
	commit := func(message string) {
		command(t, repository, nil, "git", "-c", "user.name=A", "-c", "user.email=a@example.com", "commit", "--quiet", "--allow-empty", "--message", message)
	}
	commit("First <change> & „more“")
	conf := write(t, dir, "gitweb.conf", "$projectroot = '"+dir+"'; 1;\n")
	web := httptest.NewServer(&cgi.Handler{Path: gitweb, Env: []string{"GITWEB_CONFIG=" + conf}})
	t.Cleanup(web.Close)

	worlds := make(map[string]*world)
	for name, setting := range map[string]string{"rss": "RSS_URL", "atom": "ATOM_URL"} {
		w := start(t, subject{name: name, set: map[string]string{setting: web.URL + "/?p=thing.git/.git&a=" + name}})
		w.wantFirst(t, name+"-entries")
		w.wantPoll(t, name+"-entries", server.PollUnchanged)
		worlds[name] = w
	}
	commit("Second")
	for name, title := range map[string]string{"rss": "title", "atom": `title.\#text`} { // gitweb's title of Atom has a type
		w := worlds[name]
		w.wantPoll(t, name+"-entries", server.PollChanged)
		if e := w.await(t, name+".entry.created", ""); textOf(e.Data.After, title) != "Second" {
			t.Errorf("%s: told of %s", name, e.Data.After)
		}
		w.wantTold(t, 1)
	}
}

// command runs a program to its end and returns what it prints.
func command(t *testing.T, dir string, env []string, program string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, out)
	}
	return string(out)
}

// textOf is a member of a document, as gjson finds it.
func textOf(document []byte, path string) string {
	return gjson.GetBytes(document, path).String()
}
