package curl

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/pollwire/pollwire/internal/recipe"
)

// isText says whether a text can stand in a file as it is.
func isText(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool {
		return r < ' ' && r != '\t' && r != '\n' && r != '\r' && r != 0 || r == 0x7f
	})
}

// secret is a reference to a variable that has a value. Where the shell had it in
// variables, it is in those.
func (w *writer) secret(suffix, meaning, value string) string {
	if strings.Contains(value, mark) && onlyMarks(value) {
		return w.references(value, meaning, true)
	}
	name := w.prefix + "_" + suffix
	for n := 2; ; n++ {
		if !slices.ContainsFunc(w.settings, func(s recipe.Setting) bool { return s.Name == name }) {
			break
		}
		name = fmt.Sprintf("%s_%s_%d", w.prefix, suffix, n)
	}
	w.settings = append(w.settings, recipe.Setting{Name: name, Meaning: meaning + " of the curl command", Secret: true})
	return "${" + name + "}"
}

// onlyMarks says whether a text is variables and nothing that could be a secret by
// itself.
func onlyMarks(text string) bool {
	for i, part := range strings.Split(text, mark) {
		if i%2 == 0 && len(part) > 2 {
			return false
		}
	}
	return true
}

// text is a text that is no secret, as the configuration takes it.
func (w *writer) text(text string) string {
	if !isText(text) {
		w.fail(errors.New("the command holds control characters, which a source cannot send"))
	}
	return w.references(text, "a variable", false)
}

// references puts ${NAME} in the place of variables, and escapes what only looks
// like one.
func (w *writer) references(text, meaning string, secret bool) string {
	if strings.Contains(text, "$"+mark) {
		w.fail(errors.New("a $ stands before a variable, which a configuration cannot say"))
	}
	var out strings.Builder
	for i, part := range strings.Split(text, mark) {
		if i%2 == 0 {
			out.WriteString(strings.ReplaceAll(part, "${", "$${"))
			continue
		}
		out.WriteString("${" + part + "}")
		if !slices.ContainsFunc(w.settings, func(s recipe.Setting) bool { return s.Name == part }) {
			w.settings = append(w.settings, recipe.Setting{Name: part, Meaning: meaning + " of the curl command", Secret: secret || isSecretName(part)})
		}
	}
	return out.String()
}

var (
	notVariable = regexp.MustCompile(`[^A-Z0-9]+`)
	hump        = regexp.MustCompile(`([a-z0-9])([A-Z])`)
)

// variable is the end of the name of a variable, by the name of what it holds.
func variable(name string) string {
	name = strings.Trim(notVariable.ReplaceAllString(strings.ToUpper(hump.ReplaceAllString(name, "${1}_${2}")), "_"), "_")
	if name == "" || len(name) > 40 {
		return "SECRET"
	}
	return name
}

var plain = regexp.MustCompile(`^[A-Za-z/][A-Za-z0-9_./-]*$|^https?://[A-Za-z0-9_./~%:-]*[A-Za-z0-9_/]$`)

// word is a text that older YAML takes for a truth value.
var word = regexp.MustCompile(`^(?i:y|n|yes|no|on|off)$`)

// quote is a text as YAML has it, in a flow too.
func quote(text string) string {
	var node yaml.Node
	if plain.MatchString(text) && !word.MatchString(text) && yaml.Unmarshal([]byte(text), &node) == nil && len(node.Content) == 1 && node.Content[0].ShortTag() == "!!str" {
		return text
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out) // JSON is YAML.
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(text) // a string can always be encoded
	return strings.TrimSuffix(out.String(), "\n")
}

// content is the body as lines of the source, and whether it is JSON.
func (w *writer) content() (lines string, isJSON bool) {
	r := w.request
	if !r.HasBody || r.Body == "" {
		return "", false
	}
	kind := strings.ToLower(r.header("Content-Type"))
	if strings.Contains(kind, "json") {
		if text, ok := w.json(r.Body); ok {
			return text, true
		}
	}
	var body string
	switch {
	case strings.HasPrefix(kind, "application/x-www-form-urlencoded") && isForm(r.Body):
		pairs := strings.Split(r.Body, "&")
		for i := range pairs {
			pairs[i] = w.rawPair(pairs[i])
		}
		body = strings.Join(pairs, "&")
	case holdsSecret(r.Body):
		body = w.secret("BODY", "the whole body, which holds a secret,", r.Body)
	default:
		body = w.text(r.Body)
	}
	return "      body: " + quote(body) + "\n", false
}

// isForm says whether a body is one of names and values, as its type says.
func isForm(body string) bool {
	for pair := range strings.SplitSeq(body, "&") {
		name, _, ok := strings.Cut(pair, "=")
		if !ok || strings.ContainsAny(name, "{\"'<: \n") {
			return false
		}
	}
	return true
}

// assignment is a name with a sign behind it after which its value comes, or that of
// an element of XML with attributes.
var assignment = regexp.MustCompile(`([A-Za-z0-9_.-]+)["'\\]*\s*[:=>]|<(?:[\w.-]+:)?([\w.-]+)\s`)

// holdsSecret says whether a text that cannot be taken apart holds what looks like a
// secret, or what is called one.
func holdsSecret(text string) bool {
	for _, m := range assignment.FindAllStringSubmatch(strings.ReplaceAll(text, mark, "_"), -1) {
		if isSecretName(m[1]) || isSecretName(m[2]) {
			return true
		}
	}
	return slices.ContainsFunc(strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\r\n\"'<>=&:,;{}[]()\\", r) }), isSecret)
}

// marked is an escape that would become a mark, or what stands for one.
var marked = regexp.MustCompile(`(?i)\\u(0000|e000)`)

// json is a body of JSON as YAML; false where YAML cannot say the same.
func (w *writer) json(body string) (string, bool) {
	var document yaml.Node
	if !json.Valid([]byte(strings.ReplaceAll(body, mark, "_"))) {
		return "", false
	}
	// A mark is no character of YAML.
	const stand = "\ue000"
	if strings.Contains(body, stand) || marked.MatchString(body) || yaml.Unmarshal([]byte(strings.ReplaceAll(body, mark, stand)), &document) != nil || len(document.Content) != 1 {
		return "", false
	}
	root := document.Content[0]
	if root.Kind == yaml.ScalarNode {
		return "", false
	}
	settings := slices.Clone(w.settings)
	if !w.members(root, "", stand) {
		w.settings = settings
		return "", false
	}
	var text strings.Builder
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	if err := encoder.Encode(root); err != nil {
		return "", false
	}
	out := strings.TrimSuffix(text.String(), "\n")
	if len(root.Content) == 0 {
		return "      json: " + out + "\n", true
	}
	return "      json:\n        " + strings.ReplaceAll(out, "\n", "\n        ") + "\n", true
}

// members makes the texts below a node those of a configuration.
func (w *writer) members(node *yaml.Node, name, stand string) bool {
	node.Style &^= yaml.FlowStyle
	if len(node.Content) == 0 && node.Kind != yaml.ScalarNode {
		node.Style = yaml.FlowStyle
	}
	switch node.Kind {
	case yaml.ScalarNode:
		value := strings.ReplaceAll(node.Value, stand, mark)
		quoted := node.Style&yaml.DoubleQuotedStyle != 0
		switch {
		case !quoted && strings.Contains(value, mark):
			return false // A variable in the place of a number.
		case !quoted && node.ShortTag() == "!!str":
			return false // A number that YAML takes for a text, as it is beyond its own.
		case isSecretName(name) && (node.ShortTag() == "!!int" || node.ShortTag() == "!!float"):
			return false // A number in the place of a text: the environment has texts only.
		case !quoted || value == "":
		case isSecretName(name) || isOrHoldsSecret(value):
			node.Value = w.secret(variable(name), "the member "+shown(name)+" of the body", value)
		default:
			if !isText(value) {
				return false
			}
			node.Value = w.text(value)
		}
	case yaml.MappingNode:
		seen := make(map[string]bool)
		for i := 0; i+1 < len(node.Content); i += 2 {
			key := node.Content[i].Value
			if seen[key] || strings.Contains(key, stand) || strings.Contains(key, "${") || !w.members(node.Content[i+1], key, stand) {
				return false
			}
			seen[key] = true
		}
	default:
		for _, below := range node.Content {
			if !w.members(below, name, stand) {
				return false
			}
		}
	}
	return true
}
