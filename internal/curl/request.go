// Package curl reads a curl command line and writes the source that asks the same.
// It runs nothing, and what is a credential never gets into the source: it becomes a
// setting.
package curl

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Request is what a command line would have curl send. Its texts may hold variables
// of the shell, as marks.
type Request struct {
	Method string
	// URL is the address without user, query and fragment.
	URL string
	// Query are the parameters, escaped, as they follow each other.
	Query []string
	// Headers are those that were set, in their order, as names and values.
	Headers [][2]string
	// Body is what is sent; HasBody with an empty one is a body of no bytes.
	Body    string
	HasBody bool
	// User and Password are of basic auth, Token is a bearer token.
	User, Password, Token string

	Proxy, ProxyUser          string
	CAFile, CertFile, KeyFile string
	Insecure                  bool
	Timeout                   time.Duration
	// Passed is what of the command line has no meaning for a source.
	Passed []string
}

// Read returns the content of a file that a command line names by @; of stdin
// where that is "-".
type Read func(name string) ([]byte, error)

// Parse reads a command line, as it is typed into a shell. Its error says what
// cannot be read, and never holds a value.
func Parse(line string, read Read) (*Request, error) {
	args, rest, err := words(line)
	if err != nil {
		return nil, err
	}
	p := &parser{read: read, request: &Request{}}
	if rest {
		p.request.Passed = append(p.request.Passed, "what follows the command")
	}
	if err := p.arguments(args); err != nil {
		return nil, err
	}
	if err := p.finish(); err != nil {
		return nil, err
	}
	return p.request, nil
}

// parser is a command line while it is read.
type parser struct {
	read    Read
	request *Request
	urls    []string
	method  string
	// data are the parts of the body with what joins them.
	data    strings.Builder
	hasData bool
	isJSON  bool
	get     bool // -G
	head    bool // -I
	globoff bool
	// pathAsIs leaves the dots of a path alone.
	pathAsIs bool
	query    []string // --url-query
	headers  []string
	agent, referer, cookie,
	user string
	hasUser bool
}

// finish makes the request of what was collected, as curl does.
func (p *parser) finish() error {
	switch {
	case len(p.urls) == 0:
		return errors.New("there is no URL in it")
	case len(p.urls) > 1:
		return errors.New("there are several URLs in it: a source asks one; if one of them is part of another argument, that needs quotes")
	}
	if err := p.address(p.urls[0]); err != nil {
		return err
	}
	r := p.request
	r.Query = append(r.Query, p.query...)
	if p.get && p.hasData {
		r.Query = append(r.Query, strings.Split(p.data.String(), "&")...)
	} else if p.hasData {
		r.Body, r.HasBody = p.data.String(), true
	}
	r.Query = slices.DeleteFunc(r.Query, func(pair string) bool { return pair == "" })
	if err := p.setMethod(); err != nil {
		return err
	}
	p.setHeaders()
	p.setAuth()
	return p.host()
}

// address takes the URL apart.
func (p *parser) address(address string) error {
	if !p.globoff && strings.ContainsAny(strings.ReplaceAll(strings.ReplaceAll(address, "://[", ""), "]:", ""), "{}[]") {
		return errors.New("the URL has { } or [ ], which curl takes for several URLs: write one of them, or escape them")
	}
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		scheme, rest = "http", address // as curl guesses
	}
	scheme = strings.ToLower(scheme)
	if scheme != "http" && scheme != "https" {
		return errors.New("the URL is neither http nor https")
	}
	rest, _, _ = strings.Cut(rest, "#")
	rest, query, _ := strings.Cut(rest, "?")
	host, path, _ := strings.Cut(rest, "/")
	if !p.pathAsIs {
		path = withoutDots(path)
	}
	if at := strings.LastIndex(host, "@"); at >= 0 {
		user, password, _ := strings.Cut(host[:at], ":")
		if !p.hasUser {
			p.request.User, p.request.Password = decode(user), decode(password)
		}
		host = host[at+1:]
	}
	p.request.URL = scheme + "://" + host + "/" + path
	if query != "" {
		p.request.Query = strings.Split(query, "&")
	}
	if u, err := url.Parse(strings.ReplaceAll(p.request.URL, mark, "")); err != nil || u.Host == "" {
		return errors.New("the URL cannot be read")
	}
	return nil
}

// withoutDots is a path without the segments . and .., as curl asks for it (RFC 3986,
// section 5.2.4). A source asks for its path as it is written.
func withoutDots(path string) string {
	segments := strings.Split(path, "/")
	kept := make([]string, 0, len(segments))
	for i, segment := range segments {
		switch {
		case segment == "..":
			kept = kept[:max(len(kept)-1, 0)]
		case segment != ".":
			kept = append(kept, segment)
			continue
		}
		if i == len(segments)-1 {
			kept = append(kept, "") // what is left is a directory
		}
	}
	return strings.Join(kept, "/")
}

// decode is a part of a URL without its escapes.
func decode(text string) string {
	if plain, err := url.PathUnescape(text); err == nil {
		return plain
	}
	return text
}

// methods are those that a source can ask with.
var methods = []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

func (p *parser) setMethod() error {
	r := p.request
	r.Method = http.MethodGet
	if r.HasBody {
		r.Method = http.MethodPost
	}
	if p.method != "" {
		r.Method = p.method
	}
	if p.head || r.Method == http.MethodHead {
		r.Method = http.MethodGet // The answer to HEAD has nothing that could change.
		if !p.head {
			r.Passed = append(r.Passed, "-X HEAD")
		}
	}
	switch {
	case !slices.Contains(methods, r.Method):
		return fmt.Errorf("a source cannot ask with that method; want one of %s", strings.Join(methods, ", "))
	case r.Method == http.MethodGet && r.HasBody:
		return errors.New("a GET of a source has no body: with -G the data goes into the query, with -X POST it is sent")
	}
	return nil
}

// setHeaders collects the headers: those of -H replace what curl would send.
func (p *parser) setHeaders() {
	r := p.request
	removed := make(map[string]bool)
	for _, line := range p.headers {
		name, value, ok := strings.Cut(line, ":")
		empty := strings.HasSuffix(strings.TrimSpace(line), ";") && !ok
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		switch {
		case empty:
			r.Headers = append(r.Headers, [2]string{strings.TrimSuffix(name, ";"), ""})
		case !ok:
		case value == "":
			removed[strings.ToLower(name)] = true
		default:
			r.Headers = append(r.Headers, [2]string{name, value})
		}
	}
	add := func(name, value string) {
		if value != "" && !removed[strings.ToLower(name)] && r.header(name) == "" {
			r.Headers = append(r.Headers, [2]string{name, value})
		}
	}
	add("User-Agent", p.agent)
	add("Referer", p.referer)
	add("Cookie", p.cookie)
	switch {
	case p.isJSON:
		add("Content-Type", "application/json")
		add("Accept", "application/json")
	case r.HasBody:
		add("Content-Type", "application/x-www-form-urlencoded")
	}
}

// header is the value of a header, empty where it is not set.
func (r *Request) header(name string) string {
	for _, h := range r.Headers {
		if strings.EqualFold(h[0], name) {
			return h[1]
		}
	}
	return ""
}

// drop takes a header out.
func (r *Request) drop(name string) {
	r.Headers = slices.DeleteFunc(r.Headers, func(h [2]string) bool { return strings.EqualFold(h[0], name) })
}

// setAuth finds the credentials: an Authorization header wins, as with curl.
func (p *parser) setAuth() {
	r := p.request
	if p.hasUser {
		r.User, r.Password, _ = strings.Cut(p.user, ":")
	}
	header := r.header("Authorization")
	scheme, value, _ := strings.Cut(header, " ")
	value = strings.TrimSpace(value)
	switch {
	case header == "":
		if r.Token != "" {
			r.User, r.Password = "", ""
		}
		return
	case strings.EqualFold(scheme, "bearer") && value != "":
		r.Token, r.User, r.Password = value, "", ""
		r.drop("Authorization")
		return
	case strings.EqualFold(scheme, "basic"):
		if plain, err := base64.StdEncoding.DecodeString(value); err == nil {
			r.User, r.Password, _ = strings.Cut(string(plain), ":")
			r.Token = ""
			r.drop("Authorization")
			return
		}
	}
	r.User, r.Password, r.Token = "", "", ""
}

// host refuses a Host header that names another host than the URL.
func (p *parser) host() error {
	host := p.request.header("Host")
	_, rest, _ := strings.Cut(p.request.URL, "://")
	of, _, _ := strings.Cut(rest, "/")
	if host != "" && !strings.EqualFold(host, of) {
		return errors.New("the Host header names another host than the URL: a source has none of its own; use that host in the URL")
	}
	p.request.drop("Host")
	return nil
}
