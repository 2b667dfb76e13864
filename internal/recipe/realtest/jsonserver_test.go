//go:build real

package realtest

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pollwire/pollwire/internal/curl"
	"github.com/pollwire/pollwire/internal/recipe"
	"github.com/pollwire/pollwire/internal/server"
)

// TestFromCurl makes a source of a curl command, lets a few of the lines that the
// command cannot know count, as its file says, and watches a list of json-server with it,
// page by page.
func TestFromCurl(t *testing.T) {
	t.Parallel()
	program := filepath.Join(packages, "json-server/lib/cli/bin.js")
	need(t, "make real fetches it", program)
	file := write(t, t.TempDir(), "db.json",
		`{"orders":[{"id":1,"status":"open"},{"id":2,"status":"open"},{"id":3,"status":"paid"},{"id":4,"status":"open"},{"id":5,"status":"open"}]}`)
	port := freePorts(t, 1)[0]
	log := startProcess(t, nil, "node", program, "--quiet", "--host", "127.0.0.1", "--port", fmt.Sprint(port), file)
	shop := fmt.Sprintf("http://127.0.0.1:%d", port)
	awaitServer(t, shop+"/orders", log)

	w := start(t, subject{name: "orders", written: fromCurl(t, "curl -s -H 'Accept: application/json' '"+shop+"/./orders?_page=1&_limit=2&_sort=id'")})
	w.wantFirst(t, "orders")
	w.wantPoll(t, "orders", server.PollUnchanged)

	change := func(method, path, body string) {
		t.Helper()
		if answer, err := call(t, method, shop+path, map[string]string{"Content-Type": "application/json"}, []byte(body)); err != nil || strings.Contains(string(answer), "Error") {
			t.Fatalf("%s %s: %v %s", method, path, err, answer)
		}
	}
	change(http.MethodPost, "/orders", `{"id":6,"status":"open"}`)
	change(http.MethodPatch, "/orders/5", `{"status":"paid"}`)
	change(http.MethodDelete, "/orders/2", "")
	w.wantPoll(t, "orders", server.PollChanged)
	w.await(t, "api.orders.created", "6")
	w.await(t, "api.orders.deleted", "2")
	if e := w.await(t, "api.orders.updated", "5"); textOf(e.Data.After, "status") != "paid" {
		t.Errorf("the order is told as %s", e.Data.After)
	}
	w.wantPoll(t, "orders", server.PollUnchanged)
	w.wantTold(t, 3)
}

// fromCurl is the source of a command whose answer is a list of several pages.
func fromCurl(t *testing.T, command string) *recipe.Recipe {
	t.Helper()
	request, err := curl.Parse(command, nil)
	if err != nil {
		t.Fatal(err)
	}
	source, err := request.Source("")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"items:", "pagination:"} {
		if !strings.Contains(source.Text, "# "+key) {
			t.Fatalf("the file does not show %s\n%s", key, source.Text)
		}
		source.Text = strings.Replace(source.Text, "# "+key, key, 1)
	}
	return source
}
