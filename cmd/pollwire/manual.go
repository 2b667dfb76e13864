package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/manual"
)

// newManualCommand returns the command that packages get their manual pages
// from. It is hidden: whoever has pollwire at hand has help.
func newManualCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:    "manual DIRECTORY",
		Short:  "Write the manual pages, for a package",
		Hidden: true,
		Args:   oneArg("the directory to write to"),
	}
	date := cmd.Flags().String("date", time.Now().Format(time.DateOnly), "the `day` that the pages bear, as 2026-01-02")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		day, err := time.Parse(time.DateOnly, *date)
		if err != nil {
			return &usageError{fmt.Errorf("--date: write it as 2026-01-02, not %q", *date)}
		}
		return writeManual(cmd.Root(), args[0], manual.Imprint{Version: version(), Date: day})
	}
	return cmd
}

// writeManual writes all pages into a directory, and makes it where it is missing.
func writeManual(root *cobra.Command, dir string, imprint manual.Imprint) error {
	schema, err := config.Schema()
	if err != nil {
		return err
	}
	configuration, err := manual.Configuration(schema, imprint)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // pages are there for everybody to read
		return fmt.Errorf("create directory: %w", err)
	}
	for _, page := range append(manual.Commands(root, imprint), configuration) {
		if err := os.WriteFile(filepath.Join(dir, page.Name), page.Text, 0o644); err != nil { //nolint:gosec // as above
			return fmt.Errorf("write page: %w", err)
		}
	}
	return nil
}
