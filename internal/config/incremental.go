package config

// Incremental asks only for what is newer than what was seen.
type Incremental struct {
	CursorPath   string   `yaml:"cursor_path" required:"true" example:"updated_at" doc:"The gjson path, in an item, of what says how new it is: a time or a number that grows." aka:"path|cursor|field|cursor_field"`
	CursorType   string   `yaml:"cursor_type" default:"auto" enum:"auto|id" doc:"Whether a number that looks like a time of these years is taken for one, which then cannot lie in the future; id says that it is none, such as an id of 19 digits." aka:"type|kind"`
	StartParam   string   `yaml:"start_param" required:"true" example:"since" doc:"The parameter that takes the newest value that was seen; in a body its path, such as variables.since, or filters.0.value for an element of a list." aka:"param|parameter|since_param"`
	InitialValue string   `yaml:"initial_value" example:"now" doc:"What is sent until an item was seen: now is the time of the first poll in RFC 3339, now_unix and now_unix_ms are its seconds and its milliseconds since 1970; without it, no parameter." aka:"start|initial|start_value|from"`
	Lookback     Duration `yaml:"lookback" default:"0s" min:"0s" max:"366d" doc:"How much is asked for again each time, for items that become visible late; those that are known already are told nobody. Without it a time or a number goes back by one unit of its last digit." aka:"overlap|look_back|margin"`
	In           string   `yaml:"in" enum:"query|body" example:"query" doc:"Where the parameter goes; without it into the body where request.json or request.graphql is set, else into the query." aka:"location"`
}
