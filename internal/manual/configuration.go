package manual

import "strings"

const aboutConfiguration = `The configuration is one YAML document, or several: include names more files with sources, endpoints and rate_limits. ` +
	`It is read strictly. An unknown key, a key written twice, a second document and an empty file are errors, which name file, line and column; ` +
	`pollwire check lists all of them at once.

In any value that is text, ${NAME} is a variable of the environment, ${NAME:-default} one that may be missing, ${file:/path} the content of a ` +
	`file, and ${credential:NAME} that of a file in $CREDENTIALS_DIRECTORY. $${ stands for a ${ that is meant as it is.

Durations are written as 90s, 36h or 30d, sizes as 64KiB or 10MiB. Where a key below is written with dots, each dot leads one mapping ` +
	`further in: request.url is the key url in the mapping request.`

// Configuration returns the page of the configuration file, pollwire.yaml(5),
// from its JSON Schema.
func Configuration(schema []byte, in Imprint) (Page, error) {
	const name, section = "pollwire.yaml", "5"
	c := configuration{newWriter(name, section, "pollwire manual", in)}
	c.name(name, "what pollwire polls, and whom it tells")
	c.section("SYNOPSIS")
	c.line("%s", escape("/etc/pollwire/pollwire.yaml"))
	c.section("DESCRIPTION")
	c.text(aboutConfiguration)
	if err := describe(schema, c); err != nil {
		return Page{}, err
	}
	c.section("FILES")
	c.tag("/usr/share/doc/pollwire/examples/config.example.yaml", "Every key, once, with its default or an example.")
	c.see([]string{"pollwire(1)", "pollwire-check(1)", "pollwire-init(1)"})
	return c.page(name, section), nil
}

// configuration is the page while it is written.
type configuration struct{ *writer }

var _ form = configuration{}

func (c configuration) part(key, says string) {
	c.section(strings.ToUpper(key))
	c.line("%s", escape(says))
}

func (c configuration) key(path, says string) { c.tag(bold(path), says) }

func (configuration) place(path, part string) string { return path + " in " + strings.ToUpper(part) }
func (configuration) prose(text string) string       { return text }
func (configuration) code(text string) string        { return text }
func (configuration) strong(text string) string      { return text }
