package notify

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestParseSecretRefuses(t *testing.T) {
	t.Parallel()
	encode := func(n int) string { return base64.StdEncoding.EncodeToString([]byte(strings.Repeat("\xfb", n))) }
	for name, tc := range map[string]struct{ text, want string }{
		"empty":          {"", "is empty"},
		"no prefix":      {encode(24), "does not begin with whsec_"},
		"upper case":     {"WHSEC_" + encode(24), "does not begin with whsec_"},
		"public key":     {"whpk_" + encode(32), "verifies and cannot sign"},
		"seed alone":     {"whsk_" + encode(32), "has 32 bytes, which is its seed alone"},
		"private short":  {"whsk_" + encode(63), "private key has 63 bytes"},
		"private pasted": {"whsk_" + encode(64), "put together or pasted wrongly"},
		"private spaced": {"whsk_" + encode(64) + " ", "private key contains white space"},
		"PEM":            {"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==", "key in PEM"},
		"quoted":         {`"whsec_` + encode(24) + `"`, "quotes"},
		"space before":   {" whsec_" + encode(24), "white space"},
		"prefix twice":   {"whsec_whsec_" + encode(24), "prefix twice"},
		"prefix only":    {"whsec_", "has 0 bytes"},
		"short":          {"whsec_" + encode(16), "has 16 bytes"},
		"one short":      {"whsec_" + encode(23), "has 23 bytes"},
		"long":           {"whsec_" + encode(65), "has 65 bytes"},
		"unpadded":       {"whsec_" + strings.TrimRight(encode(25), "="), "padding"},
		"URL-safe":       {"whsec_" + base64.URLEncoding.EncodeToString([]byte(strings.Repeat("\xfb", 24))), "URL-safe"},
		"not base64":     {"whsec_" + strings.Repeat("!", 32), "no standard base64"},
		"line break":     {"whsec_" + encode(24) + "\n", "white space"},
		"inner space":    {"whsec_ " + encode(24), "white space"},
		"trailing bits":  {"whsec_" + encode(24) + "AB==", "no standard base64"},
		"padding inside": {"whsec_AA==" + encode(24), "no standard base64"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := ParseSecret(tc.text)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("ParseSecret gave %v, want an error with %q", err, tc.want)
			}
			if s.Live(time.Now()) {
				t.Error("a refused secret is live")
			}
			if body := strings.TrimLeft(tc.text, "whsecpk_"); len(body) > 8 && strings.Contains(err.Error(), body[:8]) {
				t.Errorf("the error repeats the secret: %v", err)
			}
		})
	}
}

func TestParseVerifier(t *testing.T) {
	t.Parallel()
	encode := func(n int) string { return base64.StdEncoding.EncodeToString([]byte(strings.Repeat("\xfb", n))) }
	for name, tc := range map[string]struct{ text, want string }{
		"empty":         {"", "is empty"},
		"short":         {"whpk_" + encode(31), "public key has 31 bytes"},
		"private key":   {"whpk_" + encode(64), "a receiver must not have that"},
		"unpadded":      {"whpk_" + strings.TrimRight(encode(32), "="), "padding"},
		"short secret":  {"whsec_" + encode(16), "has 16 bytes"},
		"broken secret": {"whsk_" + encode(64), "pasted wrongly"},
	} {
		if _, err := ParseVerifier(tc.text); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: ParseVerifier gave %v, want an error with %q", name, err, tc.want)
		}
	}
	private := mustSecret(t, vectorPrivate)
	public, err := ParseVerifier(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	if public.Public() != private.Public() || !strings.HasPrefix(public.Public(), "whpk_") {
		t.Errorf("the public key of %q is %q", private.Public(), public.Public())
	}
	if now := time.Now(); !public.Live(now) || public.signs(now) || !private.signs(now) || private.isShared(now) {
		t.Error("a public key verifies and does not sign, a private one does")
	}
	if got := mustSecret(t, vectorSecret).Public() + (Secret{}).Public(); got != "" {
		t.Errorf("the public key of what has none is %q", got)
	}
	if shared, err := ParseVerifier(vectorSecret); err != nil || !shared.isShared(time.Now()) {
		t.Errorf("ParseVerifier of a shared secret gave %v", err)
	}
}

func TestParseSecretTakes(t *testing.T) {
	t.Parallel()
	for n := minSecretBytes; n <= maxSecretBytes; n++ {
		key := strings.Repeat("k", n)
		s := mustSecret(t, "whsec_"+base64.StdEncoding.EncodeToString([]byte(key)))
		if string(s.reveal().shared) != key {
			t.Errorf("%d bytes: the key is %q", n, s.reveal().shared)
		}
	}
}

func TestGenerateSecret(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for range 100 {
		text := GenerateSecret()
		if strings.Contains(text, "=") || seen[text] {
			t.Fatalf("generated %q, want one without padding, and new", text)
		}
		seen[text] = true
		if s := mustSecret(t, text); len(s.reveal().shared) != 33 {
			t.Fatalf("generated %d bytes, want 33", len(s.reveal().shared))
		}
	}
}

func TestSecretLive(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := mustSecret(t, vectorSecret)
	if !s.Live(now) {
		t.Error("a secret without an end is not live")
	}
	s.Until = now
	if s.Live(now) || !s.Live(now.Add(-1)) {
		t.Error("a secret is live until its end, and no longer")
	}
	if (Secret{}).Live(now) {
		t.Error("the zero secret is live")
	}
}

func TestSecretNeverPrints(t *testing.T) {
	t.Parallel()
	type holder struct {
		Secret Secret
		hidden Secret
		list   []Secret
	}
	s, private := mustSecret(t, vectorSecret), mustSecret(t, vectorPrivate)
	h := holder{Secret: s, hidden: private, list: []Secret{s, private}}
	endpoint := Endpoint{Name: "ops", Secrets: []Secret{s, private}}
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%t", "%p", "%e"} {
		for _, value := range []any{s, &s, h, &h, endpoint, []Secret{s}, map[string]Secret{"a": s}} {
			fmt.Fprintf(&out, verb+"\n", value)
		}
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("secret", "s", s, "h", h, "e", endpoint)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("secret", "s", s, "h", h, "e", endpoint)
	encoded, err := json.Marshal(map[string]any{"s": s, "e": endpoint})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(encoded)
	key := s.reveal().shared
	for _, leak := range []string{
		vectorSecret[6:16], string(key), fmt.Sprintf("%d", key)[1:20], fmt.Sprintf("%x", key)[:16],
		vectorPrivate[5:20], fmt.Sprintf("%d", private.reveal().private)[1:20], fmt.Sprintf("%x", private.reveal().private)[:16],
		fmt.Sprintf("%X", key)[:16], fmt.Sprintf("%x", vectorSecret)[:24], fmt.Sprintf("%#v", key)[8:40],
	} {
		if strings.Contains(out.String(), leak) {
			t.Errorf("the output has %q of the secret in it", leak)
		}
	}
	if s.String() != "<secret>" || s.GoString() != "<secret>" || s.LogValue().String() != "<secret>" {
		t.Error("a secret does not call itself <secret>")
	}
}

func FuzzParseSecret(f *testing.F) {
	f.Add(vectorSecret)
	f.Add(GenerateSecret())
	f.Add("whsec_")
	f.Add("whsk_" + vectorSecret[6:])
	f.Add(vectorPrivate)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSecret(text)
		if err != nil {
			if _, tail, _ := strings.Cut(text, "_"); len(tail) > 24 && strings.Contains(err.Error(), tail) {
				t.Errorf("the error repeats the secret: %v", err)
			}
			return
		}
		// What is taken means the same to every strict reader.
		again := secretPrefix + base64.StdEncoding.EncodeToString(s.reveal().shared)
		if private := s.reveal().private; private != nil {
			again = privatePrefix + base64.StdEncoding.EncodeToString(private)
		}
		if again != text {
			t.Errorf("%q was taken for %q", text, again)
		}
	})
}
