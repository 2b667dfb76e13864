package main

import (
	"github.com/spf13/cobra"

	"github.com/pollwire/pollwire/internal/config"
)

func newSchemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of the configuration",
		Long:  "Schema prints the JSON Schema of the configuration file, for editors that complete and check YAML.",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			schema, err := config.Schema()
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(append(schema, '\n'))
			return err
		},
	}
}
