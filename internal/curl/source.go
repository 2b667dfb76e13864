package curl

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/pollwire/pollwire/internal/recipe"
)

// Source returns a file with a source that asks what the request does. It is called
// as its address suggests, or by name where that is not empty. Credentials, and what
// looks like one, are settings of it; no value of them is in it.
func (r *Request) Source(name string) (*recipe.Recipe, error) {
	if name == "" {
		name = r.name()
	}
	if !names.MatchString(name) {
		return nil, fmt.Errorf("%q cannot be the name: use up to 40 small letters, digits and -", name)
	}
	w := &writer{request: r, name: name, prefix: strings.ToUpper(strings.ReplaceAll(name, "-", "_"))}
	if w.prefix[0] >= '0' && w.prefix[0] <= '9' {
		w.prefix = "API_" + w.prefix
	}
	if err := w.source(); err != nil {
		return nil, err
	}
	host := w.host()
	return &recipe.Recipe{
		Name: name, Title: host, Gets: "what changes of the answer to the curl command",
		Settings: w.settings, Text: w.header(host) + w.body.String(),
	}, nil
}

var (
	names = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)
	// version is a part of a path that says nothing.
	version = regexp.MustCompile(`^(v?\d+([._]\d+)*|api|rest|json|graphql|search|query|index|list)$`)
	number  = regexp.MustCompile(`^[1-9][0-9]{0,9}$`)
	notName = regexp.MustCompile(`[^a-z0-9]+`)
)

// name is a name by the last word of the path, or by the host.
func (r *Request) name() string {
	_, rest, _ := strings.Cut(r.URL, "://")
	parts := strings.Split(rest, "/")
	slices.Reverse(parts[1:])
	for _, part := range parts[1:] {
		first, _, _ := strings.Cut(part, ".")
		name := strings.Trim(notName.ReplaceAllString(strings.ToLower(first), "-"), "-")
		if strings.Contains(part, mark) || isSecret(first) || isOrHoldsSecret(decode(part)) || version.MatchString(name) || !names.MatchString(name) || !strings.ContainsAny(name, "abcdefghijklmnopqrstuvwxyz") {
			continue
		}
		return name
	}
	host, _, _ := strings.Cut(strings.ReplaceAll(parts[0], mark, ""), ":")
	labels := strings.Split(strings.ToLower(host), ".")
	label := labels[0]
	if len(labels) > 2 {
		label = labels[len(labels)-2]
	}
	if label = strings.Trim(notName.ReplaceAllString(label, "-"), "-"); names.MatchString(label) {
		return label
	}
	return "api"
}

// writer writes the file of a source.
type writer struct {
	request  *Request
	name     string
	prefix   string // of variables
	body     strings.Builder
	settings []recipe.Setting
	hasAuth  bool
	err      error
}

// host is the host of the request, for people.
func (w *writer) host() string {
	_, rest, _ := strings.Cut(w.request.URL, "://")
	host, _, _ := strings.Cut(rest, "/")
	if strings.Contains(host, mark) {
		return "An API"
	}
	return host
}

// header is the comment at the top.
func (w *writer) header(host string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s: what changes of the answer to the curl command\n#\n# Written from a curl command. How to go on: docs/your-own-api.md\n", host)
	if len(w.request.Passed) > 0 {
		fmt.Fprintf(&b, "# Left out, as a source has no use for it: %s.\n", strings.Join(w.request.Passed, ", "))
	}
	if len(w.settings) > 0 {
		b.WriteString("#\n")
	}
	for _, s := range w.settings {
		kind := "set"
		if s.Secret {
			kind = "secret"
		}
		fmt.Fprintf(&b, "# %s: %s %s\n", kind, s.Name, s.Meaning)
	}
	return b.String() + "\n"
}

// line writes a line of the source.
func (w *writer) line(format string, args ...any) {
	fmt.Fprintf(&w.body, "    "+format+"\n", args...)
}

// source writes the source.
func (w *writer) source() error {
	r := w.request
	fmt.Fprintf(&w.body, "sources:\n  - name: %s\n", w.name)
	w.line(`schedule: "@every 5m"`)
	w.line("request:")
	auth := w.auth()
	headers := w.headers(&auth)
	address, params := w.address(&auth)
	w.line("  url: %s", address)
	if len(params) > 0 {
		w.line("  params: {%s}", strings.Join(params, ", "))
	}
	switch r.Method {
	case http.MethodGet:
	case http.MethodPut, http.MethodPatch, http.MethodDelete:
		w.line("  method: %s   # sent with every poll; make sure that it changes nothing", r.Method)
	default:
		w.line("  method: %s", r.Method)
	}
	body, isJSON := w.content()
	if isJSON && strings.EqualFold(r.header("Content-Type"), "application/json") {
		headers = slices.DeleteFunc(headers, func(h string) bool { return strings.HasPrefix(strings.ToLower(h), "content-type:") })
	}
	if len(headers) > 0 {
		w.line("  headers:")
	}
	for _, h := range headers {
		w.line("    %s", h)
	}
	w.body.WriteString(body)
	w.transport()
	if auth != "" {
		w.line("auth: %s", auth)
	}
	w.body.WriteString(goOn)
	fmt.Fprintf(&w.body, "    event_type: %s   # told as %[1]s.created, .updated and .deleted\n", eventType(w.name))
	return w.err
}

// goOn is what nobody knows before the answer was seen.
const goOn = `
    # Now the whole answer is one thing. Where it has a list, say where that is and what an
    # item is known by, and each item is told by itself:
    # items: {path: "@this", key: id}         # of {"data": [...]}: path: data
    # pagination: {type: header_link}         # where the list has pages
    # rate_limit: {requests: 60, per: 1m}     # what the API's documentation allows
    # detect: {ignore: [updated_at]}          # members that make no change
    # when: changed("status")                 # the changes that are worth a webhook
`

func eventType(name string) string {
	return "api." + strings.ReplaceAll(name, "-", "_")
}

// auth is the mapping of auth, empty without.
func (w *writer) auth() string {
	r := w.request
	switch {
	case r.Token != "":
		w.hasAuth = true
		return fmt.Sprintf("{type: bearer, token: %s}", quote(w.secret("TOKEN", "the token", r.Token)))
	case r.User != "" && r.Password == "":
		w.hasAuth = true
		return fmt.Sprintf("{type: basic, username: %s}", quote(w.secret("KEY", "the user name, which is a key where there is no password", r.User)))
	case r.User != "" || r.Password != "":
		w.hasAuth = true
		user := w.secret("USER", "the user name", r.User)
		return fmt.Sprintf("{type: basic, username: %s, password: %s}", quote(user), quote(w.secret("PASSWORD", "the password", r.Password)))
	}
	return ""
}

// apiKey makes a secret the auth of the source; false where it has another.
func (w *writer) apiKey(auth *string, in, name, value string) bool {
	if w.hasAuth || strings.EqualFold(name, "Cookie") || strings.EqualFold(name, "Authorization") {
		return false
	}
	w.hasAuth = true
	*auth = fmt.Sprintf("{type: api_key, name: %s, in: %s, value: %s}", quote(w.text(name)), in, quote(w.secret("KEY", "the key in "+in+" "+shown(name), value)))
	return true
}

// shown is a name in a comment.
func shown(name string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == ':' || r == '#' {
			return -1
		}
		return r
	}, name)
}

// headers are those of the source, each as a line.
func (w *writer) headers(auth *string) []string {
	var lines []string
	seen := make(map[string]bool)
	for _, h := range w.request.Headers {
		name, value := h[0], h[1]
		switch {
		case passedHeaders.MatchString(name):
			w.request.Passed = append(w.request.Passed, strings.ToLower(shown(name)))
			continue
		case strings.EqualFold(name, "Accept") && value == "*/*":
			continue
		case seen[strings.ToLower(name)]:
			w.fail(errors.New("a header is there twice: a source has it once"))
			return nil
		}
		seen[strings.ToLower(name)] = true
		scheme, rest, ok := strings.Cut(value, " ")
		switch {
		case strings.EqualFold(name, "User-Agent"), !isSecretName(name) && !isOrHoldsSecret(value):
			lines = append(lines, quote(w.text(name))+": "+quote(w.text(value)))
		case strings.EqualFold(name, "Authorization") && ok && !strings.ContainsAny(scheme, mark+"="):
			lines = append(lines, quote(name)+": "+quote(w.text(scheme+" ")+w.secret("AUTHORIZATION", "what follows "+shown(scheme)+" in the header Authorization", rest)))
		case !w.apiKey(auth, "header", name, value):
			lines = append(lines, quote(w.text(name))+": "+quote(w.secret(variable(name), "the header "+shown(name), value)))
		}
	}
	return lines
}

// address is the URL, and the parameters where they can stand by themselves.
func (w *writer) address(auth *string) (address string, params []string) {
	scheme, rest, _ := strings.Cut(w.request.URL, "://")
	segments := strings.Split(rest, "/")
	for i, segment := range segments {
		if i > 0 && isOrHoldsSecret(decode(segment)) {
			segments[i] = w.secret("PATH_KEY", "the part of the path that is a secret, as it stands in the URL", segment)
			continue
		}
		segments[i] = w.text(segment)
	}
	address = scheme + "://" + strings.Join(segments, "/")
	pairs, ok := pairsOf(w.request.Query)
	if !ok {
		raw := make([]string, len(w.request.Query))
		for i, pair := range w.request.Query {
			raw[i] = w.rawPair(strings.ReplaceAll(pair, ";", "%3B")) // as a query of the configuration wants it
		}
		return quote(address + "?" + strings.Join(raw, "&")), nil
	}
	return quote(address), w.params(auth, pairs)
}

// params are the parameters, a name with all its values.
func (w *writer) params(auth *string, pairs [][2]string) []string {
	var order []string
	values := make(map[string][]string)
	for _, pair := range pairs {
		if _, ok := values[pair[0]]; !ok {
			order = append(order, pair[0])
		}
		values[pair[0]] = append(values[pair[0]], pair[1])
	}
	var params []string
	for _, name := range order {
		list := values[name]
		secret := isSecretName(name)
		if len(list) == 1 && (secret || isOrHoldsSecret(list[0])) && list[0] != "" && w.apiKey(auth, "query", name, list[0]) {
			continue
		}
		texts := make([]string, len(list))
		for i, value := range list {
			switch {
			case value != "" && (secret || isOrHoldsSecret(value)):
				texts[i] = quote(w.secret(variable(name), "the parameter "+shown(name), value))
			case number.MatchString(value):
				texts[i] = value // A parameter can be a number.
			default:
				texts[i] = quote(w.text(value))
			}
		}
		text := texts[0]
		if len(texts) > 1 {
			text = "[" + strings.Join(texts, ", ") + "]"
		}
		params = append(params, quote(w.text(name))+": "+text)
	}
	return params
}

// pairsOf are parameters without their escapes; false where some cannot be told as
// names and values.
func pairsOf(query []string) ([][2]string, bool) {
	var pairs [][2]string
	for _, pair := range query {
		name, value, ok := strings.Cut(pair, "=")
		plainName, err1 := url.QueryUnescape(name)
		plainValue, err2 := url.QueryUnescape(value)
		if !ok || name == "" || err1 != nil || err2 != nil || !isText(plainName) || !isText(plainValue) || strings.Contains(name, mark) ||
			strings.Count(plainValue, mark) != strings.Count(value, mark) {
			return nil, false
		}
		pairs = append(pairs, [2]string{plainName, plainValue})
	}
	return pairs, true
}

// rawPair is NAME=VALUE as it was escaped, without secrets.
func (w *writer) rawPair(pair string) string {
	name, value, ok := strings.Cut(pair, "=")
	plain := decode(name)
	switch {
	case ok && value != "" && (isSecretName(plain) || isOrHoldsSecret(decode(value))):
		return w.text(name) + "=" + w.secret(variable(plain), "the parameter "+shown(plain)+", escaped", value)
	case !ok && isSecret(decode(name)):
		return w.secret("PARAMETER", "a parameter, escaped", name)
	}
	return w.text(pair)
}

// transport writes how the server is reached.
func (w *writer) transport() {
	r := w.request
	if r.Timeout > 0 {
		w.line("  timeout: %s", r.Timeout)
	}
	if r.Proxy != "" {
		_, rest, _ := strings.Cut(r.Proxy, "://")
		if r.ProxyUser != "" || strings.Contains(rest, "@") {
			w.line("  proxy_url: %s", quote(w.secret("PROXY", "the proxy, as http://user:password@host:port", "proxy")))
		} else {
			w.line("  proxy_url: %s", quote(w.text(r.Proxy)))
		}
	}
	if r.CertFile != "" && r.KeyFile == "" {
		r.KeyFile = r.CertFile // curl looks for the key there
	}
	var tls []string
	for _, file := range [][2]string{{"ca_file", r.CAFile}, {"cert_file", r.CertFile}, {"key_file", r.KeyFile}} {
		if file[1] != "" {
			tls = append(tls, file[0]+": "+quote(w.text(file[1])))
		}
	}
	if r.Insecure {
		tls = append(tls, "insecure_skip_verify: true")
	}
	if len(tls) > 0 {
		w.line("  tls: {%s}", strings.Join(tls, ", "))
	}
}

// fail keeps the first error.
func (w *writer) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}
