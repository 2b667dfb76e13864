package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// Set by the linker in a released build (-X main.release=1.2.3), which need not
// be built in a repository.
var (
	// release is its version.
	release string
	// revision is the commit that it is built from.
	revision string
)

// build is what is known of how this program was built.
type build struct {
	Version string `json:"version"`
	// Commit is the whole hash; empty where it is not known.
	Commit string `json:"commit,omitempty"`
	// Modified says that files differed from the commit.
	Modified bool   `json:"modified,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// version names this build: the release, else the module's version or commit.
func version() string {
	info, _ := debug.ReadBuildInfo()
	return newBuild(release, revision, info).Version
}

// newBuild puts together what the linker and the Go command have left in a
// program; info may be nil.
func newBuild(release, revision string, info *debug.BuildInfo) build {
	b := build{Version: release, Commit: revision, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info == nil {
		info = &debug.BuildInfo{}
	}
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && b.Commit == "":
			b.Commit = s.Value
		case s.Key == "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	const short = 12 // of a hash, as much as a person reads
	switch v := info.Main.Version; {
	case b.Version != "":
	case v != "" && v != "(devel)":
		b.Version = v
	case len(b.Commit) >= short:
		b.Version = "devel+" + b.Commit[:short]
	default:
		b.Version = "devel"
	}
	return b
}

// String is a line for a person, and for a report of a mistake.
func (b build) String() string {
	words := []string{"pollwire", b.Version, b.Go, b.Platform}
	if b.Commit != "" {
		words = append(words, "commit", b.Commit)
	}
	if b.Modified {
		words = append(words, "modified")
	}
	return strings.Join(words, " ")
}

func newVersionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Long:  "Version prints the version, and what it was built with, for a platform and from which commit.",
		Args:  noArgs,
	}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		info, _ := debug.ReadBuildInfo()
		b := newBuild(release, revision, info)
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), []build{b})
		}
		_, err := fmt.Fprintln(cmd.OutOrStdout(), b)
		return err
	}
	return cmd
}
