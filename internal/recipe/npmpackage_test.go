package recipe_test

import (
	"net/http"
	"testing"
	"time"
)

// TestNPMPackage holds the recipe against
// https://github.com/npm/registry/blob/main/docs/responses/package-metadata.md.
func TestNPMPackage(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	api := newFake(t, 60, time.Hour, nil, answer{})
	version := func(number string) object {
		return object{
			"name": "@types/node", "version": number, "dependencies": object{"undici-types": "~7.0.0"}, "_hasShrinkwrap": false,
			"dist": object{
				"tarball": "https://registry.example.com/@types/node/-/node-" + number + ".tgz", "shasum": "c1e8d7f6", "integrity": "sha512-" + number,
				"signatures": []object{{"keyid": "SHA256:1", "sig": "MEUC"}},
			},
		}
	}
	versions := object{"22.1.0": version("22.1.0"), "22.2.0": version("22.2.0"), "24.0.0": version("24.0.0"), "24.0.1": version("24.0.1")}
	tags := object{"latest": "24.0.0", "next": "24.0.1"}
	modified := "2025-12-01T00:00:00.000Z"
	api.handle("GET /@types%2Fnode", func(r *http.Request) any {
		if r.URL.EscapedPath() != "/@types%2Fnode" {
			t.Errorf("asked for %s", r.URL.EscapedPath())
		}
		api.wantHeader(r, "Accept", "application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8")
		return api.json(
			object{"name": "@types/node", "modified": modified, "dist-tags": tags, "versions": versions},
			http.Header{"Content-Type": {"application/vnd.npm.install-v1+json"}, "Vary": {"accept-encoding, accept"}},
		)
	})
	try(t, "npm-package", trial{
		set:   map[string]string{"NPM_REGISTRY_URL": "https://registry.example.com", "NPM_PACKAGE": "@types%2Fnode"},
		hosts: map[string]http.Handler{"registry.example.com": api},
		dull: api.do(func() {
			modified = "2025-12-02T00:00:00.000Z"
			versions["22.1.0"].(object)["dist"].(object)["signatures"] = []object{{"keyid": "SHA256:2", "sig": "MEYC"}}
		}),
		untold: api.do(func() { tags["beta"] = "24.0.1" }),
		change: api.do(func() {
			versions["24.1.0"], tags["latest"] = version("24.1.0"), "24.1.0"
			versions["22.1.0"].(object)["deprecated"] = "use 22.2.0, this one lacks a file"
			delete(versions, "24.0.1")
		}),
		told: []string{"npm.version.created 24.1.0", "npm.version.updated 22.1.0", "npm.version.deleted 24.0.1", "npm.tags.updated "},
		sick: []sickness{
			api.ill("a package that is gone", "404", answer{status: http.StatusNotFound, body: `{"error":"Not found"}`}),
			api.ill("a registry that is asked too often", "429", answer{status: http.StatusTooManyRequests, header: http.Header{"Retry-After": {"30"}}, body: `{"error":"Too Many Requests"}`}),
			api.ill("a package of which all is taken back", "expect.when", answer{status: http.StatusOK, body: `{"name":"@types/node","time":{"unpublished":{}}}`}),
		},
	})
}
