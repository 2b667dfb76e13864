package postgres

import (
	"bytes"
	"encoding/hex"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestScript has every value back from the server that was sent as a literal,
// whatever the server makes of backslashes.
func TestScript(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, migrated(t))
	conn, err := s.pool.Acquire(t.Context())
	must(t, err)
	t.Cleanup(conn.Release)
	for _, setting := range []string{"on", "off"} {
		_, err = conn.Exec(t.Context(), "SET standard_conforming_strings = "+setting)
		must(t, err)
		rapid.Check(t, func(rt *rapid.T) {
			strange := rapid.OneOf(rapid.String(), rapid.StringOf(rapid.SampledFrom([]rune("'\"\\{},$1;-\x00\x01NULL\n%")))) //nolint:gocritic // characters that a literal could end at
			one, many := strange.Draw(rt, "one"), rapid.SliceOf(strange).Draw(rt, "many")
			number, numbers := rapid.Int64Min(-1<<62).Draw(rt, "number"), rapid.SliceOf(rapid.Int64()).Draw(rt, "numbers")
			blobs := rapid.SliceOf(rapid.SliceOf(rapid.Byte())).Draw(rt, "blobs")
			var sc script
			sc.add("SELECT 1")
			scalar := sc.add("SELECT $1, 0-$2, $1", one, number)
			texts := sc.add("SELECT v FROM unnest($1) v", many)
			integers := sc.add("SELECT v FROM unnest($1) v", numbers)
			bytea := sc.add("SELECT encode(decode(v, 'base64'), 'hex') FROM unnest($1) v", blobs)
			found, err := s.run(t.Context(), conn, &sc)
			if err != nil {
				rt.Fatalf("%v: %s", err, sc.text)
			}
			if row := found[scalar].Rows[0]; untext(string(row[0])) != one || -integer(row[1]) != number || untext(string(row[2])) != one {
				rt.Errorf("%q, %d: %q", one, number, row)
			}
			var gotTexts []string
			for _, row := range found[texts].Rows {
				gotTexts = append(gotTexts, untext(string(row[0])))
			}
			var gotIntegers []int64
			for _, row := range found[integers].Rows {
				gotIntegers = append(gotIntegers, integer(row[0]))
			}
			if !slices.Equal(gotTexts, many) || !slices.Equal(gotIntegers, numbers) || len(found[bytea].Rows) != len(blobs) {
				rt.Errorf("%q and %d became %q and %d", many, numbers, gotTexts, gotIntegers)
			}
			for i, row := range found[bytea].Rows {
				if got, _ := hex.DecodeString(string(row[0])); !bytes.Equal(got, blobs[i]) {
					rt.Errorf("%x became %x", blobs[i], got)
				}
			}
		})
	}
}
