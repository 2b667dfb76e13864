package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

func TestWrongUsage(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ args, says string }{
		{"nonsense", `unknown command "nonsense"`},
		{"chekc", `unknown command "chekc"; did you mean check?`},
		{"help nonsense", `unknown command "nonsense"`},
		{"help chekc", `did you mean check?`},
		{"--nonsense", "unknown flag: --nonsense"},
		{"check --nonsense", "unknown flag: --nonsense"},
		{"check --config", "flag needs an argument: --config"},
		{"check more", `pollwire check takes no arguments, but got "more"`},
		{"run more", `pollwire run takes no arguments, but got "more"`},
		{"version more", `pollwire version takes no arguments, but got "more"`},
		{"poll", "pollwire poll wants one argument: the name of a source"},
		{"poll a b", "pollwire poll wants one argument"},
		{"accept", "pollwire accept wants one argument: the name of a source"},
		{"enable", "pollwire enable wants one argument: endpoint/NAME"},
		{"enable ops", `wants endpoint/NAME, not "ops"`},
		{"disable endpoint/", `wants endpoint/NAME, not "endpoint/"`},
		{"pause", "pollwire pause wants one argument: source/NAME or endpoint/NAME"},
		{"resume orders", `wants source/NAME or endpoint/NAME, not "orders"`},
		{"enable source/orders", `wants endpoint/NAME, not "source/orders"`},
		{"trigger", "pollwire trigger wants one argument: the name of a source"},
		{"sources a b", "takes the name of one source, but got 2 arguments"},
		{"deliveries 0", `wants the number of a delivery, not "0"`},
		{"deliveries --state sick", `--state must be waiting, delivered, dead or superseded, not "sick"`},
		{"sources --state sick", `--state must be ok, new, failing, paused or disabled, not "sick"`},
		{"accept a --url nonsense", `must look like http://127.0.0.1:8470, not "nonsense"`},
		{"demo --for nonsense", `invalid argument "nonsense" for "--for" flag`},
		{"demo --for -1s", "cannot be negative"},
		{"backup", "pollwire backup wants one argument: the file to write"},
		{"migrate more", `pollwire migrate takes no arguments, but got "more"`},
		{"completion", "wants one argument: bash, zsh, fish"},
		{"completion tcsh", `no completion for "tcsh": bash, zsh, fish`},
	} {
		t.Run(tc.args, func(t *testing.T) {
			t.Parallel()
			got := pollwire(t, strings.Fields(tc.args)...)
			got.want(t, exitUsage, "! "+tc.says, "! Run 'pollwire help'")
			if got.stdout != "" {
				t.Errorf("stdout: %s", got.stdout)
			}
		})
	}
}

// TestHelp: every command explains itself, on stdout, in lines that fit.
func TestHelp(t *testing.T) {
	t.Parallel()
	got := pollwire(t, "help")
	got.want(t, exitOK, "pollwire demo", "Steer the running daemon:")
	if d := cmp.Diff(got.stdout, pollwire(t).stdout); d != "" {
		t.Errorf("help and no command differ:\n%s", d)
	}
	root := newRoot()
	root.InitDefaultHelpCmd()
	for _, cmd := range root.Commands() {
		if cmd.Hidden {
			continue // It is for those who make packages.
		}
		t.Run(cmd.Name(), func(t *testing.T) { checkHelp(t, cmd, got.stdout) })
	}
}

func checkHelp(t *testing.T, cmd *cobra.Command, overview string) {
	t.Helper()
	if !strings.Contains(overview, cmd.Short) {
		t.Errorf("help does not say: %s", cmd.Short)
	}
	got := pollwire(t, "help", cmd.Name())
	got.want(t, exitOK, "Usage:", "pollwire "+cmd.Use)
	if d := cmp.Diff(got.stdout, pollwire(t, cmd.Name(), "--help").stdout); d != "" && cmd.Name() != "help" {
		t.Errorf("help %s and --help differ:\n%s", cmd.Name(), d)
	}
	for line := range strings.Lines(got.stdout) {
		if len([]rune(line)) > 125 {
			t.Errorf("a line is too long: %s", line)
		}
	}
}

// TestCompletion lets each shell that is installed read its script.
func TestCompletion(t *testing.T) {
	t.Parallel()
	for shell, part := range map[string]string{
		"bash": "complete -o default", "zsh": "#compdef pollwire", "fish": "complete -c pollwire",
	} {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			got := pollwire(t, "completion", shell)
			got.want(t, exitOK, part)
			if _, err := exec.LookPath(shell); err != nil {
				return // the text above is all that can be known here
			}
			script := filepath.Join(t.TempDir(), "script")
			if err := os.WriteFile(script, []byte(got.stdout), 0o600); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.CommandContext(t.Context(), shell, "-n", script).CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	// What the scripts ask for at each Tab.
	pollwire(t, "__complete", "che").want(t, exitOK, "check\tValidate the configuration", "! ")
}
