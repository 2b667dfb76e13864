package main

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/pollwire/pollwire/internal/daemon"
)

func newCopyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "copy --from DSN --to DSN",
		Short: "Move a database to the other engine",
		Long: "Copy copies all that a database holds into an empty one of the other engine, from sqlite:FILE to\n" +
			"postgres://user@host/database or back, and reads it there again before it is kept. No daemon may run on either.\n" +
			"The original stays as it is. A copy that was broken off leaves nothing behind; run it again.\n" +
			"A password need not be in the DSN: PGPASSWORD and ~/.pgpass are read.",
		Args: noArgs,
	}
	from := cmd.Flags().String("from", "", "the `DSN` of the database to copy")
	to := cmd.Flags().String("to", "", "the `DSN` of the one to fill, which is empty or, of SQLite, not there yet")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *from == "" || *to == "" {
			return &usageError{fmt.Errorf("%s wants both --from and --to", cmd.CommandPath())}
		}
		b := newBar(cmd.ErrOrStderr())
		copied, err := daemon.Copy(cmd.Context(), *from, *to, version(), func(table string, done, total int64) {
			b.show(done, total, func() string { return fmt.Sprintf("%d of %d rows read and written, %s", done/2, total/2, table) })
		})
		b.end()
		if copied == nil {
			return err
		}
		var rows [][]string
		for _, t := range copied.Tables {
			same := "yes"
			if !t.Same {
				same = "NO"
			}
			rows = append(rows, []string{t.Table, strconv.FormatInt(t.From, 10), strconv.FormatInt(t.To, 10), same})
		}
		if printed := printTable(cmd.OutOrStdout(), "TABLE FROM TO SAME", rows); err == nil {
			err = printed
		}
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s of %s are in %s: set storage.dsn to it\n", count(int(copied.Rows()), "row"), copied.From, copied.To)
		return err
	}
	return cmd
}
