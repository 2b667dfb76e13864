package curl

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// option is an option of curl.
type option struct {
	// names are its long name, and its letter after a space where it has one.
	names string
	// value says that it takes one.
	value bool
	// use takes the value; nil where the option has no meaning for a source.
	use func(p *parser, value string) error
	// refused is why a source cannot do what it asks for.
	refused string
}

// options are those of curl's manual that are of HTTP, or of any protocol.
var options = []option{
	{"url", true, (*parser).target, ""},
	{"request X", true, func(p *parser, v string) error { p.method = v; return nil }, ""},
	{"header H", true, (*parser).header, ""},
	{"data d", true, (*parser).body, ""},
	{"data-ascii", true, (*parser).body, ""},
	{"data-raw", true, (*parser).rawBody, ""},
	{"data-binary", true, (*parser).binaryBody, ""},
	{"data-urlencode", true, (*parser).encodedBody, ""},
	{"json", true, (*parser).json, ""},
	{"url-query", true, (*parser).queryPart, ""},
	{"get G", false, func(p *parser, _ string) error { p.get = true; return nil }, ""},
	{"head I", false, func(p *parser, _ string) error { p.head = true; p.pass("-I"); return nil }, ""},
	{"user u", true, func(p *parser, v string) error { p.user, p.hasUser = v, true; return nil }, ""},
	{"oauth2-bearer", true, func(p *parser, v string) error { p.request.Token = v; return nil }, ""},
	{"user-agent A", true, func(p *parser, v string) error { p.agent = v; return nil }, ""},
	{"referer e", true, func(p *parser, v string) error { p.referer, _, _ = strings.Cut(v, ";auto"); return nil }, ""},
	{"cookie b", true, (*parser).cookies, ""},
	{"insecure k", false, func(p *parser, _ string) error { p.request.Insecure = true; return nil }, ""},
	{"cacert", true, func(p *parser, v string) error { return p.path(&p.request.CAFile, v) }, ""},
	{"cert E", true, (*parser).certificate, ""},
	{"key", true, func(p *parser, v string) error { return p.path(&p.request.KeyFile, v) }, ""},
	{"proxy x", true, func(p *parser, v string) error { return p.proxy("http://", v) }, ""},
	{"socks5", true, func(p *parser, v string) error { return p.proxy("socks5://", v) }, ""},
	{"socks5-hostname", true, func(p *parser, v string) error { return p.proxy("socks5h://", v) }, ""},
	{"proxy-user U", true, func(p *parser, v string) error { p.request.ProxyUser = v; return nil }, ""},
	{"max-time m", true, (*parser).timeout, ""},
	{"globoff g", false, func(p *parser, _ string) error { p.globoff = true; return nil }, ""},
	{"path-as-is", false, func(p *parser, _ string) error { p.pathAsIs = true; return nil }, ""},

	// What pollwire does anyway.
	{"location L", false, silently, ""},
	{"compressed", false, silently, ""},
	{"basic", false, silently, ""},
	{"silent s", false, silently, ""},
	{"show-error S", false, silently, ""},
	{"fail f", false, silently, ""},
	{"fail-with-body", false, silently, ""},

	// What has no meaning for a source.
	{"output o", true, nil, ""},
	{"remote-name O", false, nil, ""},
	{"remote-header-name J", false, nil, ""},
	{"remote-time R", false, nil, ""},
	{"output-dir", true, nil, ""},
	{"create-dirs", false, nil, ""},
	{"verbose v", false, nil, ""},
	{"include i", false, nil, ""},
	{"show-headers", false, nil, ""},
	{"write-out w", true, nil, ""},
	{"dump-header D", true, nil, ""},
	{"progress-bar #", false, nil, ""},
	{"progress-meter", false, nil, ""},
	{"no-buffer N", false, nil, ""},
	{"trace", true, nil, ""},
	{"trace-ascii", true, nil, ""},
	{"trace-time", false, nil, ""},
	{"stderr", true, nil, ""},
	{"styled-output", false, nil, ""},
	{"cookie-jar c", true, nil, ""},
	{"junk-session-cookies j", false, nil, ""},
	{"connect-timeout", true, nil, ""},
	{"keepalive-time", true, nil, ""},
	{"keepalive", false, nil, ""},
	{"retry", true, nil, ""},
	{"retry-delay", true, nil, ""},
	{"retry-max-time", true, nil, ""},
	{"retry-connrefused", false, nil, ""},
	{"retry-all-errors", false, nil, ""},
	{"limit-rate", true, nil, ""},
	{"speed-limit Y", true, nil, ""},
	{"speed-time y", true, nil, ""},
	{"max-redirs", true, nil, ""},
	{"max-filesize", true, nil, ""},
	{"proto", true, nil, ""},
	{"proto-redir", true, nil, ""},
	{"post301", false, nil, ""},
	{"post302", false, nil, ""},
	{"post303", false, nil, ""},
	{"disable q", false, nil, ""},
	{"http1.0 0", false, nil, ""},
	{"http1.1", false, nil, ""},
	{"http2", false, nil, ""},
	{"http2-prior-knowledge", false, nil, ""},
	{"http3", false, nil, ""},
	{"http3-only", false, nil, ""},
	{"ipv4 4", false, nil, ""},
	{"ipv6 6", false, nil, ""},
	{"tlsv1 1", false, nil, ""},
	{"tlsv1.0", false, nil, ""},
	{"tlsv1.1", false, nil, ""},
	{"tlsv1.2", false, nil, ""},
	{"tlsv1.3", false, nil, ""},
	{"tls-max", true, nil, ""},
	{"ciphers", true, nil, ""},
	{"ssl-reqd", false, nil, ""},
	{"ssl-no-revoke", false, nil, ""},
	{"tcp-nodelay", false, nil, ""},
	{"tcp-fastopen", false, nil, ""},
	{"raw", false, nil, ""},
	{"parallel Z", false, nil, ""},
	{"proxytunnel p", false, nil, ""},
	{"fail-early", false, nil, ""},
	{"expect100-timeout", true, nil, ""},

	// What a source cannot do.
	{"form F", true, nil, "a source sends no multipart form"},
	{"form-string", true, nil, "a source sends no multipart form"},
	{"upload-file T", true, nil, "a source uploads no file; use --data-binary"},
	{"config K", true, nil, "what is in that file has to stand in the command"},
	{"next :", false, nil, "a source asks once: leave out all but one"},
	{"netrc n", false, nil, "a source reads no .netrc: use -u"},
	{"netrc-file", true, nil, "a source reads no .netrc: use -u"},
	{"netrc-optional", false, nil, "a source reads no .netrc: use -u"},
	{"digest", false, nil, "a source has no digest auth"},
	{"ntlm", false, nil, "a source has no NTLM auth"},
	{"negotiate", false, nil, "a source has no SPNEGO auth"},
	{"anyauth", false, nil, "a source does not try out kinds of auth: use --basic"},
	{"aws-sigv4", true, nil, "a source does not sign requests for AWS"},
	{"location-trusted", false, nil, "a source never sends credentials to another host: use -L"},
	{"range r", true, nil, "a source asks for whole answers"},
	{"continue-at C", true, nil, "a source asks for whole answers"},
	{"resolve", true, nil, "a source asks the host of its URL; use request.tls.server_name for another name"},
	{"connect-to", true, nil, "a source asks the host of its URL; use request.tls.server_name for another name"},
	{"unix-socket", true, nil, "a source asks over TCP"},
	{"abstract-unix-socket", true, nil, "a source asks over TCP"},
	{"interface", true, nil, "a source asks from any address of the machine"},
	{"request-target", true, nil, "a source asks for the path of its URL"},
	{"capath", true, nil, "a source takes a file of certificates: use --cacert"},
	{"pass", true, nil, "a source takes a private key that is not encrypted: openssl pkey -in encrypted.key -out client.key"},
	{"cert-type", true, nil, "a source takes certificates in PEM only"},
	{"key-type", true, nil, "a source takes keys in PEM only"},
	{"pinnedpubkey", true, nil, "a source pins no key: use --cacert"},
	{"socks4", true, nil, "a source takes proxies of http, https, socks5 and socks5h"},
	{"socks4a", true, nil, "a source takes proxies of http, https, socks5 and socks5h"},
	{"preproxy", true, nil, "a source takes one proxy"},
	{"noproxy", true, nil, "a source takes NO_PROXY from the environment"},
	{"time-cond z", true, nil, "a source asks only for what changed anyway: leave it out"},
	{"etag-compare", true, nil, "a source asks only for what changed anyway: leave it out"},
	{"etag-save", true, nil, "a source asks only for what changed anyway: leave it out"},
}

// silently passes over what needs no word.
func silently(*parser, string) error { return nil }

// arguments reads the words of a command line.
func (p *parser) arguments(args []string) error {
	long, short := make(map[string]*option), make(map[string]*option)
	for i := range options {
		o := &options[i]
		name, letter, _ := strings.Cut(o.names, " ")
		long[name] = o
		if letter != "" {
			short[letter] = o
		}
	}
	var literal bool // after --
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		var err error
		switch {
		case literal || arg == "-" || !strings.HasPrefix(arg, "-"):
			err = p.target(arg)
		case arg == "--":
			literal = true
		case strings.HasPrefix(arg, "--"):
			args, err = p.long(long, arg, args)
		default:
			args, err = p.letters(short, arg[1:], args)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// long uses a long option, and returns the words after it.
func (p *parser) long(known map[string]*option, arg string, args []string) ([]string, error) {
	name := strings.TrimPrefix(arg, "--")
	if o, ok := known[name]; ok {
		return p.use(o, arg, "", args)
	}
	if o, ok := known[strings.TrimPrefix(name, "no-")]; ok && !o.value {
		if o.names == "insecure k" {
			p.request.Insecure = false
		}
		return args, nil
	}
	if bare, _, ok := strings.Cut(name, "="); ok && known[bare] != nil {
		return nil, fmt.Errorf("curl takes no --%s=…: write it with a space", bare)
	}
	shown, _, _ := strings.Cut(name, mark)
	shown, _, _ = strings.Cut(shown, "=")
	return nil, fmt.Errorf("the option --%s is not known here: leave it out, or put what it does into the source by hand", shown)
}

// letters uses options of one letter that stand together.
func (p *parser) letters(known map[string]*option, text string, args []string) ([]string, error) {
	for text != "" {
		letter := string([]rune(text)[:1])
		text = text[len(letter):]
		o, ok := known[letter]
		if !ok {
			return nil, fmt.Errorf("the option -%s is not known here: leave it out, or put what it does into the source by hand", strings.Trim(letter, mark))
		}
		if o.value {
			return p.use(o, "-"+letter, text, args)
		}
		if _, err := p.use(o, "-"+letter, "", nil); err != nil {
			return nil, err
		}
	}
	return args, nil
}

// use uses an option with the value that is attached to it, or the next word.
func (p *parser) use(o *option, written, attached string, args []string) ([]string, error) {
	if o.refused != "" {
		return nil, fmt.Errorf("%s: %s", written, o.refused)
	}
	value := attached
	if o.value && attached == "" {
		if len(args) == 0 {
			return nil, fmt.Errorf("%s needs a value", written)
		}
		value, args = args[0], args[1:]
	}
	if o.use == nil {
		p.pass(written)
		return args, nil
	}
	if err := o.use(p, value); err != nil {
		return nil, fmt.Errorf("%s: %w", written, err)
	}
	return args, nil
}

// pass notes what is left out.
func (p *parser) pass(what string) { p.request.Passed = append(p.request.Passed, what) }

// target is a URL.
func (p *parser) target(value string) error {
	p.urls = append(p.urls, value)
	return nil
}

// header is -H: a line, or a file of lines.
func (p *parser) header(value string) error {
	if strings.Contains(value, mark) && !strings.Contains(value, ":") {
		return errors.New("a whole header is in a variable, which is not known here: write NAME: $VALUE")
	}
	if !strings.HasPrefix(value, "@") {
		p.headers = append(p.headers, value)
		return nil
	}
	text, err := p.content(value)
	for line := range strings.Lines(text) {
		if line = strings.TrimRight(line, "\r\n"); line != "" {
			p.headers = append(p.headers, line)
		}
	}
	return err
}

// cookies is -b.
func (p *parser) cookies(value string) error {
	if !strings.ContainsAny(value, "="+mark) {
		return errors.New("a source reads no file of cookies: write them as NAME=VALUE")
	}
	if p.cookie != "" {
		value = p.cookie + "; " + value
	}
	p.cookie = value
	return nil
}

// path takes the name of a file.
func (p *parser) path(to *string, value string) error {
	if strings.Contains(value, mark) {
		*to = value // The variable is put in when the configuration is read.
		return nil
	}
	var err error
	if *to, err = filepath.Abs(value); err != nil {
		return fmt.Errorf("find the file: %w", err)
	}
	return nil
}

// certificate is --cert: a file, and a password after a colon.
func (p *parser) certificate(value string) error {
	if strings.Contains(value, ":") {
		return errors.New("a source takes a private key that is not encrypted: openssl pkey -in encrypted.key -out client.key")
	}
	return p.path(&p.request.CertFile, value)
}

// proxy takes the address of a proxy, with a scheme where it has none.
func (p *parser) proxy(scheme, value string) error {
	if !strings.Contains(value, "://") {
		value = scheme + value
	}
	p.request.Proxy = value
	return nil
}

// timeout is --max-time, in seconds; 0 is none.
func (p *parser) timeout(value string) error {
	seconds, err := strconv.ParseFloat(value, 64)
	if err != nil || math.IsNaN(seconds) || seconds < 0 {
		return errors.New("want a number of seconds")
	}
	p.request.Timeout = time.Duration(min(seconds, 3600) * float64(time.Second)).Round(time.Millisecond)
	return nil
}
