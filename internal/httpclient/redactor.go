package httpclient

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	// Masked stands where a secret was.
	Masked = "<secret>"
	// minSecret is the length below which a value is no secret worth the name,
	// and masking it would only garble what is said.
	minSecret = 3
	// maxErrorText bounds an error's text, which may quote what a peer sent.
	maxErrorText = 1024
)

// urlUserinfo is the part of a URL that holds a password.
var urlUserinfo = regexp.MustCompile(`://[^/\s@"']+@`)

// Redactor removes known secrets from text. A nil Redactor knows none. Its
// methods may be called concurrently.
type Redactor struct {
	forms    []string // longest first
	replacer *strings.Replacer
	next     *Redactor
}

// NewRedactor returns a redactor of secrets, each in all the forms in which it
// is likely to be echoed: as it is, URL-encoded, in base64, and as part of a
// JSON string or an HTML page. Values shorter than three bytes are left out.
func NewRedactor(secrets ...string) *Redactor {
	var forms []string
	for _, s := range secrets {
		if len(s) < minSecret {
			continue
		}
		forms = append(forms, formsOf(s)...)
		if misread := latin1(s); misread != s {
			forms = append(forms, formsOf(misread)...)
		}
	}
	// Of two that begin at the same place, the longer must win, or its rest is left.
	slices.SortFunc(forms, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b))
	})
	forms = slices.Compact(forms)
	if len(forms) == 0 {
		return nil
	}
	pairs := make([]string, 0, 2*len(forms))
	for _, f := range forms {
		pairs = append(pairs, f, Masked)
	}
	return &Redactor{forms: forms, replacer: strings.NewReplacer(pairs...)}
}

// With returns a redactor that knows the secrets of r and these too. It is cheap
// however many r knows.
func (r *Redactor) With(secrets ...string) *Redactor {
	more := NewRedactor(secrets...)
	if more == nil {
		return r
	}
	more.next = r
	return more
}

func formsOf(secret string) []string {
	raw := []byte(secret)
	query, segment := url.QueryEscape(secret), url.PathEscape(secret)
	path := (&url.URL{Path: secret}).EscapedPath()
	forms := []string{
		secret, query, segment, path, lowerEscapes(query), lowerEscapes(segment), lowerEscapes(path),
		strings.TrimRight(base64.StdEncoding.EncodeToString(raw), "="),
		strings.TrimRight(base64.URLEncoding.EncodeToString(raw), "="),
	}
	for _, quoted := range []string{inJSON(secret), quote(secret)} {
		forms = append(forms, quoted, strings.ReplaceAll(quoted, "/", `\/`))
	}
	for _, escaped := range []string{asciiJSON(secret, ""), asciiJSON(secret, `"&'+<>`+"`")} {
		forms = append(forms, escaped, upperEscapes(escaped))
	}
	forms = append(forms, html.EscapeString(secret), otherHTML(secret))
	// Errors quote what a peer sent, which may have been quoted already.
	for _, f := range forms[:len(forms):len(forms)] {
		forms = append(forms, quote(f))
	}
	return forms
}

// latin1 is what a peer reads that takes each byte for a character, as many do
// with headers.
func latin1(secret string) string {
	runes := make([]rune, len(secret))
	for i := range len(secret) {
		runes[i] = rune(secret[i])
	}
	return string(runes)
}

// quote writes a text as it stands within a quoted Go string.
func quote(text string) string {
	quoted := strconv.Quote(text)
	return quoted[1 : len(quoted)-1]
}

// inJSON writes a secret as Go's encoder does within a string. Others leave &, <
// and > as they are, which is what quote does too.
func inJSON(secret string) string {
	quoted, err := json.Marshal(secret)
	if err != nil {
		return secret
	}
	return string(quoted[1 : len(quoted)-1])
}

// asciiJSON writes a secret as encoders do that leave nothing but ASCII within a
// string, each character beyond it and each of unsafe as \u and four digits:
// Python's escapes no ASCII so, that of .NET quotes and what means something in HTML.
func asciiJSON(secret, unsafe string) string {
	var b strings.Builder
	for _, r := range secret {
		switch {
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		case r > '~' || strings.ContainsRune(unsafe, r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteString(quote(string(r)))
		}
	}
	return b.String()
}

// unicodeEscape is a character of JSON by its number.
var unicodeEscape = regexp.MustCompile(`\\u[0-9a-f]{4}`)

// upperEscapes writes \u002b as \u002B, as some encoders do.
func upperEscapes(s string) string {
	return unicodeEscape.ReplaceAllStringFunc(s, func(escape string) string { return escape[:2] + strings.ToUpper(escape[2:]) })
}

// otherHTML writes a secret as encoders do that know quotes by other names.
func otherHTML(secret string) string {
	return strings.NewReplacer("&#39;", "&#x27;", "&#34;", "&quot;").Replace(html.EscapeString(secret))
}

// lowerEscapes writes %2F as %2f, as some encoders do.
func lowerEscapes(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			b[i+1], b[i+2] = lower(b[i+1]), lower(b[i+2])
			i += 2
		}
	}
	return string(b)
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'F' {
		c += 'a' - 'A'
	}
	return c
}

// Mask replaces every known secret in text, and the userinfo of any URL.
func (r *Redactor) Mask(text string) string {
	for ; r != nil; r = r.next {
		text = r.replacer.Replace(text)
	}
	return urlUserinfo.ReplaceAllString(text, "://"+Masked+"@")
}

// Holds reports whether text holds a known secret.
func (r *Redactor) Holds(text string) bool {
	for ; r != nil; r = r.next {
		if slices.ContainsFunc(r.forms, func(f string) bool { return strings.Contains(text, f) }) {
			return true
		}
	}
	return false
}

// Error returns err with the secrets in its text masked and its length bounded.
// Where that changed anything, errors.Is still sees what err wraps, but nothing
// can unwrap it.
func (r *Redactor) Error(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	masked := r.Mask(text)
	if len(masked) > maxErrorText {
		masked = strings.ToValidUTF8(masked[:maxErrorText], "") + "…"
	}
	if masked == text {
		return err
	}
	return &maskedError{text: masked, err: err}
}

type maskedError struct {
	text string
	err  error
}

func (e *maskedError) Error() string        { return e.text }
func (e *maskedError) Is(target error) bool { return errors.Is(e.err, target) }

// Body returns at most limit bytes of the start of a body with the secrets in it
// masked, one that the limit cuts in two too. cut says that start ends where it
// does by accident: then what could be the beginning of a secret is left out.
func (r *Redactor) Body(start []byte, cut bool, limit int) []byte {
	text := r.start(start, cut)
	return []byte(text[:min(len(text), limit)])
}

// start masks the start of a body.
func (r *Redactor) start(start []byte, cut bool) string {
	text := r.Mask(string(start))
	if cut {
		text = text[:len(text)-r.partial(text)]
	}
	return text
}

// Excerpt makes the start of a body fit to be shown in one line: secrets
// masked, unprintable characters as spaces, at most limit bytes of UTF-8. cut
// says that start ends where it does by accident: then a secret may be cut too,
// and what could be the beginning of one is left out.
func (r *Redactor) Excerpt(start []byte, cut bool, limit int) string {
	text := r.start(start, cut)
	var b strings.Builder
	space := false
	for _, c := range text {
		if c == utf8.RuneError || unicode.IsSpace(c) || !unicode.IsPrint(c) {
			space = b.Len() > 0
			continue
		}
		need := utf8.RuneLen(c)
		if space {
			need++
		}
		if b.Len()+need > limit {
			break
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(c)
	}
	return b.String()
}

// partial returns the length of the longest end of text that begins a secret.
func (r *Redactor) partial(text string) int {
	longest := 0
	for ; r != nil; r = r.next {
		for _, f := range r.forms {
			for n := min(len(f)-1, len(text)); n > longest; n-- {
				if strings.HasSuffix(text, f[:n]) {
					longest = n
				}
			}
		}
	}
	return longest
}
