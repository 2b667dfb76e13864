package main

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
)

// TestDocsAPI runs the requests of docs/api.md against a daemon.
func TestDocsAPI(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"sh", "curl", "jq"} {
		if _, err := exec.LookPath(command); err != nil {
			t.Skip(err)
		}
	}
	s := newSetup(t, before)
	s.change(t, `listen: ""`, `listen: "127.0.0.1:0", token: hidden-api-token`)
	address := s.runDaemon(t).address(t)
	ran := 0
	for _, b := range blocks(t, "docs/api.md") {
		if b.language != "sh" {
			continue
		}
		for _, tc := range []struct {
			token string
			works bool
		}{{"hidden-api-token", true}, {"another", !strings.Contains(b.code, "$TOKEN")}} {
			cmd := exec.CommandContext(t.Context(), "sh", "-eu", "-c", b.code)
			cmd.Env = append(cmd.Environ(), "URL=http://"+address, "TOKEN="+tc.token)
			out, err := cmd.CombinedOutput()
			if (err == nil) != tc.works {
				t.Errorf("docs/api.md:%d with the token %s: %v: %s", b.line, tc.token, err, out)
			}
			for line := range strings.Lines(string(out)) {
				if tc.works && !json.Valid([]byte(line)) {
					t.Errorf("docs/api.md:%d answered %s", b.line, line)
				}
			}
			ran++
		}
	}
	if ran < 8 {
		t.Errorf("only %d ran", ran)
	}
}
