package recipe

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A header is the comment at the top of a recipe:
//
//	# Stripe: every payment that fails
//	#
//	# What is worth knowing besides, in paragraphs.
//	#
//	# docs: https://docs.stripe.com/api/events/list
//	# limit: 100 reads a second; the recipe asks twice a minute
//	# secret: STRIPE_KEY a restricted key that may read events
//	# set: STRIPE_VERSION the version of the API that your account pins
//	# tried: a fake
//
// A field whose text does not fit into its line goes on in lines that are indented.

var (
	headline = regexp.MustCompile(`^(.+?): (.+)$`)
	field    = regexp.MustCompile(`^(docs|limit|secret|set|tried): +(.+)$`)
	setting  = regexp.MustCompile(`^([A-Z][A-Z0-9_]*) +(.+)$`)
	// reference is ${NAME} or ${NAME:-default}, or else $${, which stands for ${ and has
	// no name.
	reference = regexp.MustCompile(`\$\$\{|\$\{([A-Z][A-Z0-9_]*)(:-([^}]*))?\}`)
)

// entry is a field of a header at its line.
type entry struct {
	line       int
	key, value string
}

// parse reads a file. Its error names the line.
func parse(name, text string) (*Recipe, error) {
	r := &Recipe{Name: name, Text: text}
	var about []string
	last := -1 // the field that an indented line belongs to
	var fields []entry
	for i, line := range header(text) {
		switch m := field.FindStringSubmatch(line); {
		case i == 0:
			h := headline.FindStringSubmatch(line)
			if h == nil {
				return nil, fmt.Errorf("%s.yaml:1: the first line must be # TITLE: what one gets", name)
			}
			r.Title, r.Gets = h[1], h[2]
		case m != nil:
			fields = append(fields, entry{i + 1, m[1], m[2]})
			last = len(fields) - 1
		case last >= 0 && strings.HasPrefix(line, "  "):
			fields[last].value += " " + strings.TrimSpace(line)
		case last >= 0:
			return nil, fmt.Errorf("%s.yaml:%d: %q is no field: docs, limit, secret, set or tried", name, i+1, line)
		default:
			about = append(about, line)
		}
	}
	r.About = strings.TrimSpace(strings.Join(about, "\n"))
	for _, f := range fields {
		if err := r.take(f.key, f.value); err != nil {
			return nil, fmt.Errorf("%s.yaml:%d: %w", name, f.line, err)
		}
	}
	return r, r.complete()
}

// header is the comment at the top, without its signs.
func header(text string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if !strings.HasPrefix(line, "#") {
			break
		}
		lines = append(lines, strings.TrimPrefix(strings.TrimPrefix(line, "#"), " "))
	}
	return lines
}

func (r *Recipe) take(key, value string) error {
	switch key {
	case "docs":
		r.Docs = append(r.Docs, strings.Fields(value)...)
	case "limit":
		r.Limit = value
	case "tried":
		for what := range strings.SplitSeq(value, ";") {
			r.Tried = append(r.Tried, strings.TrimSpace(what))
		}
	case "set", "secret":
		m := setting.FindStringSubmatch(value)
		if m == nil {
			return fmt.Errorf("%s must be NAME and what it is, not %q", key, value)
		}
		r.Settings = append(r.Settings, Setting{Name: m[1], Meaning: m[2], Secret: key == "secret"})
	}
	return nil
}

// complete checks that the header says all, and takes the defaults of settings.
func (r *Recipe) complete() error {
	switch {
	case r.Title == "":
		return fmt.Errorf("%s.yaml has no header", r.Name)
	case len(r.Docs) == 0:
		return fmt.Errorf("%s.yaml: the header lacks docs: the provider's pages", r.Name)
	case len(r.Tried) == 0:
		return fmt.Errorf("%s.yaml: the header lacks tried: what it ran against", r.Name)
	case r.Limit == "":
		return fmt.Errorf("%s.yaml: the header lacks limit: what the provider allows", r.Name)
	}
	used := make(map[string]bool)
	for _, m := range reference.FindAllStringSubmatch(r.body(), -1) {
		name := m[1]
		if name == "" {
			continue
		}
		used[name] = true
		i := slices.IndexFunc(r.Settings, func(s Setting) bool { return s.Name == name })
		if i < 0 {
			return fmt.Errorf("%s.yaml: ${%s} is used, but the header has no set or secret of it", r.Name, name)
		}
		if m[2] != "" {
			r.Settings[i].Default, r.Settings[i].HasDefault = m[3], true
		}
	}
	for _, s := range r.Settings {
		if !used[s.Name] {
			return fmt.Errorf("%s.yaml: the header has a setting %s that is not used", r.Name, s.Name)
		}
	}
	return nil
}

// body is the file after its header.
func (r *Recipe) body() string {
	lines := strings.SplitAfter(r.Text, "\n")
	return strings.Join(lines[len(header(r.Text)):], "")
}
