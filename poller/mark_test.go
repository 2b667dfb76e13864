package poller

import (
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/tidwall/gjson"
)

func mustMark(tb testing.TB, raw string) mark {
	tb.Helper()
	m, ok := newMark(gjson.Parse(raw))
	if !ok {
		tb.Fatalf("%s is no mark", raw)
	}
	return m
}

func TestMarksAreOrdered(t *testing.T) {
	t.Parallel()
	ascending := [][]string{ // those in one row are equal
		{`-2`},
		{`-1.5`, `"-1.50"`},
		{`0`, `-0`, `0.0`, `0e9`},
		{`0.001`, `1e-3`},
		{`1`, `"1"`, `1.0`, `10e-1`},
		{`9`},
		{`10`, `1E1`},
		{`9007199254740992`},
		{`9007199254740993`},
		{`"9007199254740993.1"`},
		{`18446744073709551617`},
		{`1e99`},
		{`1e100`},
		{`"2025-12-31"`},
		{`"2026-01-02T03:04:05Z"`, `"2026-01-02T04:04:05+01:00"`, `"2026-01-02 03:04:05"`, `"Fri, 02 Jan 2026 03:04:05 GMT"`},
		{`"2026-01-02T03:04:05.001Z"`},
		{`"2026-01-02T03:04:05.0011Z"`},
		{`"2026-01-02T03:04:05.01"`},
		{`"A"`},
		{`"Z"`},
		{`"a"`},
		{`"ab"`},
	}
	for i, row := range ascending {
		for j, other := range ascending {
			for _, x := range row {
				for _, y := range other {
					got := mustMark(t, x).compare(mustMark(t, y))
					if want := slices.Compare([]int{i}, []int{j}); got != want {
						t.Errorf("%s against %s is %d, want %d", x, y, got, want)
					}
				}
			}
		}
	}
	for _, raw := range []string{`null`, `true`, `""`, `{}`, `[1]`, ``} {
		if m, ok := newMark(gjson.Parse(raw)); ok {
			t.Errorf("%q is taken for the mark %+v", raw, m)
		}
	}
}

// What is sent goes back in the server's own form, to the last digit.
func TestMarkBack(t *testing.T) {
	t.Parallel()
	tests := []struct {
		raw      string
		lookback time.Duration
		want     string
	}{
		{`"2026-01-02T03:04:05Z"`, 0, `"2026-01-02T03:04:04Z"`},
		{`"2026-01-02T03:04:05.678Z"`, 0, `"2026-01-02T03:04:05.677Z"`},
		{`"2026-01-02T03:04:05.000Z"`, 0, `"2026-01-02T03:04:04.999Z"`},
		{`"2026-01-02T03:04:05.678901+00:00"`, 0, `"2026-01-02T03:04:05.678900+00:00"`},
		{`"2026-01-02T03:04:05.678+05:30"`, 2 * time.Minute, `"2026-01-02T03:02:05.678+05:30"`},
		{`"2026-01-02T03:04:05-0800"`, 0, `"2026-01-02T03:04:04-0800"`},
		{`"2026-01-02 03:04:05"`, time.Hour, `"2026-01-02 02:04:05"`},
		{`"2026-01-02 03:04:05.5"`, 0, `"2026-01-02 03:04:05.4"`},
		{`"2026-01-02 03:04"`, 0, `"2026-01-02 03:03"`},
		{`"2026-01-02"`, 0, `"2026-01-01"`},
		{`"2026-01-02"`, time.Minute, `"2026-01-01"`},
		{`"2026-01-02"`, 36 * time.Hour, `"2025-12-31"`},
		{`"Fri, 02 Jan 2026 03:04:05 GMT"`, 0, `"Fri, 02 Jan 2026 03:04:04 GMT"`},
		{`"2026-01-02T03:04:05.123456789123Z"`, 0, `"2026-01-02T03:04:05.123456788Z"`},
		{`1767323045`, 0, `1767323044`},
		{`"1767323045"`, 0, `"1767323044"`},
		{`1767323045`, 2 * time.Minute, `1767322925`},
		{`1767323045678`, 2 * time.Minute, `1767322925678`},
		{`1767323045678901`, time.Second, `1767323044678901`},
		{`1767323045678901234`, time.Second, `1767323044678901234`},
		{`1767323045.5`, 0, `1767323045.4`},
		{`1767323045.000123`, 2 * time.Second, `1767323043.000123`},
		{`1767323045`, time.Millisecond, `1767323044`},
		{`12`, 0, `11`},
		{`0`, 0, `0`},
		{`0.05`, 0, `0.04`},
		{`9007199254740993`, 0, `9007199254740992`},
		{`1e9`, 0, `1e9`},
		{`"01JABC"`, 0, `"01JABC"`},
		{`12`, time.Minute, ""},
		{`"01JABC"`, time.Minute, ""},
	}
	for _, tt := range tests {
		got, err := mustMark(t, tt.raw).back(tt.lookback)
		if tt.want == "" && err == nil || tt.want != "" && (err != nil || got.raw != tt.want) {
			t.Errorf("%s by %v back is %s, %v, want %s", tt.raw, tt.lookback, got.raw, err, tt.want)
		}
	}
}

func TestMarkAtMost(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.UTC)
	tests := []struct{ raw, want string }{
		{`"2026-01-02T03:04:05.678Z"`, `"2026-01-02T03:04:05.678Z"`},
		{`"2026-01-02T03:04:05.679Z"`, `"2026-01-02T03:04:05.678Z"`},
		{`"2999-01-01T00:00:00Z"`, `"2026-01-02T03:04:05Z"`},
		{`"2999-01-01T00:00:00+02:00"`, `"2026-01-02T05:04:05+02:00"`},
		{`"2999-01-01"`, `"2026-01-02"`},
		{`1767323045`, `1767323045`},
		{`1767323046`, `1767323045`},
		{`"9999999999999"`, `"1767323045678"`},
		{`2767323045.25`, `1767323045.67`},
		{`99`, `99`},
		{`"zzz"`, `"zzz"`},
	}
	for _, tt := range tests {
		if got := mustMark(t, tt.raw).atMost(now); got.raw != tt.want {
			t.Errorf("%s is %s, want %s", tt.raw, got.raw, tt.want)
		}
	}
}

// FuzzMark: marks of any bytes are in one order, and going back never goes forth.
func FuzzMark(f *testing.F) {
	f.Add(`"2026-01-02T03:04:05.678Z"`, `1767323045.5`, int64(time.Minute))
	f.Add(`-0.10e-7`, `"9007199254740993"`, int64(0))
	f.Add(`"Fri, 02 Jan 2026 03:04:05 GMT"`, `"2026-01-02 03:04:05,5"`, int64(1))
	f.Fuzz(func(t *testing.T, rawX, rawY string, lookback int64) {
		if !gjson.Valid(rawX) || !gjson.Valid(rawY) {
			return // a page is valid JSON before anybody looks into it
		}
		x, okX := newMark(gjson.Parse(rawX))
		y, okY := newMark(gjson.Parse(rawY))
		if !okX || !okY {
			return
		}
		if x.compare(y) != -y.compare(x) || x.compare(x) != 0 {
			t.Errorf("%s against %s is %d, and the other way %d", rawX, rawY, x.compare(y), y.compare(x))
		}
		if a, ok := exact(x); ok {
			if b, ok := exact(y); ok && a.Cmp(b) != x.compare(y) {
				t.Errorf("%s against %s is %d, exactly %d", rawX, rawY, x.compare(y), a.Cmp(b))
			}
		}
		if lookback < 0 || lookback > int64(100*365*24*time.Hour) {
			return
		}
		if back, err := x.back(time.Duration(lookback)); err == nil && (back.kind != x.kind || back.compare(x) > 0) {
			t.Errorf("%s goes back by %d to %s", rawX, lookback, back.raw)
		}
		if now := time.Unix(1767323045, 0); x.atMost(now).compare(x) > 0 {
			t.Errorf("%s at most now is later", rawX)
		}
		if c := x.clone(); c.raw != x.raw || c.kind != x.kind || c.compare(x) != 0 {
			t.Errorf("%s is another one when it is copied", rawX)
		}
	})
}

// exact is the value of a number of moderate size.
func exact(m mark) (*big.Rat, bool) {
	if m.kind != numberMark || m.number.exp > 1000 || m.number.exp < -1000 {
		return nil, false
	}
	return new(big.Rat).SetString(m.text)
}
