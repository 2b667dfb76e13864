package curl

import (
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// seen is what a server is asked.
type seen struct {
	Method, Path string
	Query        [][2]string
	Header       http.Header
	Body         string
}

// recorder is a server that keeps what it is asked.
type recorder struct {
	*httptest.Server
	mu   sync.Mutex
	last seen
}

func newRecorder(t *testing.T) *recorder {
	t.Helper()
	rec := &recorder{}
	rec.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		rec.mu.Lock()
		defer rec.mu.Unlock()
		rec.last = seen{r.Method, r.URL.EscapedPath(), pairsAsSent(r.URL.RawQuery), r.Header, string(body)}
	}))
	t.Cleanup(rec.Close)
	return rec
}

// pairsAsSent are the parts of a query without their escapes.
func pairsAsSent(query string) [][2]string {
	var pairs [][2]string
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		pairs = append(pairs, [2]string{unescaped(name), unescaped(value)})
	}
	return pairs
}

func unescaped(text string) string {
	if plain, err := url.QueryUnescape(text); err == nil {
		return plain
	}
	return text
}

// asked is what a request would have a server see.
func asked(r *Request) seen {
	u, err := url.Parse(r.URL)
	if err != nil {
		panic(err)
	}
	s := seen{Method: r.Method, Path: u.EscapedPath(), Query: pairsAsSent(strings.Join(r.Query, "&")), Header: make(http.Header), Body: r.Body}
	for _, h := range r.Headers {
		s.Header.Add(h[0], h[1])
	}
	switch {
	case r.Token != "":
		s.Header.Set("Authorization", "Bearer "+r.Token)
	case r.User != "" || r.Password != "":
		s.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(r.User+":"+r.Password)))
	}
	return s
}

// plainly is what a server saw without what curl and pollwire each set by themselves.
func plainly(s seen) seen {
	s.Header = s.Header.Clone()
	for _, name := range []string{"Content-Length", "Accept-Encoding", "Host"} {
		s.Header.Del(name)
	}
	for name, own := range map[string]string{"Accept": "*/*", "User-Agent": "curl/"} {
		if strings.HasPrefix(s.Header.Get(name), own) {
			s.Header.Del(name)
		}
	}
	if cookie := s.Header.Get("Cookie"); cookie != "" { // Older curls leave out the space of RFC 6265, section 4.2.1.
		s.Header.Set("Cookie", strings.ReplaceAll(strings.ReplaceAll(cookie, "; ", ";"), ";", "; "))
	}
	if strings.HasPrefix(s.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		s.Body = strings.Join(slices.Concat([]string{}, flat(pairsAsSent(s.Body))), "\n")
	}
	return s
}

func flat(pairs [][2]string) []string {
	var all []string
	for _, p := range pairs {
		all = append(all, p[0]+"="+p[1])
	}
	return all
}

// quoteWord is a word for a shell.
func quoteWord(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// sameAsCurl runs a command line and compares what the server saw with what Parse
// makes of the line.
func sameAsCurl(t rapid.TB, rec *recorder, line string) {
	t.Helper()
	request, err := Parse(line, func(string) ([]byte, error) { return nil, errors.New("no files here") })
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	if out, err := exec.Command("bash", "-c", line).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", line, err, out)
	}
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if diff := cmp.Diff(plainly(rec.last), plainly(asked(request))); diff != "" {
		t.Errorf("%s (-curl +here):\n%s", line, diff)
	}
}

func needCurl(t *testing.T) {
	t.Helper()
	for _, name := range []string{"bash", "curl"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skip(err)
		}
	}
}

// TestParsesAsCurlSends: what is read is what curl would send.
func TestParsesAsCurlSends(t *testing.T) {
	t.Parallel()
	needCurl(t)
	rec := newRecorder(t)
	for _, args := range []string{
		`URL`,
		`'URL/a/b%20c?x=1&y=%26+z#part'`,
		`-sSL -X POST URL/x`,
		`-XPATCH -d a=b URL/x -o /dev/null`,
		`-d a=b -d 'c=d e' --data-raw @x URL`,
		`--data-binary $'a\nb\x41\u00fc\101' URL`,
		`--data-urlencode 'q=a b&c' --data-urlencode '=x y' --data-urlencode 'ü z' URL`,
		`-G -d a=1 --data-urlencode 'b=1 2' 'URL/x?c=3'`,
		`--url-query 'a=b c' --url-query '+d=e%20f' URL/x`,
		`--json '{"a": 1}' --json '' URL`,
		`--json '{}' -H 'Accept: text/plain' URL`,
		`-H 'X-A: b' -H 'X-Empty;' -H 'Accept:' -H 'User-Agent: me' URL`,
		`-u user:pass:word URL`,
		`-u 'key:' URL`,
		`-u ignored:x -H 'Authorization: Token abc' URL`,
		`--oauth2-bearer token URL`,
		`-H 'Authorization: Bearer abc' -u a:b URL`,
		`-A agent -e https://from.example -b 'a=b; c=d' URL`,
		`-A agent -H 'User-Agent: other' URL`,
		`-d a=b -H 'Content-Type:' URL`,
		`-d '' URL`,
		`--url URL/x --compressed --max-time 5 -k`,
		`--get --data x=y URL`,
		`-g 'URL/{a}[1]'`,
		`-d "a\"b\$c\\d" URL`,
		`-d a"b"'c'd\ e URL`,
		`-vfd a=b URL --no-insecure`,
		"-H 'X-A: b' \\\n  -d x=y \\\n  URL",
	} {
		t.Run(args, func(t *testing.T) {
			sameAsCurl(t, rec, "curl -s -o /dev/null "+strings.ReplaceAll(args, "URL", rec.URL))
		})
	}
}

// TestParsesWhateverCurlSends draws command lines.
func TestParsesWhateverCurlSends(t *testing.T) {
	t.Parallel()
	needCurl(t)
	rec := newRecorder(t)
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.StringMatching(`[ -~äß€\n]{0,12}`)
		line := "curl -s -o /dev/null "
		body := false
		for range rapid.IntRange(0, 5).Draw(t, "options") {
			switch rapid.IntRange(0, 5).Draw(t, "option") {
			case 0:
				line += "-H " + quoteWord("X-"+rapid.StringMatching(`[A-Z][a-z]{1,6}`).Draw(t, "name")+": "+rapid.StringMatching(`[!-~]([ -~]{0,8}[!-~])?`).Draw(t, "value")) + " "
			case 1:
				line, body = line+"--data-raw "+quoteWord(value.Draw(t, "data"))+" ", true
			case 2:
				line, body = line+"--data-urlencode "+quoteWord("a="+value.Draw(t, "data"))+" ", true
			case 3:
				line += "-u " + quoteWord("u"+rapid.StringMatching(`[!-9;-~]{0,6}:[!-~]{0,6}`).Draw(t, "user")) + " "
			case 4:
				line += "-b " + quoteWord("a="+rapid.StringMatching(`[!#-:<-~]{0,8}`).Draw(t, "cookie")) + " "
			case 5:
				line += "--url-query " + quoteWord("b="+value.Draw(t, "query")) + " "
			}
		}
		if body && rapid.Bool().Draw(t, "method") {
			line += "-X " + rapid.SampledFrom([]string{"POST", "PUT", "PATCH", "DELETE"}).Draw(t, "method") + " "
		}
		sameAsCurl(t, rec, line+quoteWord(rec.URL+"/"+rapid.StringMatching(`[a-z]{0,5}`).Draw(t, "path")))
	})
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"":                                  "there is no command",
		"wget https://a.example":            "this is no curl command",
		"curl":                              "there is no URL in it",
		"curl -s":                           "there is no URL in it",
		"curl https://a.example b":          "there are several URLs in it",
		"curl ftp://a.example":              "neither http nor https",
		"curl https://a.example/?a=1&b=2":   "an & ends a command in a shell",
		"curl a; curl b":                    "want one command",
		"curl 'https://a.example":           "read the shell's words: ",
		"curl https://a.example/{a,b}":      "which curl takes for several URLs",
		"curl --frobnicate sesame x":        "the option --frobnicate is not known here",
		"curl --request=POST https://x":     "curl takes no --request=…: write it with a space",
		"curl -ž x":                         "the option -ž is not known here",
		"curl x -H":                         "-H needs a value",
		"curl -F a=b https://x":             "-F: a source sends no multipart form",
		"curl --digest -u a:b https://x":    "--digest: a source has no digest auth",
		"curl -X TRACE https://x":           "a source cannot ask with that method",
		"curl -X GET -d a https://x":        "a GET of a source has no body",
		"curl -H 'Host: b' https://a":       "the Host header names another host",
		"curl -H \"X: $(cat x)\" https://a": "keep it in a variable, and write $NAME",
		"curl \"${A:-b}\"":                  "a ${…} that is more than a name",
		"curl -H \"$H\" https://a":          "a whole header is in a variable",
		"curl -b jar.txt https://a":         "-b: a source reads no file of cookies",
		"curl -d @missing https://a":        "-d: read the file of the command: ",
		"curl -d @$F https://a":             "the name of a file is in a variable",
		"curl -d @binary https://a":         "binary is no text",
		"curl -m x https://a":               "-m: want a number of seconds",
		"curl -E a.pem:sesame https://a":    "a private key that is not encrypted",
		"curl ^\"https://a^\" ^\n -H x":     "copy it as cURL (bash)",
		"curl \"https://a\" ^\n -H x":       "copy it as cURL (bash)",
		"curl $'\\xzz' https://a":           "is no character",
		"curl https://":                     "the URL cannot be read",
		"curl 'https://a b/'":               "the URL cannot be read",
		"(curl x)":                          "this is no curl command",
		"A=b":                               "this is no curl command",
	} {
		_, err := Parse(line, func(name string) ([]byte, error) {
			if name == "binary" {
				return []byte{0xff}, nil
			}
			return nil, errors.New("there is none")
		})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%s: %v, want %q", line, err, want)
		}
	}
}

func TestParseReadsFiles(t *testing.T) {
	t.Parallel()
	files := map[string]string{"a": "x=1\r\n&y=2\n", "-": "from stdin", "h": "X-A: b\r\n\nX-C: d\n"}
	read := func(name string) ([]byte, error) { return []byte(files[name]), nil }
	for line, want := range map[string]string{
		"curl -d @a https://x":                   "x=1&y=2",
		"curl --data-binary @a https://x":        "x=1\r\n&y=2\n",
		"curl --data-urlencode q@a https://x":    "q=x%3D1%0D%0A%26y%3D2%0A",
		"curl -d @- -H @h https://x":             "from stdin",
		"/usr/bin/curl --json @a https://x | jq": "x=1\r\n&y=2\n",
	} {
		got, err := Parse(line, read)
		if err != nil || got.Body != want {
			t.Errorf("%s: %q, %v", line, got.Body, err)
		}
		if strings.Contains(line, "@h") && (got.header("X-A") != "b" || got.header("X-C") != "d") {
			t.Errorf("headers of a file: %q", got.Headers)
		}
		if strings.Contains(line, "|") && !slices.Contains(got.Passed, "what follows the command") {
			t.Errorf("passed: %q", got.Passed)
		}
	}
}

func TestParseTransport(t *testing.T) {
	t.Parallel()
	got, err := Parse("$ curl -k --cacert ca.pem --cert /c.pem --key /k.pem -x proxy:3128 -m 2.5 -vo f -I https://me:p%40ss@a.example:8443 >x 2>&1", nil)
	if err != nil {
		t.Fatal(err)
	}
	ca, err := filepath.Abs("ca.pem")
	if err != nil {
		t.Fatal(err)
	}
	want := &Request{
		Method: "GET", URL: "https://a.example:8443/", User: "me", Password: "p@ss", Proxy: "http://proxy:3128",
		CAFile: ca, CertFile: "/c.pem", KeyFile: "/k.pem", Insecure: true, Timeout: 2500e6,
		Passed: []string{"what follows the command", "-v", "-o", "-I"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
