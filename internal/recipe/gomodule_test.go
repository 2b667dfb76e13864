package recipe_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestGoModule holds the recipe against https://go.dev/ref/mod#goproxy-protocol.
func TestGoModule(t *testing.T) {
	t.Parallel()
	api := newFake(t, 60, time.Hour, nil, answer{})
	plain := http.Header{"Content-Type": {"text/plain; charset=UTF-8"}}
	latest := map[string]any{"Version": "v1.4.0", "Time": "2025-12-01T00:00:00Z", "Origin": map[string]any{"VCS": "git", "Hash": "1111111"}}
	versions := []string{"v0.9.0", "v1.3.2", "v1.4.0", "v1.2.0"}
	api.handle("GET /github.com/!burnt!sushi/toml/@latest", func(*http.Request) any { return latest })
	api.handle("GET /github.com/!burnt!sushi/toml/@v/list", func(*http.Request) any {
		return answer{status: http.StatusOK, header: plain, body: strings.Join(versions, "\n") + "\n"}
	})
	try(t, "go-module", trial{
		set:   map[string]string{"GO_PROXY_URL": "https://proxy.example.com", "GO_MODULE": "github.com/!burnt!sushi/toml"},
		hosts: map[string]http.Handler{"proxy.example.com": api},
		dull: api.do(func() {
			latest["Origin"] = map[string]any{"VCS": "git", "Hash": "1111111", "Ref": "refs/tags/v1.4.0"}
		}),
		untold: api.do(func() {
			slices.Sort(versions)
			versions = versions[1:]
		}),
		change: api.do(func() {
			latest["Version"], latest["Time"] = "v1.5.0", "2025-12-02T00:00:00Z"
			versions = append(versions, "v1.5.0", "v1.3.3")
		}),
		told: []string{"go.module.updated ", "go.versions.updated "},
		sick: []sickness{
			api.ill("a module that is gone", "404", answer{status: http.StatusNotFound, header: plain, body: "not found: module github.com/BurntSushi/toml: no matching versions"}),
			api.ill("a version that was taken back", "410", answer{status: http.StatusGone, header: plain, body: "gone"}),
			api.ill("a list of nothing", "empty body", answer{status: http.StatusOK, header: plain}),
		},
	})
}
