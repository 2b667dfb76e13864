package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	path := filepath.Join(dir, "pollwire.yaml")
	mustWrite(t, secret, goodSecret+"\n")
	mustWrite(t, path, strings.Replace(minimal, goodSecret, `"${credential:secret}"`, 1)+"server: {token: \"${file:"+secret+"}\", listen: \"${POLLWIRE_TEST_LISTEN}\"}\n")
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	t.Setenv("POLLWIRE_TEST_LISTEN", "[::1]:0")
	c, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Endpoints[0].Secrets[0].Value.Reveal(); got != goodSecret {
		t.Errorf("the secret is %q", got)
	}
	if c.Server.Token.Reveal() != goodSecret || c.Server.Listen != "[::1]:0" {
		t.Errorf("the server is %+v", c.Server)
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	large := filepath.Join(dir, "large.yaml")
	mustWrite(t, large, strings.Repeat("#", maxFile+1))
	endless := filepath.Join(dir, "endless.yaml")
	mustWrite(t, endless, minimal+"server: {token: \"${file:/dev/zero}\"}\n")
	folder := filepath.Join(dir, "folder.yaml")
	mustWrite(t, folder, minimal+"server: {token: \"${file:"+dir+"}\"}\n")
	for path, want := range map[string]string{
		filepath.Join(dir, "none.yaml"): "/none.yaml: read configuration: there is no such file; `pollwire init` writes a first one",
		dir:                             ": read configuration: is a directory",
		large:                           "/large.yaml: read configuration: it is larger than 16MiB",
		endless:                         "/endless.yaml:10:17: server.token: ${file:/dev/zero}: read /dev/zero: it is larger than 1MiB",
		folder:                          "/folder.yaml:10:17: server.token: ${file:" + dir + "}: read " + dir + ": is a directory",
	} {
		_, err := Load(path)
		var errs Errors
		if !errors.As(err, &errs) || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: got %v, want ...%s", path, err, want)
		}
	}
}

func mustWrite(tb testing.TB, path, text string) {
	tb.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
}

func TestErrorsAreWhole(t *testing.T) {
	t.Parallel()
	_, err := Parse("c.yaml", mustRead(t, "testdata/many_at_once.bad.yaml"), Lookup{})
	var errs Errors
	var one *Error
	if !errors.As(err, &errs) || !errors.As(err, &one) {
		t.Fatalf("got %T", err)
	}
	if diff := cmp.Diff(&Error{File: "c.yaml", Line: 1, Column: 14, Path: "log.level", Message: `"loud" is not known here; want debug, info, warn or error`}, one); diff != "" {
		t.Errorf("the first (-want +got):\n%s", diff)
	}
	last := 0
	for _, e := range errs {
		if e.Line < last {
			t.Errorf("line %d comes after line %d", e.Line, last)
		}
		last = e.Line
	}
	if lines := strings.Split(err.Error(), "\n"); len(lines) != len(errs) || len(errs) < 7 {
		t.Errorf("%d lines for %d mistakes", len(lines), len(errs))
	}
}

func TestTwiceTheSame(t *testing.T) {
	t.Parallel()
	first, second := mustExample(t).Endpoints, mustExample(t).Endpoints
	if !reflect.DeepEqual(first, second) {
		t.Errorf("got  %+v\nthen %+v", first, second)
	}
}

func TestValidKinds(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"server off":           minimal + "server: {listen: \"\"}\n",
		"open with a token":    minimal + "server: {listen: \":8470\", token: abc}\n",
		"localhost":            minimal + "server: {listen: \"localhost:8470\"}\n",
		"no endpoints":         minimal[:strings.Index(minimal, "endpoints:")],
		"flow and dash":        strings.Replace(minimal, `"@hourly"`, "'@hourly'", 1),
		"document start":       "---" + minimal,
		"byte order mark":      "\ufeff" + minimal,
		"line ends of Windows": strings.ReplaceAll(minimal, "\n", "\r\n"),
		"empty body with GET":  strings.Replace(minimal, "orders}", "orders, body: \"\"}", 1),
		"relative path":        minimal + "storage: {dsn: sqlite:data/pollwire.db}\n",
		"numeric path":         strings.Replace(minimal, "schedule:", "items: {path: \"0\", key: id}\n    schedule:", 1),
		"CSV by several columns": strings.Replace(minimal, "schedule:", `format: csv
    items: {path: "#(open==\"yes\")#", key: [region, "net\\.id", id.@fromstr]}
    detect: {select: "{id,price}", ignore: [a, "b\\.c"], keys: {}, ignore_order: true, significant_digits: 0}
    schedule:`, 1),
		"numbers of a CSV":   strings.Replace(minimal, "schedule:", "format: csv\n    items: {key: sku}\n    detect: {select: price.@fromstr, significant_digits: 3, keys: {lines: sku}}\n    schedule:", 1),
		"CSV as one thing":   strings.Replace(minimal, "schedule:", "format: csv\n    detect: {select: \"#.price\", ignore: [\"#.seen\"]}\n    schedule:", 1),
		"items of a feed":    strings.Replace(minimal, "schedule:", "format: xml\n    items: {key: \"guid.#text\"}\n    detect: {ignore: [\"slash:comments\"], keys: {category: \"@domain\"}}\n    schedule:", 1),
		"pages in GraphQL":   strings.Replace(minimal, "{url: https://api.example.com/orders}", "{url: https://api.example.com/graphql, graphql: {query: \"{ a }\"}}\n    items: {path: data.a, key: id}\n    pagination: {type: cursor, cursor_path: data.next, cursor_param: variables.after}", 1),
		"items of XML":       strings.Replace(minimal, "schedule:", "format: xml\n    items: {path: \"Envelope.Body.orders.order\", key: \"@id\"}\n    schedule:", 1),
		"lines of NDJSON":    strings.Replace(minimal, "schedule:", "format: ndjson\n    items: {path: \"#(open==true)#\", key: id}\n    detect: {significant_digits: 3}\n    schedule:", 1),
		"block text":         strings.Replace(minimal, "{url: https://api.example.com/orders}", "\n      url: https://a.example.com/\n      method: PUT\n      body: |\n        a\n        \tb", 1),
		"secret of 64 bytes": strings.Replace(minimal, goodSecret, "whsec_"+strings.Repeat("A", 85)+"A==", 1),
	} {
		if _, err := Parse("c.yaml", []byte(text), Lookup{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzParse looks for panics, for mistakes without a place, and for values
// that pass unchecked.
func FuzzParse(f *testing.F) {
	f.Add(mustRead(f, examplePath))
	f.Add([]byte(minimal))
	files, err := filepath.Glob("testdata/*.bad.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		f.Add(mustRead(f, file))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse("c.yaml", data, fakeLookup())
		if err == nil {
			if len(c.Sources) == 0 {
				t.Error("it is taken without sources")
			}
			c.Budget(reference())
			c.Warnings(reference())
			return
		}
		var errs Errors
		if !errors.As(err, &errs) || len(errs) == 0 {
			t.Fatalf("got %T %v", err, err)
		}
		// To YAML a lone carriage return, and some marks of Unicode, end a line too.
		lines := 2
		for _, r := range string(data) {
			if strings.ContainsRune("\n\r\u0085\u2028\u2029", r) {
				lines++
			}
		}
		for _, e := range errs {
			if e.Message == "" || e.Line < 0 || e.Line > lines || e.Line > 0 && e.Column < 1 {
				t.Errorf("the mistake has no place: %+v", e)
			}
		}
	})
}
