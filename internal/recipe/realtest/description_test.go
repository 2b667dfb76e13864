//go:build real

package realtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// packages is where npm puts Prism, and the descriptions of APIs (OpenAPI 3).
const packages = "testdata/peers/node_modules"

// description is how a provider, or somebody else, describes an API.
type description struct {
	// file is the description, in packages.
	file string
	// base is what the paths of the API begin with and those of the file do not.
	base string
	// path is that of what the recipe asks for, as the file spells it, and method how.
	path, method string
	// optional are parameters that the file wants and the API of today does not.
	optional []string
	// unknown are parameters that the file does not know yet.
	unknown []string
}

// mock is Prism, which holds requests against a description and answers with the
// example that stands there.
type mock struct {
	t     *testing.T
	at    at
	known map[string]bool // parameters of the query

	mu     sync.Mutex
	prefer string
}

// startMock starts Prism with what a description says of one path: the whole of some
// would take it a minute.
func startMock(t *testing.T, d description) *mock {
	t.Helper()
	prism := filepath.Join(packages, "@stoplight/prism-cli/dist/index.js")
	need(t, "make real fetches it", prism, filepath.Join(packages, d.file))
	text, err := os.ReadFile(filepath.Join(packages, d.file))
	if err != nil {
		t.Fatal(err)
	}
	var whole map[string]any
	if err := json.Unmarshal(text, &whole); err != nil {
		t.Fatal(err)
	}
	m := &mock{t: t, known: make(map[string]bool)}
	part, err := json.Marshal(d.excerpt(t, whole, m.known))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range d.unknown {
		m.known[name] = true
	}
	port := freePorts(t, 1)[0]
	log := startProcess(t, nil, "node", prism, "mock", "--host", "127.0.0.1", "--port", fmt.Sprint(port), write(t, t.TempDir(), "part.json", string(part)))
	m.at = at(fmt.Sprintf("127.0.0.1:%d", port))
	awaitServer(t, "http://"+string(m.at), log)
	return m
}

// excerpt is the part of a description that is about its path. The names of the
// parameters of the query go into known.
func (d *description) excerpt(t *testing.T, whole map[string]any, known map[string]bool) map[string]any {
	t.Helper()
	item, ok := whole["paths"].(map[string]any)[d.path].(map[string]any)
	if !ok {
		t.Fatalf("%s: there is no path %s", d.file, d.path)
	}
	operation := item[d.method].(map[string]any)
	shared, _ := item["parameters"].([]any)
	own, _ := operation["parameters"].([]any)
	for _, p := range slices.Concat(shared, own) {
		parameter := p.(map[string]any)
		if ref, ok := parameter["$ref"].(string); ok {
			parameter = lookUp(whole, ref).(map[string]any)
		}
		name := parameter["name"].(string)
		if slices.Contains(d.optional, name) {
			parameter["required"] = false
		}
		if parameter["in"] == "query" {
			known[name] = true
		}
	}
	part := map[string]any{
		"openapi": whole["openapi"], "info": whole["info"],
		"paths": map[string]any{d.base + d.path: map[string]any{d.method: operation, "parameters": shared}},
	}
	if security, ok := whole["security"]; ok {
		part["security"] = security
	}
	components := map[string]any{}
	if all, ok := whole["components"].(map[string]any); ok && all["securitySchemes"] != nil {
		components["securitySchemes"] = all["securitySchemes"]
	}
	part["components"] = components
	seen := make(map[string]bool)
	for todo := refs(part, nil); len(todo) > 0; {
		ref := todo[0]
		todo = todo[1:]
		if seen[ref] {
			continue
		}
		seen[ref] = true
		kind, name, ok := strings.Cut(strings.TrimPrefix(ref, "#/components/"), "/")
		if !ok || strings.Contains(name, "/") {
			t.Fatalf("%s: %s is no component", d.file, ref)
		}
		object := lookUp(whole, ref)
		if components[kind] == nil {
			components[kind] = map[string]any{}
		}
		components[kind].(map[string]any)[name] = object
		todo = refs(object, todo)
	}
	return part
}

// refs adds to a list what a part of a description refers to.
func refs(value any, list []string) []string {
	switch v := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if ref, ok := v[name].(string); ok && name == "$ref" {
				list = append(list, ref)
				continue
			}
			list = refs(v[name], list)
		}
	case []any:
		for _, element := range v {
			list = refs(element, list)
		}
	}
	return list
}

func lookUp(whole map[string]any, ref string) any {
	var at any = whole
	for name := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		at = at.(map[string]any)[strings.NewReplacer("~1", "/", "~0", "~").Replace(name)]
	}
	return at
}

// answers makes Prism answer with a status that the description has.
func (m *mock) answers(status int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.prefer = fmt.Sprintf("code=%d", status)
}

// RoundTrip implements http.RoundTripper: it hands a request on to Prism. A parameter
// that the description does not know is a fault, of which Prism says nothing.
func (m *mock) RoundTrip(r *http.Request) (*http.Response, error) {
	for name := range r.URL.Query() {
		if !m.known[name] {
			m.t.Errorf("%s %s: the description has no parameter %s", r.Method, r.URL, name)
		}
	}
	r = r.Clone(r.Context())
	r.Header.Set("Accept", "application/json") // Prism knows only types that answers have: none of GitHub's own.
	m.mu.Lock()
	if m.prefer != "" {
		r.Header.Set("Prefer", m.prefer)
	}
	m.mu.Unlock()
	return m.at.RoundTrip(r)
}
