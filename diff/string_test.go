package diff

import (
	"cmp"
	"slices"
	"testing"
	"unicode/utf16"
)

func TestStringsMeanWhatTheirEscapesSay(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ in, want string }{
		{`"\u0041"`, `"A"`},
		{`"\/"`, `"/"`},
		{`"\u002F\u0022\u005c"`, `"/\"\\"`},
		{`"\u0000\u0007\u0008\u0009\u000A\u000c\u000d\u001F\u007f"`, `"\u0000\u0007\b\t\n\f\r\u001f` + "\u007f" + `"`},
		{`"\u20ac"`, `"€"`},
		{`"\uD83D\uDE00"`, `"😀"`},
		{`"\ud83d"`, `"\ud83d"`},
		{`"\uDE00\uD83D"`, `"\ude00\ud83d"`},
		{`"\ud83d\ud83d\ude00"`, `"\ud83d😀"`},
		{`"\ud83d\u0041"`, `"\ud83dA"`},
		{`"\ud83d\\ude00"`, `"\ud83d\\ude00"`},
		{`"\ufffd"`, "\"\uFFFD\""},
		{`"<&>\u2028"`, "\"<&>\u2028\""},
		{`"\uD7FF\uE000"`, "\"\uD7FF\uE000\""},
		{`"퟿"`, `"퟿"`},
	} {
		got, err := Canonical(nil, []byte(tc.in))
		if err != nil || string(got) != tc.want {
			t.Errorf("%s becomes %s (%v), want %s", tc.in, got, err, tc.want)
		}
	}
}

func TestHalvesOfPairsStayApart(t *testing.T) {
	t.Parallel()
	r := mustCompile(t, Options{})
	all := []string{`"\ud800"`, `"\udc00"`, `"\udfff"`, `"\ufffd"`, `"\ud800\ud800"`, `"\ud800\udc00"`, `""`, `"\\ud800"`}
	for i, x := range all {
		for k, y := range all {
			if changed := len(mustCompare(t, x, y, r).Changes) > 0; changed != (i != k) {
				t.Errorf("%s and %s: changed is %v", x, y, changed)
			}
			if changed := len(mustCompare(t, `{`+x+`:1}`, `{`+y+`:1}`, r).Changes) > 0; changed != (i != k) {
				t.Errorf("names %s and %s: changed is %v", x, y, changed)
			}
		}
	}
}

// Member names are ordered by UTF-16 code units, in which 😀 (D83D DE00) comes
// before U+E000, and half a pair right beside the pairs it begins.
func TestCompareNames(t *testing.T) {
	t.Parallel()
	literals := []string{
		`""`, `"\u0000"`, `"A"`, `"AA"`, `"a"`, `"\u00e9"`, `"\u00eb"`, `"\u20ac"`, `"\ud7ff"`,
		`"\ud800"`, `"\ud800a"`, `"\ud800\ud801"`, `"\ud800\udc00"`, `"\ud800\udc00a"`, `"\ud800\udc01"`, `"\ud800\ue000"`,
		`"\ud801"`, `"\ud83d\ude00"`, `"\udc00"`, `"\udc00\ud800"`, `"\ue000"`, `"\ufffd"`, `"\uffff"`,
	}
	for i, x := range literals {
		for k, y := range literals {
			a, b := appendUnescaped(nil, []byte(x[1:len(x)-1])), appendUnescaped(nil, []byte(y[1:len(y)-1]))
			if got := compareNames(a, b); cmp.Compare(got, 0) != cmp.Compare(i, k) {
				t.Errorf("%s and %s: %d", x, y, got)
			}
		}
	}
}

func FuzzCompareNames(f *testing.F) {
	f.Add("\U00010000", "\uE000")
	f.Add("a\U0001F600b", "a\U0001F601")
	f.Fuzz(func(t *testing.T, x, y string) {
		a, b := []rune(x), []rune(y) // valid UTF-8 from here on
		want := slices.Compare(utf16.Encode(a), utf16.Encode(b))
		if got := compareNames([]byte(string(a)), []byte(string(b))); cmp.Compare(got, 0) != want {
			t.Errorf("%q and %q: %d, want %d", a, b, got, want)
		}
	})
}
