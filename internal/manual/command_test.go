package manual

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

// tool is a command line with all that a page can show.
func tool() *cobra.Command {
	root := &cobra.Command{Use: "tool", Short: "Turn this into that", Long: "tool turns.\nTo begin: tool do."}
	root.AddGroup(&cobra.Group{ID: "work", Title: "At work:"})
	do := &cobra.Command{
		Use: "do NAME", Short: "Do it", Long: "Do does it.\n\n  tool do x\n", GroupID: "work",
		Run: func(*cobra.Command, []string) {},
	}
	do.Flags().StringP("config", "c", "tool.yaml", "the configuration `file`")
	do.Flags().Duration("wait", 0, "how long to wait")
	do.Flags().Bool("secretly", false, "nobody knows")
	if err := do.Flags().MarkHidden("secretly"); err != nil {
		panic(err)
	}
	root.AddCommand(do,
		&cobra.Command{Use: "undo", Short: "Undo it", Run: func(*cobra.Command, []string) {}},
		&cobra.Command{Use: "cheat", Short: "Hide it", Hidden: true, Run: func(*cobra.Command, []string) {}})
	return root
}

func TestPageOfCommand(t *testing.T) {
	t.Parallel()
	pages := Commands(tool(), imprint)
	want := `.TH "TOOL\-DO" "1" "2026-01-03" "pollwire 1.2.3" "pollwire manual"
.nh
.ad l
.SH NAME
tool\-do \- do it
.SH SYNOPSIS
\fBtool do\fR \fINAME\fR [flags]
.SH DESCRIPTION
Do does it.
.PP
.RS 4
.nf
tool do x
.fi
.RE
.SH OPTIONS
.TP
\fB\-c\fR, \fB\-\-config\fR \fIfile\fR
The configuration file. The default is tool.yaml.
.TP
\fB\-h\fR, \fB\-\-help\fR
Help for do.
.TP
\fB\-\-wait\fR \fIduration\fR
How long to wait.
.SH SEE ALSO
\fBtool\fR(1),
\fBpollwire.yaml\fR(5)
`
	for _, page := range pages {
		if page.Name == "tool-do.1" {
			if d := cmp.Diff(want, string(page.Text)); d != "" {
				t.Errorf("page (-want +got):\n%s", d)
			}
			return
		}
	}
	t.Error("no page tool-do.1")
}

// TestPagesOfCommands: every command that help lists has a page, and the first
// page names them.
func TestPagesOfCommands(t *testing.T) {
	t.Parallel()
	pages := Commands(tool(), imprint)
	names := make([]string, len(pages))
	for i, page := range pages {
		names[i] = page.Name
	}
	if d := cmp.Diff([]string{"tool.1", "tool-do.1", "tool-undo.1"}, names); d != "" {
		t.Errorf("pages (-want +got):\n%s", d)
	}
	contains(t, pages[0],
		".SH COMMANDS\n.SS At work\n.TP\n\\fBtool\\-do\\fR(1)\nDo it\n.SS Besides\n.TP\n\\fBtool\\-undo\\fR(1)\nUndo it\n.SH EXIT STATUS\n",
		".SH DESCRIPTION\ntool turns. To begin: tool do.\n",
		"\\fB78\\fR\nThe configuration is wrong")
}
