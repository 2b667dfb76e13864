package server

import "time"

// Reload is what came of the last attempt to take a new configuration.
type Reload struct {
	// Number counts the attempts since the start of the daemon; 0 before the first.
	Number int `json:"number"`
	// At is when it ended.
	At *time.Time `json:"at,omitempty"`
	// OK says that the configuration was taken. Else everything is as it was, and
	// Errors say why, each with its place.
	OK     bool     `json:"ok"`
	Errors []string `json:"errors,omitempty"`
	// Added, Changed and Removed name the sources and endpoints that it touched, as
	// source/NAME and endpoint/NAME.
	Added   []string `json:"added,omitempty"`
	Changed []string `json:"changed,omitempty"`
	Removed []string `json:"removed,omitempty"`
}
