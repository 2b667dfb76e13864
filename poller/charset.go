package poller

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"github.com/pollwire/pollwire/internal/httpclient"
)

// errCharset says that an answer is in characters that nobody knows.
var errCharset = errors.New("character set is not known")

// declaredCharset finds the character set that an XML declaration names.
var declaredCharset = regexp.MustCompile(`^<\?xml[ \t\r\n][^>]{0,200}?encoding[ \t\r\n]*=[ \t\r\n]*["']([A-Za-z0-9._:-]+)["']`)

// toUTF8 returns a body in UTF-8, the same one where it is that already. What
// says in which characters it is are, the first that is there: a byte order
// mark, the charset parameter of the content type, and an XML declaration.
// Without any it is UTF-8. Bytes that mean nothing in another set become
// U+FFFD; those of a body in UTF-8 stay, to be judged by those who read it.
//
// The error says that the set is not known, or is a
// *[httpclient.BodyTooLargeError] where what comes of it exceeds the limit.
func toUTF8(body []byte, contentType string, limit int64) ([]byte, error) {
	from, mark, err := encodingOf(body, contentType)
	switch {
	case err != nil:
		return nil, err
	case from == nil:
		return body, nil
	}
	src := transform.NewReader(bytes.NewReader(body[mark:]), from.NewDecoder())
	decoded, err := io.ReadAll(io.LimitReader(src, limit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("decode body: %w", err)
	case int64(len(decoded)) > limit:
		return nil, &httpclient.BodyTooLargeError{Limit: limit}
	}
	return decoded, nil
}

// encodingOf finds the encoding of a body, nil for UTF-8, and how long the byte
// order mark is that is not part of it.
func encodingOf(body []byte, contentType string) (from encoding.Encoding, mark int, err error) {
	switch {
	case bytes.HasPrefix(body, []byte("\xEF\xBB\xBF")):
		return nil, 0, nil
	case bytes.HasPrefix(body, []byte("\xFE\xFF")):
		return unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), 2, nil
	case bytes.HasPrefix(body, []byte("\xFF\xFE")):
		return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), 2, nil
	}
	name, where := charsetParameter(contentType), "the content type"
	if name == "" {
		found := declaredCharset.FindSubmatch(body)
		// Who could read the declaration knows that it is not in UTF-16.
		if found == nil || strings.HasPrefix(strings.ToLower(string(found[1])), "utf-16") {
			return nil, 0, nil
		}
		name, where = string(found[1]), "the XML declaration"
	}
	from, canonical := charset.Lookup(name)
	switch {
	case from == nil, canonical == "replacement":
		return nil, 0, fmt.Errorf("%w: %s names %.40q", errCharset, where, name)
	case canonical == "utf-8":
		return nil, 0, nil
	case isASCII(name) && utf8.Valid(body):
		return nil, 0, nil // It says less than there is.
	default:
		return from, 0, nil
	}
}

// isASCII says whether a name is one of ASCII, which is read as windows-1252
// where more than that is there.
func isASCII(name string) bool {
	name = strings.ToLower(strings.TrimSpace(name))
	return name == "us-ascii" || name == "ascii" || name == "ansi_x3.4-1968"
}

// charsetParameter is the charset of a content type, empty where it has none.
func charsetParameter(contentType string) string {
	if _, params, err := mime.ParseMediaType(contentType); err == nil {
		return strings.TrimSpace(params["charset"])
	}
	// One broken parameter says nothing of the others.
	for part := range strings.SplitSeq(contentType, ";") {
		name, value, _ := strings.Cut(part, "=")
		if strings.EqualFold(strings.TrimSpace(name), "charset") {
			return strings.Trim(strings.TrimSpace(value), `"'`)
		}
	}
	return ""
}
