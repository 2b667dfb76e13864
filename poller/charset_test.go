package poller

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pollwire/pollwire/internal/httpclient"
)

func TestToUTF8(t *testing.T) {
	t.Parallel()
	const declared = "<?xml version='1.0' encoding=\"ISO-8859-1\"?><a>"
	for name, tc := range map[string]struct{ contentType, in, want string }{
		"nothing said":               {"application/json", `{"a":"ü"}`, `{"a":"ü"}`},
		"UTF-8":                      {"text/plain; charset=UTF-8", "ü\xff", "ü\xff"},
		"utf8":                       {"text/plain; charset=utf8", "ü", "ü"},
		"Latin 1":                    {"text/plain; charset=ISO-8859-1", "Z\xfcrich", "Zürich"},
		"Latin 1 in quotes":          {`text/csv; header=present; Charset="iso-8859-1"`, "Z\xfcrich", "Zürich"},
		"a broken parameter":         {"text/plain; =x; charset=iso-8859-1", "Z\xfcrich", "Zürich"},
		"the euro of Windows":        {"text/plain; charset=windows-1252", "\x80", "€"},
		"Shift JIS":                  {"text/plain; charset=Shift_JIS", "\x93\xfa\x96\x7b", "日本"},
		"GB 18030":                   {"text/plain; charset=gb18030", "\xc4\xe3", "你"},
		"what means nothing":         {"text/plain; charset=Shift_JIS", "a\xff\xffb", "a\uFFFD\uFFFDb"},
		"UTF-16 with its mark":       {"application/json", "\xFF\xFE[\x001\x00]\x00", "[1]"},
		"UTF-16 the other way":       {"", "\xFE\xFF\x00[\x00]", "[]"},
		"UTF-16 without a mark":      {"text/plain; charset=utf-16be", "\x00a\xD8\x3D\xDE\x00", "a😀"},
		"a mark against a charset":   {"text/plain; charset=iso-8859-1", "\uFEFFü", "\uFEFFü"},
		"ASCII that is UTF-8":        {"text/xml; charset=us-ascii", "ü", "ü"},
		"ASCII that is not":          {"text/xml; charset=us-ascii", "\xfc", "ü"},
		"an XML declaration":         {"application/xml", declared + "\xfc</a>", declared + "ü</a>"},
		"one against a charset":      {"application/xml; charset=utf-8", declared + "ü</a>", declared + "ü</a>"},
		"one of UTF-8":               {"text/xml", `<?xml version="1.0" encoding="utf-8"?><a>ü</a>`, `<?xml version="1.0" encoding="utf-8"?><a>ü</a>`},
		"one of UTF-16, which is no": {"text/xml", `<?xml version="1.0" encoding="UTF-16"?><a>ü</a>`, `<?xml version="1.0" encoding="UTF-16"?><a>ü</a>`},
		"an encoding further down":   {"text/xml", `<?xml version="1.0"?><a encoding="iso-8859-1">ü</a>`, `<?xml version="1.0"?><a encoding="iso-8859-1">ü</a>`},
	} {
		got, err := toUTF8([]byte(tc.in), tc.contentType, 1000)
		if err != nil || string(got) != tc.want {
			t.Errorf("%s: got %q (%v), want %q", name, got, err, tc.want)
		}
	}
}

func TestToUTF8Refuses(t *testing.T) {
	t.Parallel()
	for contentType, want := range map[string]string{
		"text/plain; charset=klingon":     `character set is not known: the content type names "klingon"`,
		"text/plain; charset=iso-2022-kr": `character set is not known: the content type names "iso-2022-kr"`,
		"text/xml":                        `character set is not known: the XML declaration names "x-own"`,
	} {
		got, err := toUTF8([]byte(`<?xml version="1.0" encoding="x-own"?><a/>`), contentType, 1000)
		if !errors.Is(err, errCharset) || err.Error() != want || got != nil || retryable(200, err) {
			t.Errorf("%s: got %q (%v), want %s", contentType, got, err, want)
		}
	}
	for length, fits := range map[int]bool{500: true, 501: false} {
		got, err := toUTF8(bytes.Repeat([]byte{0xfc}, length), "text/plain; charset=latin1", 1000)
		if _, tooLarge := errors.AsType[*httpclient.BodyTooLargeError](err); tooLarge == fits || fits && len(got) != 1000 {
			t.Errorf("%d characters of two bytes within 1000: %d bytes (%v)", length, len(got), err)
		}
	}
}

// TestRawHashIsOfWhatCame: what is handed on is UTF-8, but the hash that finds
// the same answer again is of the bytes that the server sent.
func TestRawHashIsOfWhatCame(t *testing.T) {
	t.Parallel()
	const sent = "Z\xfcrich"
	srv := newServer(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=iso-8859-1")
		_, _ = io.WriteString(w, sent)
	})
	f, s := newFetcher(t, FetcherOptions{}), newSource(srv.URL)
	o := mustFetch(t, f, s, State{})
	if string(o.Body) != "Zürich" || o.ContentType != "text/plain" || o.State.RawHash != sha256.Sum256([]byte(sent)) {
		t.Errorf("got %q, %s, %x", o.Body, o.ContentType, o.State.RawHash)
	}
	state := o.State
	o.Release()
	o = mustFetch(t, f, s, state)
	if !o.Unchanged || o.Body != nil {
		t.Errorf("the same bytes: %q, unchanged %v", o.Body, o.Unchanged)
	}
	o.Release()
}

func TestFetchRefusesCharacters(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ contentType, body, want string }{
		"unknown":        {"text/plain; charset=klingon", "x", `the content type names "klingon"`},
		"too large":      {"text/plain; charset=latin1", strings.Repeat("\xfc", 600), "larger than 1000 bytes"},
		"a mark and end": {"text/plain", "\xFF\xFE", "empty body"},
	} {
		srv := newServer(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", tc.contentType)
			_, _ = io.WriteString(w, tc.body)
		})
		s := newSource(srv.URL)
		s.Request.MaxBodySize = 1000
		o, err := newFetcher(t, FetcherOptions{}).Fetch(t.Context(), s, State{})
		if fe := mustFail(t, o, err); !strings.Contains(fe.Error(), tc.want) || fe.Retryable {
			t.Errorf("%s: %v", name, fe)
		}
	}
}

// FuzzToUTF8 holds what was decoded to be UTF-8 within the limit.
func FuzzToUTF8(f *testing.F) {
	for _, s := range [][2]string{
		{"text/plain; charset=utf-16", "\xFF\xFEa\x00"},
		{"text/plain; charset=shift_jis", "\x93\xfa"},
		{"text/xml", "<?xml encoding='latin1'?>\xfc"},
		{"x; charset=\"iso-2022-jp\"", "\x1b$B"},
		{";charset=gbk;=", "\x81"},
	} {
		f.Add(s[0], []byte(s[1]))
	}
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		const limit = 256
		got, err := toUTF8(body, contentType, limit)
		if err != nil {
			return
		}
		if !bytes.Equal(got, body) && (len(got) > limit || !utf8.Valid(got)) {
			t.Errorf("%d bytes: %q", len(got), got)
		}
	})
}
