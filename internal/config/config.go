// Package config reads a configuration: YAML in, validated values out.
//
// [Load] decodes strictly, expands ${…}, merges defaults into every source,
// checks all that can be checked without asking anybody, and returns every
// mistake at once with its place and the way out. The struct types are the one
// description of what a configuration may hold: decoder, [Schema] and the tests
// of config.example.yaml read their tags.
//
// The package imports nothing of this project. Turning its values into the
// options of other packages is the daemon's job.
package config

import (
	"os"
	"reflect"
	"slices"
	"time"

	"gopkg.in/yaml.v3"
)

// Config is a whole configuration, complete and valid.
type Config struct {
	Storage    Storage     `yaml:"storage" doc:"Where state is kept, and for how long."`
	Server     Server      `yaml:"server" doc:"The daemon's own HTTP server."`
	Include    []string    `yaml:"include" example:"[\"conf.d/*.yaml\"]" doc:"Further files with sources, endpoints and rate_limits, or with one source each: paths, or patterns with * and ?, relative to this file. Hidden files are passed over." aka:"includes|import|imports|files|conf_d"`
	Log        Log         `yaml:"log" doc:"What the daemon logs, and how." aka:"logging"`
	RateLimits []RateLimit `yaml:"rate_limits" doc:"Request budgets that sources share by name." aka:"limits|rate_limit"`
	// Defaults is what was written under that key. It is already merged into
	// every source.
	Defaults  Settings   `yaml:"defaults" partial:"true" doc:"Any key of a source but name, for all sources. A source's own key wins; mappings are merged key by key, lists and auth, rate_limit and json are replaced whole; null in a source takes a default away."`
	Sources   []Source   `yaml:"sources" required:"true" doc:"What is polled." aka:"source|polls|apis"`
	Endpoints []Endpoint `yaml:"endpoints" doc:"The URLs that are told what changed." aka:"endpoint|webhooks|webhook|targets|receivers"`

	requestSecrets []Secret
	// included are the files that were included, and origins where the elements
	// of the lists are written if there are any.
	included []string
	origins  map[string][]origin
	// endpointPlaces are where those keys of endpoints are written that others look
	// at, with no message yet.
	endpointPlaces []map[string]Error
}

// Included are the paths of the files that were included, in their order.
func (c *Config) Included() []string { return slices.Clone(c.included) }

// EndpointMistake is what others than this package find wrong with a key of an
// endpoint, url or template.body, at its place. A Config that was not read from a
// file has only the path.
func (c *Config) EndpointMistake(endpoint int, key, message string) *Error {
	e := Error{Path: c.origin("endpoints", endpoint).at(key)}
	if endpoint < len(c.endpointPlaces) {
		e = c.endpointPlaces[endpoint][key]
	}
	e.Message = message
	return &e
}

// EndpointWarning is a warning of a key of an endpoint.
func (c *Config) EndpointWarning(endpoint int, key, message string) Warning {
	return Warning{c.origin("endpoints", endpoint).at(key), message}
}

// Load reads the file at path and those that it includes, and looks up ${…} in the environment and the
// files of this process. Its error is an [Errors].
func Load(path string) (*Config, error) {
	doc, err := loadDocument(path)
	if err != nil {
		return nil, err
	}
	return parseDocument(doc, System(), make(keyring))
}

// needed is what an empty configuration is told.
const needed = "it needs at least sources"

// loadDocument parses the file at path.
func loadDocument(path string) (*document, error) {
	data, err := readConfiguration(path)
	if err != nil {
		message := "read configuration: " + reason(err)
		if os.IsNotExist(err) {
			message += "; `pollwire init` writes a first one"
		}
		return nil, Errors{{File: path, Message: message}}
	}
	return readDocument(path, data, needed)
}

// Parse reads a configuration from data. The name of the file is for messages
// only. Its error is an [Errors].
func Parse(name string, data []byte, lookup Lookup) (*Config, error) {
	doc, err := readDocument(name, data, needed)
	if err != nil {
		return nil, err
	}
	return parseDocument(doc, lookup, make(keyring))
}

// parseDocument goes on where there is a document, and goes on after every
// mistake to find the others.
func parseDocument(doc *document, lookup Lookup, keys keyring) (*Config, error) {
	d := newDecoder(lookup, keys)
	r := d.report
	if doc.written == nil {
		doc.written = make(map[*yaml.Node]place)
	}
	d.structure(doc.top())
	files, whole := d.include(doc)
	if !whole {
		return nil, r.err()
	}
	d.adopt(doc, files)
	inherit(doc, keys)
	var c Config
	d.owner = reflect.TypeFor[Config]()
	d.mapping(doc.top(), reflect.ValueOf(&c).Elem(), field{})
	v := &validator{
		report:    r,
		bad:       d.bad,
		file:      d.expand.lookup.File,
		schedules: make(scheduleCache),
		locations: make(map[string]*time.Location),
	}
	v.config(doc.top(), &c)
	if err := r.err(); err != nil {
		return nil, err
	}
	c.endpointPlaces = endpointPlaces(doc)
	c.requestSecrets = requestSecrets(d.expand.put, c.Sources, c.Endpoints)
	if len(files) > 0 {
		c.origins = origins(doc)
		for _, file := range files {
			c.included = append(c.included, file.file)
		}
	}
	return &c, nil
}
