package diff

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

func TestNumberNotation(t *testing.T) {
	t.Parallel()
	nines := strings.Repeat("9", 30)
	for _, tc := range []struct{ in, want string }{
		{"0", "0"},
		{"-0", "0"},
		{"0.0", "0"},
		{"-0.000e7", "0"},
		{"0e99999999999999999999", "0"},
		{"1", "1"},
		{"1.0", "1"},
		{"1e0", "1"},
		{"10e-1", "1"},
		{"0.1E1", "1"},
		{"-1.00", "-1"},
		{"100", "100"},
		{"1e2", "100"},
		{"1.50", "1.5"},
		{"0.5", "0.5"},
		{"5E-1", "0.5"},
		{"-0.5", "-0.5"},
		{"9007199254740992", "9007199254740992"},
		{"9007199254740993", "9007199254740993"},
		{"12345678901234567890", "12345678901234567890"},
		{"123456789012345678901", "123456789012345678901"},
		{"1234567890123456789012", "1.234567890123456789012e+21"},
		{"1e20", "100000000000000000000"},
		{"1e21", "1e+21"},
		{"1e+0021", "1e+21"},
		{"0.000001", "0.000001"},
		{"0.0000001", "1e-7"},
		{"1.5e-7", "1.5e-7"},
		{"-0.00000015", "-1.5e-7"},
		{"1e400", "1e+400"},
		{"1e-400", "1e-400"},
		{"1e999999999", "1e+999999999"},
		{"1e-999999999", "1e-999999999"},
		{"10e999999999999999999", "1e+1000000000000000000"},
		{"1e1000000000000000000", "1e+1000000000000000000"},
		{"1000e" + nines, "1e+1" + strings.Repeat("0", 28) + "02"},
		{"0.001e-" + nines, "1e-1" + strings.Repeat("0", 28) + "02"},
		{"0.01e1" + strings.Repeat("0", 20), "1e+" + strings.Repeat("9", 18) + "98"},
		{"100e-1" + strings.Repeat("0", 20), "1e-" + strings.Repeat("9", 18) + "98"},
		{"1000e1999999999999999999", "1e+2000000000000000002"},
		{"12e2000000000000000000000", "1.2e+2000000000000000000001"},
	} {
		got := string(appendNumber([]byte(">"), []byte(tc.in)))
		if got != ">"+tc.want {
			t.Errorf("%s becomes %s, want %s", tc.in, got, tc.want)
		}
		if again := string(appendNumber(nil, []byte(tc.want))); again != tc.want {
			t.Errorf("%s becomes %s", tc.want, again)
		}
		if isCommonNumber(tc.in) && tc.in != tc.want {
			t.Errorf("%s is taken for canonical, but is %s", tc.in, tc.want)
		}
	}
}

// isCommonNumber says whether a number is hashed as it is written.
func isCommonNumber(number string) bool {
	s := scanner{raw: []byte(number + strings.Repeat(" ", 24))}
	end, ok := s.commonNumber(0)
	return ok && end == len(number)
}

// What Go prints of a double, with the fewest digits that identify it, is in
// RFC 8785 notation but for the layout: a judge of ours for layouts.
func TestNumberNotationAgreesWithDoubles(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 3))
	for range 20_000 {
		f := random.NormFloat64() * [...]float64{1e-9, 1e-5, 1, 1e6, 1e19, 1e22}[random.IntN(6)]
		plain := strconv.FormatFloat(f, 'f', -1, 64)
		scientific := strconv.FormatFloat(f, 'e', -1, 64)
		x, y := string(appendNumber(nil, []byte(plain))), string(appendNumber(nil, []byte(scientific)))
		if x != y {
			t.Fatalf("%s becomes %s, but %s becomes %s", plain, x, scientific, y)
		}
		if back, err := strconv.ParseFloat(x, 64); err != nil || back != f {
			t.Fatalf("%s becomes %s", plain, x)
		}
		if isCommonNumber(plain) && x != plain {
			t.Fatalf("%s is taken for canonical, but is %s", plain, x)
		}
	}
}

// Not parallel: it counts allocations.
func TestNumberWorkIsBounded(t *testing.T) {
	for _, in := range []string{"1e999999999", "-1.5e-999999999999999999999999", "7e" + strings.Repeat("9", 1000)} {
		var out []byte
		if n := testing.AllocsPerRun(10, func() { out = appendNumber(out[:0], []byte(in)) }); n > 10 || len(out) > len(in)+8 {
			t.Errorf("%.20s… takes %v allocations and %d bytes", in, n, len(out))
		}
	}
}

func TestNumbersCompareExactly(t *testing.T) {
	t.Parallel()
	r := mustCompile(t, Options{})
	for _, tc := range []struct {
		x, y  string
		equal bool
	}{
		{"1", "1.0", true},
		{"1", "1e0", true},
		{"1", "10e-1", true},
		{"0", "-0", true},
		{"100", "1E+2", true},
		{"9007199254740992", "9007199254740993", false},
		{"1e400", "1e401", false},
		{"1e400", "-1e400", false},
		{"12345678901234567890", "12345678901234567891", false},
		{"0.1", "0.10000000000000000555", false},
		{"1e-400", "0", false},
		{"1", `"1"`, false},
		{"1e1000000000000000000000", "10e999999999999999999999", true},
	} {
		result := mustCompare(t, `{"n":`+tc.x+`}`, `{"n":`+tc.y+`}`, r)
		if equal := len(result.Changes) == 0; equal != tc.equal {
			t.Errorf("%s and %s: equal is %v", tc.x, tc.y, equal)
		}
	}
}
