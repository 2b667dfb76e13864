package daemon_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/daemon"
	"github.com/pollwire/pollwire/internal/receiver"
)

// reader is a browser without a screen.
func reader(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, Timeout: patience}
}

// read is what a page says, after all that it leads to.
func read(t *testing.T, resp *http.Response, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		t.Errorf("%s: %s", resp.Request.URL, resp.Status)
	}
	return resp.Request.URL.Path + "\n" + string(body)
}

// TestDashboardIsWhereItIsReached says it for people on this machine and elsewhere.
func TestDashboardIsWhereItIsReached(t *testing.T) {
	t.Parallel()
	for server, want := range map[string]string{
		`{listen: "127.0.0.1:0"}`:                          "http://127.0.0.1:",
		`{listen: "0.0.0.0:0", token: a-token-of-the-api}`: "http://localhost:",
		`{listen: "[::1]:0"}`:                              "http://[::1]:",
		`{listen: "127.0.0.1:0", public_url: "https://pollwire.example.com/polls/"}`: "https://pollwire.example.com/polls/",
	} {
		if got := startDaemon(t, "server: "+server+"\nsources: [{name: a, enabled: false, schedule: '@hourly', request: {url: 'http://127.0.0.1/'}}]\n").DashboardURL(); !strings.HasPrefix(got, want) || !strings.HasSuffix(got, "/") {
			t.Errorf("%s is reached at %s, want %s", server, got, want)
		}
	}
	if got := daemon.New(&config.Config{}, daemon.Options{}).DashboardURL(); got != "" {
		t.Errorf("what does not listen is reached at %s", got)
	}
}

// TestPagesShowWhatTheDaemonDoes logs in, sees a change, and pauses the source.
func TestPagesShowWhatTheDaemonDoes(t *testing.T) {
	t.Parallel()
	api, told := newAPI(t, `[{"id":"81240","total":129}]`), newHooks(t)
	d := startDaemon(t, fmt.Sprintf(`server: {listen: "127.0.0.1:0", token: a-token-of-the-api}
sources:
  - {name: shop-orders, schedule: "@every 1s", request: {url: "%s"}, items: {path: "@this", key: id}, detect: {first_poll: emit}}
endpoints:
  - {name: ops, url: "%s", secrets: ["%s"]}
`, api.url, told.url, told.secret))
	base := d.DashboardURL()
	if base != "http://"+d.Addr()+"/" {
		t.Errorf("the pages are at %s", base)
	}
	told.await(t, "", func(receiver.Envelope) bool { return true })
	browser := reader(t)
	page := func(path string) string {
		resp, err := browser.Get(base + path)
		return read(t, resp, err)
	}
	if got := page("sources"); !strings.HasPrefix(got, "/login\n") || strings.Contains(got, "shop-orders") {
		t.Fatalf("without the token: %s", got)
	}
	form := func(path string, values url.Values) string {
		resp, err := browser.PostForm(base+path, values)
		return read(t, resp, err)
	}
	if got := form("login", url.Values{"token": {"wrong"}}); !strings.Contains(got, "This is not the token") {
		t.Errorf("a wrong token: %s", got)
	}
	if got := form("login", url.Values{"token": {"a-token-of-the-api"}, "next": {"/sources"}}); !strings.HasPrefix(got, "/sources\n") || !strings.Contains(got, "shop-orders") {
		t.Fatalf("with the token: %s", got)
	}
	if got := page(""); !strings.Contains(got, "All is well") || !strings.Contains(got, "pollwire.item.created") {
		t.Errorf("the overview: %s", got)
	}
	if got := form("sources/shop-orders/pause", url.Values{"back": {"/sources/shop-orders"}}); !strings.Contains(got, "shop-orders is paused") {
		t.Errorf("paused: %s", got)
	}
	if s, err := d.client.Source(t.Context(), "shop-orders"); err == nil {
		t.Errorf("a client without the token sees %+v", s)
	}
}

// TestPagesFollowTheConfiguration: a reload that was refused is said, and one that
// changes the token ends all sessions.
func TestPagesFollowTheConfiguration(t *testing.T) {
	t.Parallel()
	text := "sources:\n" + sourceOf("thing", newAPI(t, `{}`).url, "")
	head := func(token string) string {
		return fmt.Sprintf("server: {listen: \"127.0.0.1:0\", token: %s}\n", token)
	}
	d, f := startReloadable(t, head("the-first-token-of-two")+text)
	browser := reader(t)
	resp, err := browser.PostForm(d.DashboardURL()+"login", url.Values{"token": {"the-first-token-of-two"}})
	if got := read(t, resp, err); !strings.HasPrefix(got, "/\n") || strings.Contains(got, ">reload<") {
		t.Fatalf("logged in: %s", got)
	}
	f.write(head("the-first-token-of-two") + text + "nonsense: 1\n")
	if done, err := d.client.Reload(t.Context()); err != nil || done.OK {
		t.Fatalf("reload: %+v, %v", done, err)
	}
	resp, err = browser.Get(d.DashboardURL())
	if got := read(t, resp, err); !strings.Contains(got, "1 thing needs attention") || !strings.Contains(got, "test.yaml:5:1: nonsense: ") {
		t.Errorf("after a bad reload: %s", got)
	}
	d.reload(t, f, head("the-second-token-of-two")+text)
	resp, err = browser.Get(d.DashboardURL())
	if got := read(t, resp, err); !strings.HasPrefix(got, "/login\n") {
		t.Errorf("with another token: %s", got)
	}
}
