package recipe

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

var (
	// harmless is what a value may hold that stands in a file: nothing that YAML, or
	// the ${…} of a configuration, could take for something else.
	harmless = regexp.MustCompile(`^[\p{L}\p{N} ._~/@:+,=-]+$`)
	// elsewhere is a value that is looked up when the configuration is read.
	elsewhere = regexp.MustCompile(`^\$\{(?:([A-Z][A-Z0-9_]*)|file:/[^{}]+|credential:[^{}/]+)\}$`)
)

// Fill returns the recipe with values in place of settings. A value is a plain
// text, or a ${NAME}, ${file:/path} or ${credential:name} that takes the place of
// the recipe's own ${…}; a secret is one of those only. The header no longer names
// a setting that was filled. Its errors name the setting and the way out.
func (r *Recipe) Fill(values map[string]string) (*Recipe, error) {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if err := r.takes(name, values[name]); err != nil {
			return nil, err
		}
	}
	text, err := r.put(values)
	if err != nil {
		return nil, err
	}
	return parse(r.Name, text)
}

// takes says whether a value may take the place of a setting.
func (r *Recipe) takes(name, value string) error {
	i := slices.IndexFunc(r.Settings, func(s Setting) bool { return s.Name == name })
	switch {
	case i < 0 && len(r.Settings) == 0:
		return fmt.Errorf("%s has no setting %s: it has none", r.Name, name)
	case i < 0:
		names := make([]string, len(r.Settings))
		for i, s := range r.Settings {
			names[i] = s.Name
		}
		return fmt.Errorf("%s has no setting %s; it has %s", r.Name, name, strings.Join(names, ", "))
	case elsewhere.MatchString(value):
		return nil
	case r.Settings[i].Secret: // The value is not repeated.
		return fmt.Errorf("%s is a secret, which stands in no file: leave it to the environment, or say where it is, such as %s='${credential:pollwire_FILE}'", name, name)
	case strings.TrimSpace(value) == "":
		return fmt.Errorf("%s is empty: give it a value, or leave it to the environment", name)
	case !harmless.MatchString(value) || strings.TrimSpace(value) != value:
		return fmt.Errorf("%s holds characters that could mean something else in the file; leave it to the environment: export %s=…", name, name)
	}
	return nil
}

// put writes the values into the text, and makes sure that nothing else of what it
// says has changed.
func (r *Recipe) put(values map[string]string) (string, error) {
	head, body := refillHeader(r.Text, values), r.body()
	before, err := document(body)
	if err != nil {
		return "", err
	}
	fill := func(text string) string {
		return reference.ReplaceAllStringFunc(text, func(found string) string {
			if value, ok := values[reference.FindStringSubmatch(found)[1]]; ok {
				return value
			}
			return found
		})
	}
	var edits []edit
	for node := range scalars(before) {
		if node.Style != 0 || fill(node.Value) == node.Value {
			continue // Within quotes a value that is harmless can stand as it is.
		}
		at, ok := find(body, node)
		if ok && !isPlain(fill(node.Value)) {
			edits = append(edits, edit{at, node.Value, `"` + fill(node.Value) + `"`})
		}
	}
	text := fill(apply(body, edits))
	after, err := document(text)
	if err != nil || !same(before, after, fill) {
		return "", errors.New("a value cannot stand in the file as it is; leave it to the environment")
	}
	return head + text, nil
}

// refillHeader is the header without what was filled, and with the names of the
// variables that took another's place.
func refillHeader(text string, values map[string]string) string {
	var out strings.Builder
	passing := false // the lines of a field that is left out
	named := func(variable string) bool {
		return strings.Contains(text, ": "+variable+" ") || strings.Contains(out.String(), ": "+variable+" ")
	}
	for _, line := range header(text) {
		m := field.FindStringSubmatch(line)
		if passing && m == nil && strings.HasPrefix(line, "  ") {
			continue
		}
		passing = false
		if m != nil && (m[1] == "set" || m[1] == "secret") {
			name, meaning, _ := strings.Cut(m[2], " ")
			value, filled := values[name]
			other := elsewhere.FindStringSubmatch(value)
			switch {
			case filled && other != nil && other[1] != "" && !named(other[1]):
				line = m[1] + ": " + other[1] + " " + meaning
			case filled:
				passing = true
				continue
			}
		}
		out.WriteString(strings.TrimRight("# "+line, " ") + "\n")
	}
	return out.String()
}

// isPlain says whether a text is itself where YAML has it without quotes, in a flow
// such as [a, b] too.
func isPlain(text string) bool {
	var node yaml.Node
	if err := yaml.Unmarshal([]byte(text), &node); err != nil || len(node.Content) != 1 {
		return false
	}
	value := node.Content[0]
	return value.Kind == yaml.ScalarNode && value.ShortTag() == "!!str" && value.Value == text &&
		!strings.Contains(text, ",")
}
