// Command summary reads `go test -json` and prints what a person wants to know:
// the output of what failed, as it fails; then each test that was skipped, by
// name and with its reason; and last go test's own line for each package.
//
// It exits with 1 when a test failed. With -no-skip it does so too when a test
// was skipped, unless its name, package and test, matches -may-skip.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
)

func main() {
	noSkip := flag.Bool("no-skip", false, "a skipped test is a failure")
	maySkip := flag.String("may-skip", "^$", "regular expression of the tests that may be skipped nonetheless")
	flag.Parse()
	may, err := regexp.Compile(*maySkip)
	if err != nil {
		fmt.Fprintln(os.Stderr, "summary: -may-skip:", err)
		os.Exit(2)
	}
	s := summary{out: os.Stdout, progress: os.Stderr, noSkip: *noSkip, maySkip: may, output: make(map[string][]string)}
	if !s.run(os.Stdin) {
		os.Exit(1)
	}
}

// event is one line of `go test -json`.
type event struct {
	Action, Package, Test, Output string
	// ImportPath is set instead of Package in the output of a build.
	ImportPath string
	Elapsed    float64
}

// name is the package and the test.
func (e event) name() string { return strings.TrimSuffix(e.Package+"."+e.Test, ".") }

type summary struct {
	out, progress io.Writer
	noSkip        bool
	maySkip       *regexp.Regexp

	// output is what each test under way has printed.
	output   map[string][]string
	skipped  []string
	results  []string
	packages int
	failed   bool
}

// run reads events to their end and says whether all is well.
func (s *summary) run(in io.Reader) bool {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil || e.Action == "" {
			fmt.Fprintln(s.out, lines.Text()) // The go command's own words.
			continue
		}
		s.take(e)
	}
	if err := lines.Err(); err != nil {
		fmt.Fprintln(s.out, "summary: read go test's output:", err)
		s.failed = true
	}
	if s.packages == 0 {
		fmt.Fprintln(s.out, "summary: no package was tested")
		s.failed = true
	}
	s.finish()
	return !s.failed
}

func (s *summary) take(e event) {
	switch e.Action {
	case "output":
		if e.Test == "" && isResult(e.Output) {
			s.results = append(s.results, e.Output)
			return
		}
		s.output[e.name()] = append(s.output[e.name()], e.Output)
	case "build-output":
		fmt.Fprint(s.out, e.Output)
	case "pass", "fail", "skip":
		s.end(e)
	}
}

// isResult says whether a line is go test's result of a package.
func isResult(line string) bool {
	return strings.HasPrefix(line, "ok  \t") || strings.HasPrefix(line, "FAIL\t") || strings.HasPrefix(line, "?   \t")
}

// end takes the end of a test or of a package.
func (s *summary) end(e event) {
	output := s.output[e.name()]
	delete(s.output, e.name())
	if e.Test == "" {
		s.packages++
	}
	if e.Test == "" && e.Action != "skip" { // One without tests is skipped.
		fmt.Fprintf(s.progress, "%s %s (%.1fs)\n", e.Action, e.Package, e.Elapsed)
	}
	switch {
	case e.Action == "fail" && e.Test == "":
		s.failed = true
		s.unended(e.Package)
		fmt.Fprint(s.out, strings.Join(output, ""))
	case e.Action == "fail":
		s.failed = true
		fmt.Fprint(s.out, strings.Join(output, ""))
	case e.Action == "skip" && e.Test != "":
		s.skip(e.name(), reason(output))
	}
}

// unended prints what the tests of a package said that were under way when it
// failed: a panic, a fatal error or a time-out ends them all, is told as output of
// the last one that spoke, and no test is said to have failed.
func (s *summary) unended(pkg string) {
	for _, name := range slices.Sorted(maps.Keys(s.output)) {
		if strings.HasPrefix(name, pkg+".") {
			fmt.Fprintf(s.out, "test under way: %s\n%s", name, strings.Join(s.output[name], ""))
			delete(s.output, name)
		}
	}
}

func (s *summary) skip(name, why string) {
	verdict := ""
	if s.noSkip && !s.maySkip.MatchString(name) {
		verdict = " [must not be skipped here]"
		s.failed = true
	}
	s.skipped = append(s.skipped, fmt.Sprintf("SKIPPED %s: %s%s\n", name, why, verdict))
}

// reason is the last thing that a skipped test said.
func reason(output []string) string {
	for _, line := range slices.Backward(output) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "--- ") && !strings.HasPrefix(line, "=== ") {
			return line
		}
	}
	return "no reason given"
}

// finish prints what is left for the end.
func (s *summary) finish() {
	if len(s.skipped) > 0 {
		fmt.Fprintf(s.out, "skipped tests: %d\n%s", len(s.skipped), strings.Join(s.skipped, ""))
	}
	fmt.Fprint(s.out, strings.Join(s.results, ""))
}
