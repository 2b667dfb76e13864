package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"
)

// credentialsDirectory is the variable in which systemd hands credentials over.
const credentialsDirectory = "CREDENTIALS_DIRECTORY"

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// expander replaces ${…} in string values. What it puts in is never looked at
// again, neither for ${…} nor as YAML.
type expander struct {
	lookup Lookup
	// done keeps what a node gave: what sources inherit is looked up once.
	done map[*yaml.Node]expansion
	// put is everything that came from outside.
	put []string
}

type expansion struct {
	text string
	err  error
}

func newExpander(lookup Lookup) *expander {
	if lookup.Env == nil {
		lookup.Env = func(string) (string, bool) { return "", false }
	}
	if lookup.File == nil {
		lookup.File = func(string) ([]byte, error) { return nil, errors.New("files cannot be read here") }
	}
	if lookup.Folder == nil {
		lookup.Folder = nowhere{}
	}
	return &expander{lookup: lookup, done: make(map[*yaml.Node]expansion)}
}

// hasReference says whether a text has a ${ in it.
func hasReference(text string) bool { return strings.Contains(text, "${") }

// value is the text of a scalar, expanded.
func (x *expander) value(node *yaml.Node) (string, error) {
	if !hasReference(node.Value) {
		return node.Value, nil
	}
	e, ok := x.done[node]
	if !ok {
		e.text, e.err = x.expand(node.Value)
		x.done[node] = e
	}
	return e.text, e.err
}

func (x *expander) expand(text string) (string, error) {
	var b strings.Builder
	var errs []string
	for {
		before, after, found := strings.Cut(text, "${")
		if !found {
			b.WriteString(text)
			break
		}
		if literal, ok := strings.CutSuffix(before, "$"); ok {
			b.WriteString(literal + "${")
			text = after
			continue
		}
		b.WriteString(before)
		inner, rest, found := strings.Cut(after, "}")
		if !found {
			errs = append(errs, "a ${ has no closing }; write $${ for a literal ${")
			break
		}
		value, err := x.reference(inner)
		if err != nil {
			errs = append(errs, err.Error())
		}
		b.WriteString(value)
		x.put = append(x.put, value)
		text = rest
	}
	if errs != nil {
		return "", errors.New(strings.Join(errs, "; "))
	}
	return b.String(), nil
}

// reference gives the value of what stands between ${ and }.
func (x *expander) reference(inner string) (string, error) {
	if path, ok := strings.CutPrefix(inner, "file:"); ok {
		if !filepath.IsAbs(path) {
			return "", fmt.Errorf("${%s}: the path must be absolute, such as ${file:/run/secrets/token}", inner)
		}
		return x.file(inner, path)
	}
	if name, ok := strings.CutPrefix(inner, "credential:"); ok {
		return x.credential(inner, name)
	}
	name, fallback, hasFallback := strings.Cut(inner, ":-")
	if !variableName.MatchString(name) {
		return "", fmt.Errorf("${%s} is not understood: write ${NAME}, ${NAME:-default}, ${file:/path} or ${credential:name}, and $${ for a literal ${", name)
	}
	value, ok := x.lookup.Env(name)
	switch {
	case hasFallback && value == "":
		return fallback, nil
	case !ok:
		return "", fmt.Errorf("the environment variable %s is not set: set it, or write ${%s:-default}", name, name)
	default:
		return value, nil
	}
}

func (x *expander) credential(inner, name string) (string, error) {
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, `/\`) {
		return "", fmt.Errorf("${%s}: a credential is a file name without slashes, as in LoadCredential=name:/path", inner)
	}
	dir, ok := x.lookup.Env(credentialsDirectory)
	if !ok || dir == "" {
		return "", fmt.Errorf("${%s}: %s is not set; systemd sets it for a unit with LoadCredential=%s:/path", inner, credentialsDirectory, name)
	}
	return x.file(inner, filepath.Join(dir, name))
}

// file is the content of a file without the line break at its end.
func (x *expander) file(inner, path string) (string, error) {
	data, err := x.lookup.File(path)
	if err != nil {
		return "", fmt.Errorf("${%s}: read %s: %s", inner, path, reason(err))
	}
	return strings.TrimRight(string(data), "\r\n"), nil
}
