package server

import "time"

// Reload is what came of the last attempt to take a new configuration.
type Reload struct {
	Number  int        `json:"number" doc:"Counts the attempts since the start of the daemon; 0 before the first."`
	At      *time.Time `json:"at,omitempty" doc:"When it ended."`
	OK      bool       `json:"ok" doc:"The configuration was taken. Else everything is as it was."`
	Errors  []string   `json:"errors,omitempty" doc:"Why it was not taken, each with its place."`
	Added   []string   `json:"added,omitempty" doc:"What it added, as source/NAME and endpoint/NAME."`
	Changed []string   `json:"changed,omitempty" doc:"What it changed."`
	Removed []string   `json:"removed,omitempty" doc:"What it removed."`
}
