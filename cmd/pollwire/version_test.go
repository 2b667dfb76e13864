package main

import (
	"encoding/json"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestVersion(t *testing.T) {
	t.Parallel()
	got := pollwire(t, "version")
	got.want(t, exitOK, "pollwire "+version()+" "+runtime.Version()+" "+runtime.GOOS+"/"+runtime.GOARCH)
	if strings.Count(got.stdout, "\n") != 1 {
		t.Errorf("more than a line: %s", got.stdout)
	}

	got = pollwire(t, "version", "--json")
	got.want(t, exitOK)
	var b build
	if err := json.Unmarshal([]byte(got.stdout), &b); err != nil {
		t.Fatal(err)
	}
	if b.Version != version() || b.Go != runtime.Version() {
		t.Errorf("--json says %+v", b)
	}
}

// TestVersionOfBuild: what is known best of a build names it.
func TestVersionOfBuild(t *testing.T) {
	t.Parallel()
	const hash = "0123456789abcdef0123456789abcdef01234567"
	stamped := func(version, modified string) *debug.BuildInfo {
		return &debug.BuildInfo{Main: debug.Module{Version: version}, Settings: []debug.BuildSetting{
			{Key: "vcs.revision", Value: hash}, {Key: "vcs.modified", Value: modified},
		}}
	}
	for name, tc := range map[string]struct {
		release, revision string
		info              *debug.BuildInfo
		want              build
	}{
		"release":            {"1.2.3", "abc", &debug.BuildInfo{}, build{Version: "1.2.3", Commit: "abc"}},
		"go install":         {"", "", &debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}}, build{Version: "v1.2.3"}},
		"in a repository":    {"", "", stamped("(devel)", "true"), build{Version: "devel+0123456789ab", Commit: hash, Modified: true}},
		"of a tag":           {"", "", stamped("v1.2.3", "false"), build{Version: "v1.2.3", Commit: hash}},
		"without repository": {"", "", &debug.BuildInfo{Main: debug.Module{Version: "(devel)"}}, build{Version: "devel"}},
		"nothing is known":   {"", "", nil, build{Version: "devel"}},
	} {
		tc.want.Go, tc.want.Platform = runtime.Version(), runtime.GOOS+"/"+runtime.GOARCH
		if d := cmp.Diff(tc.want, newBuild(tc.release, tc.revision, tc.info)); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

func TestVersionLine(t *testing.T) {
	t.Parallel()
	b := build{Version: "1.2.3", Commit: "abc", Modified: true, Go: "go1.26.0", Platform: "linux/amd64"}
	if got, want := b.String(), "pollwire 1.2.3 go1.26.0 linux/amd64 commit abc modified"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
