package manual

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// imprint is what the pages of the tests bear.
var imprint = Imprint{Version: "1.2.3", Date: time.Date(2026, 1, 2, 23, 0, 0, 0, time.FixedZone("", -3*60*60))}

func TestEscape(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"plain words, 1 < 2":       "plain words, 1 < 2",
		".TH is a macro":           `\&.TH is a macro`,
		"'twas one too":            `\(aqtwas one too`,
		`C:\n`:                     `C:\en`,
		"--json is a flag":         `\-\-json is a flag`,
		"`a` ^b ~c":                `\(gaa\(ga \(hab \(tic`,
		"wait… 2×":                 `wait... 2\(mu`,
		"${credential:pollwire_x}": "${credential:pollwire_x}",
		"":                         "",
	} {
		if got := escape(text); got != want {
			t.Errorf("escape(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	w := &writer{}
	w.text("\nOne line\nand its second.\n\nAn example:\n\n  pollwire run\n    -c file\n\n.Not a macro.\n")
	want := `One line and its second.
.PP
An example:
.PP
.RS 4
.nf
pollwire run
  \-c file
.fi
.RE
.PP
\&.Not a macro.
`
	if d := cmp.Diff(want, w.String()); d != "" {
		t.Errorf("text (-want +got):\n%s", d)
	}
}

func TestTextThatBeginsIndented(t *testing.T) {
	t.Parallel()
	w := &writer{}
	w.text("  as it is\n")
	if d := cmp.Diff(".RS 4\n.nf\nas it is\n.fi\n.RE\n", w.String()); d != "" {
		t.Errorf("text (-want +got):\n%s", d)
	}
}
