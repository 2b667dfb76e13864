package config

import "net/url"

// ProxyURL is the address of a proxy. It may hold a user and a password, and is
// shown like a [URL]: scheme and host only.
type ProxyURL struct{ URL }

// UnmarshalText takes any text; the validator looks at it.
func (u *ProxyURL) UnmarshalText(text []byte) error {
	u.URL = NewURL(string(text))
	return nil
}

func (ProxyURL) pattern() string { return `^((https?|socks5h?)://.+)?$` }

// proxyURL checks the address of a proxy. No message shows it.
func (v *validator) proxyURL(p place, written ProxyURL) {
	text := written.Reveal()
	u, err := url.Parse(text)
	switch {
	case text == "":
	case err != nil, hasControl(text):
		v.add(p, "this is no URL; write one such as http://proxy.example.com:3128, and escape what is special in a password (%%40 for @)")
	case u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "socks5" && u.Scheme != "socks5h":
		v.add(p, "the URL of a proxy must begin with http://, https://, socks5:// or socks5h://")
	case u.Hostname() == "":
		v.add(p, "the URL has no host")
	case u.Path != "" && u.Path != "/", u.RawQuery != "", u.Fragment != "":
		v.add(p, "the URL of a proxy ends with its host and port")
	}
}
