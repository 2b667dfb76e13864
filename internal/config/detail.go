package config

import (
	"net/url"
	"regexp"
	"strings"
)

// Detail fetches the pages of their own that items have.
type Detail struct {
	URL        DetailURL `yaml:"url" required:"true" example:"\"https://api.example.com/orders/{item.id}\"" doc:"The address of an item's page, asked for by GET under the same limit with the headers and credentials of the list, at whose host it must be. {item.PATH} is what a gjson path leads to in the item, escaped, and {key} its key; \"{item.PATH}\" alone is an address that the item gives itself." aka:"uri|path|href|address|template"`
	MaxPerPoll int       `yaml:"max_per_poll" default:"500" min:"1" max:"100000" doc:"How many pages one poll fetches at the most; together they may be about as large as request.max_body_size. The others come with the next polls." aka:"max|limit|max_requests|per_poll"`
}

// DetailURL is the address of a detail, with placeholders. It is shown like a
// [URL]: scheme and host only.
type DetailURL struct{ URL }

// UnmarshalText takes any text; the validator looks at it.
func (u *DetailURL) UnmarshalText(text []byte) error {
	u.URL = NewURL(string(text))
	return nil
}

func (DetailURL) pattern() string { return `^(https?://.*\{|\{item\.)` }

// placeholder is what stands for a value of an item in a URL.
var placeholder = regexp.MustCompile(`\{(item\.([^{}]+)|key)\}`)

// detail checks how the pages of items are fetched.
func (v *validator) detail(at place, s *Source) {
	p, ok := v.written(at, "detail")
	if !ok || s.Detail == nil {
		return
	}
	switch {
	case s.Items == nil:
		v.add(p, "a detail is that of an item in a list: add items, such as items: {path: data, key: id}")
	case s.Format == "csv" || s.Format == "text":
		v.add(p, "details are read in JSON and XML, not in %s: remove it, or set another format", s.Format)
	case s.Request.GraphQL != nil:
		v.add(p, "a GraphQL query is answered with all that it asks for: remove detail, and ask for more in the query")
	}
	if p, ok := v.written(p, "url"); ok {
		v.detailURL(p, s, s.Detail.URL.Reveal())
	}
}

func (v *validator) detailURL(at place, s *Source, text string) {
	found := placeholder.FindAllStringSubmatch(text, -1)
	for _, one := range found {
		if one[2] != "" {
			v.gjsonPath(at, one[2])
		}
	}
	bare := placeholder.ReplaceAllString(text, "x")
	switch {
	case strings.ContainsAny(bare, "{}"):
		v.add(at, "a placeholder is {item.PATH}, such as {item.id}, or {key}; other braces need escaping as %%7B and %%7D")
		return
	case len(found) == 0:
		v.add(at, "nothing in it tells items apart: write {item.PATH} where the item's value goes, such as https://api.example.com/orders/{item.id}")
		return
	case len(found) == 1 && found[0][0] == text && found[0][2] != "":
		return // the item says where
	}
	if origin := originOf(text); strings.ContainsAny(origin, "{}") || origin == "" {
		v.add(at, "it must begin with the scheme and the host, without a placeholder; \"{item.PATH}\" alone takes a whole address from the item")
		return
	}
	u := v.address(at, NewURL(bare))
	list, err := url.Parse(s.Request.URL.Reveal())
	if u == nil || err != nil || list.Host == "" {
		return
	}
	if !sameOrigin(u, list) {
		v.add(at, "it leads to another host than request.url, where the credentials of the source must not go: details must be at the scheme, host and port of their list")
	}
	for segment := range strings.SplitSeq(u.Path, "/") {
		if segment == "." || segment == ".." {
			v.add(at, "the path has a segment %q: write the path that is meant", segment)
		}
	}
}

// originOf is the beginning of a URL up to its path, empty where it has none.
func originOf(text string) string {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		return ""
	}
	host := rest
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		host = rest[:end]
	}
	return scheme + "://" + host
}

// sameOrigin says whether two URLs have the same scheme, host and port.
func sameOrigin(a, b *url.URL) bool {
	port := func(u *url.URL) string {
		if p := u.Port(); p != "" {
			return p
		}
		return map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b)
}
