package httpclient

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

const awkward = `p@ss/w+rd "x"&=é`

func TestRedactorMasksForms(t *testing.T) {
	t.Parallel()
	quoted, err := json.Marshal(awkward)
	if err != nil {
		t.Fatal(err)
	}
	inJSON := string(quoted[1 : len(quoted)-1])
	r := NewRedactor("tok_12345", awkward, "", "ab")
	tests := []struct{ text, want string }{
		{"nothing here", "nothing here"},
		{"token tok_12345.", "token <secret>."},
		{"tok_12345tok_12345", "<secret><secret>"},
		{"a " + awkward + " b", "a <secret> b"},
		{"q=" + url.QueryEscape(awkward), "q=<secret>"},
		{"q=" + strings.ToLower(url.QueryEscape(awkward)), "q=<secret>"},
		{"/p/" + url.PathEscape(awkward) + "/x", "/p/<secret>/x"},
		{"b " + base64.StdEncoding.EncodeToString([]byte("tok_12345")), "b <secret>"},
		{"b " + base64.RawURLEncoding.EncodeToString([]byte(awkward)), "b <secret>"},
		{`{"p":"` + inJSON + `"}`, `{"p":"<secret>"}`},
		{`{"p":"` + strings.ReplaceAll(inJSON, "/", `\/`) + `"}`, `{"p":"<secret>"}`},
		{`{"p":"p@ss/w+rd \"x\"&=é"}`, `{"p":"<secret>"}`},
		{`{"p":"p@ss/w+rd \"x\"&=\u00e9"}`, `{"p":"<secret>"}`},                   // Python
		{`{"p":"p@ss/w\u002Brd \u0022x\u0022\u0026=\u00E9"}`, `{"p":"<secret>"}`}, // .NET
		{`{"p":"p@ss/w\u002brd \u0022x\u0022\u0026=\u00e9"}`, `{"p":"<secret>"}`},
		{`{"p":"p@ss/w+rd \"x\"&=\u00c3\u00a9"}`, `{"p":"<secret>"}`}, // a header read as Latin-1
		{`{"p":"p@ss/w+rd \"x\"&=Ã©"}`, `{"p":"<secret>"}`},
		{"<p>p@ss/w+rd &#34;x&#34;&amp;=é</p>", "<p><secret></p>"},
		{"<p>p@ss/w+rd &quot;x&quot;&amp;=é</p>", "<p><secret></p>"},
		{"ab", "ab"},
		{"see https://user:pw@host/x and ftp://u@h", "see https://<secret>@host/x and ftp://<secret>@h"},
		{"mail a@b.example", "mail a@b.example"},
	}
	for _, tt := range tests {
		if got := strings.ReplaceAll(r.Mask(tt.text), "<secret>=", "<secret>"); got != tt.want {
			t.Errorf("Mask(%q) = %q, want %q", tt.text, got, tt.want)
		}
		if got, want := r.Holds(tt.text), strings.Contains(tt.want, Masked) && !strings.Contains(tt.text, "user:pw"); got != want {
			t.Errorf("Holds(%q) = %t, want %t", tt.text, got, want)
		}
	}
}

func TestRedactorLongestWins(t *testing.T) {
	t.Parallel()
	r := NewRedactor("abc", "abcdef")
	if got := r.Mask("abcdef abc"); got != "<secret> <secret>" {
		t.Errorf("Mask = %q: a rest of the longer secret is left", got)
	}
}

func TestRedactorWith(t *testing.T) {
	t.Parallel()
	common := NewRedactor("common-secret")
	own := common.With("own-secret")
	if got := own.Mask("common-secret own-secret"); got != "<secret> <secret>" {
		t.Errorf("Mask = %q", got)
	}
	if !own.Holds("a common-secret") || common.Holds("own-secret") {
		t.Error("Holds looks at the wrong secrets")
	}
	if common.With() != common || common.With("", "x") != common {
		t.Error("With nothing gives another redactor")
	}
	var none *Redactor
	if none.Mask("text") != "text" || none.Holds("text") || !none.With("own-secret").Holds("own-secret") {
		t.Error("the nil redactor is of no use")
	}
	if got := own.Excerpt([]byte("x common-se"), true, 100); got != "x" {
		t.Errorf("Excerpt = %q, want the cut secret left out", got)
	}
}

func TestRedactorError(t *testing.T) {
	t.Parallel()
	r := NewRedactor("hunter2")
	if r.Error(nil) != nil {
		t.Error("nil became an error")
	}
	clean := fmt.Errorf("read: %w", fs.ErrNotExist)
	if r.Error(clean) != clean { //nolint:errorlint // the very same error
		t.Error("an error without secrets was replaced")
	}
	err := r.Error(fmt.Errorf("login hunter2: %w: %w", context.Canceled, &url.Error{Op: "Get", URL: "hunter2", Err: fs.ErrNotExist}))
	if strings.Contains(err.Error(), "hunter2") || !errors.Is(err, fs.ErrNotExist) || !errors.Is(err, context.Canceled) {
		t.Errorf("Error = %q", err)
	}
	for e := err; e != nil; e = errors.Unwrap(e) {
		if strings.Contains(fmt.Sprintf("%v", e), "hunter2") {
			t.Errorf("unwrapping shows %q", e)
		}
	}
	if _, ok := errors.AsType[*url.Error](err); ok {
		t.Error("the error that holds the secret can be taken out")
	}
	long := r.Error(errors.New(strings.Repeat("é", maxErrorText)))
	if len(long.Error()) > maxErrorText+len("…") || !utf8.ValidString(long.Error()) {
		t.Errorf("a long error has %d bytes", len(long.Error()))
	}
}

func TestExcerpt(t *testing.T) {
	t.Parallel()
	r := NewRedactor("s3cr3t-token")
	tests := []struct {
		name, start string
		cut         bool
		limit       int
		want        string
	}{
		{"plain", "gone", false, 100, "gone"},
		{"empty", "", false, 100, ""},
		{"limit", "abcdef", false, 3, "abc"},
		{"limit at rune", "aéé", false, 4, "aé"},
		{"space counts", "a b c", false, 4, "a b"},
		{"lines", "\n <html>\r\n\t<p>x\x00\x1b[31m</p>  \n", false, 100, "<html> <p>x [31m</p>"},
		{"not utf-8", "a\xff\xfeb", false, 100, "a b"},
		{"secret", "key s3cr3t-token bad", false, 100, "key <secret> bad"},
		{"secret cut by limit", "key s3cr3t-token", false, 9, "key <secr"},
		{"secret cut by reading", "key s3cr3t-tok", true, 100, "key"},
		{"not cut", "key s3cr3t-tok", false, 100, "key s3cr3t-tok"},
	}
	for _, tt := range tests {
		if got := r.Excerpt([]byte(tt.start), tt.cut, tt.limit); got != tt.want {
			t.Errorf("%s: Excerpt = %q, want %q", tt.name, got, tt.want)
		}
	}
}

// Wherever a body is cut, and whatever stands around the secret, no part of it
// longer than chance would give is shown.
func TestExcerptNeverShowsPartOfSecret(t *testing.T) {
	t.Parallel()
	const secret = "ZZ-top-secret-ZZ-0123456789"
	r := NewRedactor(secret)
	rapid.Check(t, func(t *rapid.T) {
		around := rapid.StringMatching(`[a-y ]{0,30}`)
		body := around.Draw(t, "before") + secret + around.Draw(t, "after")
		at := rapid.IntRange(0, len(body)).Draw(t, "cut")
		got := r.Excerpt([]byte(body[:at]), at < len(body), rapid.IntRange(0, 80).Draw(t, "limit"))
		if strings.Contains(got, "ZZ") {
			t.Fatalf("Excerpt = %q", got)
		}
	})
}

func TestRedactURL(t *testing.T) {
	t.Parallel()
	tests := []struct{ raw, want string }{
		{"https://api.example.com/v1/x", "https://api.example.com/v1/x"},
		{"https://user:pw@api.example.com:8443/v1?page=2&key=abc#frag", "https://api.example.com:8443/v1?page=…&key=…"},
		{"http://h/?token", "http://h/?…"},
		{"http://h?a=1&&b=2&", "http://h?a=…&b=…"},
		{"http://h/a%2Fb", "http://h/a%2Fb"},
		{"/relative?x=1", "/relative?x=…"},
		{"http://[::1]:80/", "http://[::1]:80/"},
	}
	for _, tt := range tests {
		u, err := url.Parse(tt.raw)
		if err != nil {
			t.Fatal(err)
		}
		if got := RedactURL(u); got != tt.want {
			t.Errorf("RedactURL(%s) = %s, want %s", tt.raw, got, tt.want)
		}
	}
}

func FuzzRedactURL(f *testing.F) {
	f.Add("https://user:pw@h/p?q=1")
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := url.Parse(raw)
		if err != nil {
			return
		}
		u.User = url.UserPassword("name", "hunter2hunter2")
		q := u.Query()
		q.Set("k", "s3cr3ts3cr3t")
		u.RawQuery = q.Encode()
		if got := RedactURL(u); strings.Contains(raw, "hunter2") == false && strings.Contains(got, "hunter2hunter2") ||
			!strings.Contains(raw, "s3cr3t") && strings.Contains(got, "s3cr3ts3cr3t") {
			t.Errorf("RedactURL(%q) = %q", raw, got)
		}
	})
}

func TestRedactorBody(t *testing.T) {
	t.Parallel()
	r := NewRedactor("a-long-secret")
	for _, tt := range []struct {
		start string
		cut   bool
		limit int
		want  string
	}{
		{"line one\n\tline two", false, 100, "line one\n\tline two"},
		{"x a-long-secret y", false, 100, "x <secret> y"},
		{"x a-long-secret y", false, 6, "x <sec"},
		{"x a-long-sec", false, 100, "x a-long-sec"},
		{"x a-long-sec", true, 100, "x "},
		{"x a-long-secret", true, 100, "x <secret>"},
		{"\xff\x00", false, 100, "\xff\x00"},
		{"", true, 100, ""},
	} {
		if got := r.Body([]byte(tt.start), tt.cut, tt.limit); string(got) != tt.want {
			t.Errorf("Body(%q, %t, %d) = %q, want %q", tt.start, tt.cut, tt.limit, got, tt.want)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		secret := rapid.StringMatching(`[a-z]{3,12}`).Draw(rt, "secret")
		text := rapid.StringMatching(`[a-z]{0,20}`).Draw(rt, "before") + secret + rapid.StringMatching(`[a-z]{0,20}`).Draw(rt, "after")
		at := rapid.IntRange(0, len(text)).Draw(rt, "at")
		limit := rapid.IntRange(0, 60).Draw(rt, "limit")
		got := NewRedactor(secret).Body([]byte(text[:at]), true, limit)
		if len(got) > limit || strings.Contains(strings.ReplaceAll(string(got), Masked, ""), secret) {
			rt.Fatalf("Body of %q cut at %d, at most %d, is %q", text, at, limit, got)
		}
	})
}

func TestRedactorURL(t *testing.T) {
	t.Parallel()
	r := NewRedactor("s3cret/part", "other-secret")
	for text, want := range map[string]string{
		"https://h.example/a/b?c=d#e":             "https://h.example/a/b?c=…",
		"https://h.example/a/other-secret/b":      "https://h.example/a/…/b",
		"https://h.example/a/other%2Dsecret":      "https://h.example/a/…",
		"https://h.example/a/other%25252Dsecret":  "https://h.example/a/…",
		"https://h.example/a/s3cret/part/b":       "https://h.example",
		"https://h.example/a/s3cret%2Fpart/b":     "https://h.example/a/…/b",
		"https://h.example/a?other-secret=1&b=2":  "https://h.example/a?<secret>=…&b=…",
		"https://u:p@h.example:8443/":             "https://h.example:8443/",
		"https://h.example/%C3%A9/x%20y":          "https://h.example/%C3%A9/x%20y",
		"https://h.example/a/100%25/other-secret": "https://h.example/a/100%25/…",
	} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.URL(u); got != want {
			t.Errorf("URL(%s) = %s, want %s", text, got, want)
		}
	}
	var none *Redactor
	if got := none.URL(&url.URL{Scheme: "http", Host: "h", Path: "/p"}); got != "http://h/p" {
		t.Errorf("the nil redactor shows %s", got)
	}
}
