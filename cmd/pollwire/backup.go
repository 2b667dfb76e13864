package main

import (
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/daemon"
)

func newBackupCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy the SQLite database, also while the daemon runs",
		Long: "Backup writes the database as it is at this moment into a file of its own, checks that copy, and gives it its name\n" +
			"only then. It never overwrites. To restore: stop pollwire, remove the database's -wal and -shm files, put the copy in\n" +
			"the database's place, owned by the daemon's user, and start. What has changed since the backup is then seen and told anew.",
		Args: oneArg("the file to write"),
	}
	path := configFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		storage, err := config.LoadStorage(*path)
		if err != nil {
			return err
		}
		bar := newBar(cmd.ErrOrStderr())
		copied, err := daemon.Backup(cmd.Context(), storage, args[0], func(copied, total int64) {
			bar.show(copied, total, func() string { return mebibytes(copied) + " of " + mebibytes(total) })
		})
		bar.end()
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %s of %s, schema version %d, checked\n",
			copied.To, mebibytes(copied.Bytes), storage.Path(), copied.Schema)
		return err
	}
	return cmd
}

func newMigrateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Bring the schema of the database up to this version",
		Long: "Migrate brings the schema of the database up; 'pollwire run' does so too. No daemon may run on a SQLite database\n" +
			"meanwhile. On a PostgreSQL database nodes of the version before go on: migrate first, and then restart one after the\n" +
			"other. There is no way back but a backup: take one first.",
		Args: noArgs,
	}
	path := configFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		storage, err := config.LoadStorage(*path)
		if err != nil {
			return err
		}
		m, err := daemon.Migrate(cmd.Context(), storage, version(), newLogger(cmd.ErrOrStderr(), "text", slog.LevelWarn))
		if err != nil {
			return err
		}
		text := fmt.Sprintf("%s: migrated from schema version %d to %d", storage.Name(), m.From, m.To)
		if m.From == m.To {
			text = fmt.Sprintf("%s: has schema version %d, and nothing is to be done", storage.Name(), m.To)
		}
		_, err = fmt.Fprintln(cmd.OutOrStdout(), text)
		return err
	}
	return cmd
}

func mebibytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }
