package diff

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// vectors returns a folder of the published test vectors, which are not part
// of this repository: POLLWIRE_VECTORS names where they are, else it is
// shared/vectors beside one of the folders above. Without them a test is
// skipped, or fails where POLLWIRE_NO_SKIP is 1.
func vectors(t *testing.T, name string) string {
	t.Helper()
	places := []string{os.Getenv("POLLWIRE_VECTORS")}
	if places[0] == "" {
		places = nil
		for up := "."; len(up) < 16; up = filepath.Join(up, "..") {
			places = append(places, filepath.Join(up, "shared", "vectors"))
		}
	}
	for _, place := range places {
		folder := filepath.Join(place, filepath.FromSlash(name))
		if info, err := os.Stat(folder); err == nil && info.IsDir() {
			return folder
		}
	}
	if os.Getenv("POLLWIRE_NO_SKIP") == "1" {
		t.Fatalf("the test vectors %s are missing; POLLWIRE_VECTORS names their folder", name)
	}
	t.Skipf("the test vectors %s are missing; POLLWIRE_VECTORS names their folder", name)
	return ""
}

func readFile(t *testing.T, path ...string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func fileNames(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if len(names) == 0 {
		t.Fatalf("%s is empty", folder)
	}
	return names
}

// acceptedUndefined are the files of JSONTestSuite whose reading is undefined
// (i_) and which this package accepts: numbers of any size, halves of surrogate
// pairs in escapes, deep nesting, and a byte order mark.
var acceptedUndefined = map[string]bool{
	"i_number_double_huge_neg_exp.json":                   true,
	"i_number_huge_exp.json":                              true,
	"i_number_neg_int_huge_exp.json":                      true,
	"i_number_pos_double_huge_exp.json":                   true,
	"i_number_real_neg_overflow.json":                     true,
	"i_number_real_pos_overflow.json":                     true,
	"i_number_real_underflow.json":                        true,
	"i_number_too_big_neg_int.json":                       true,
	"i_number_too_big_pos_int.json":                       true,
	"i_number_very_big_negative_int.json":                 true,
	"i_object_key_lone_2nd_surrogate.json":                true,
	"i_string_1st_surrogate_but_2nd_missing.json":         true,
	"i_string_1st_valid_surrogate_2nd_invalid.json":       true,
	"i_string_incomplete_surrogate_and_escape_valid.json": true,
	"i_string_incomplete_surrogate_pair.json":             true,
	"i_string_incomplete_surrogates_escape_valid.json":    true,
	"i_string_invalid_lonely_surrogate.json":              true,
	"i_string_invalid_surrogate.json":                     true,
	"i_string_inverted_surrogates_U+1D11E.json":           true,
	"i_string_lone_second_surrogate.json":                 true,
	"i_structure_500_nested_arrays.json":                  true,
	"i_structure_UTF-8_BOM_empty_object.json":             true,
}

func TestJSONTestSuiteParsing(t *testing.T) {
	t.Parallel()
	folder := vectors(t, "JSONTestSuite/test_parsing")
	for _, name := range fileNames(t, folder) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := strings.HasPrefix(name, "y_") || acceptedUndefined[name]
			if _, err := Hash(readFile(t, folder, name)); (err == nil) != want {
				t.Errorf("accepted should be %v, got %v", want, err)
			}
		})
	}
}

// The transform files show where readers differ. What matters here: nothing
// that is not the same becomes the same.
func TestJSONTestSuiteTransform(t *testing.T) {
	t.Parallel()
	folder := vectors(t, "JSONTestSuite/test_transform")
	for name, want := range map[string]string{
		"number_1.0.json":                          `[1]`,
		"number_1e-999.json":                       `[1e-999]`,
		"number_1e6.json":                          `[1000000]`,
		"number_1.000000000000000005.json":         `[1.000000000000000005]`,
		"number_10000000000000000999.json":         `[10000000000000000999]`,
		"number_1000000000000000.json":             `[1000000000000000]`,
		"number_-9223372036854775808.json":         `[-9223372036854775808]`,
		"number_9223372036854775808.json":          `[9223372036854775808]`,
		"object_key_nfc_nfd.json":                  "{\"e\u0301\":\"NFD\",\"\u00e9\":\"NFC\"}",
		"object_key_nfd_nfc.json":                  "{\"e\u0301\":\"NFD\",\"\u00e9\":\"NFC\"}",
		"object_same_key_different_values.json":    `{"a":2}`,
		"object_same_key_same_value.json":          `{"a":1}`,
		"object_same_key_unclear_values.json":      `{"a":0}`,
		"string_1_escaped_invalid_codepoint.json":  `["\ud800"]`,
		"string_1_invalid_codepoint.json":          ``,
		"string_2_escaped_invalid_codepoints.json": `["\ud800\ud800"]`,
		"string_3_escaped_invalid_codepoints.json": `["\ud800\ud800\ud800"]`,
		"string_with_escaped_NULL.json":            `["A\u0000B"]`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Canonical(nil, readFile(t, folder, name))
			if want == "" {
				if err == nil {
					t.Errorf("accepted as %s", got)
				}
				return
			}
			if err != nil || string(got) != want {
				t.Errorf("got %s (%v), want %s", got, err, want)
			}
		})
	}
}

// exactInstead is what becomes of the vectors that RFC 8785 rounds to doubles.
var exactInstead = strings.NewReplacer("333333333.3333333,", "333333333.33333329,")

func TestRFC8785(t *testing.T) {
	t.Parallel()
	folder := vectors(t, "jcs")
	for _, name := range fileNames(t, filepath.Join(folder, "input")) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := string(readFile(t, folder, "output", name))
			if name == "values.json" {
				want = exactInstead.Replace(want)
			}
			got, err := Canonical(nil, readFile(t, folder, "input", name))
			if err != nil || string(got) != want {
				t.Errorf("got  %s (%v)\nwant %s", got, err, want)
			}
			dump := strings.Fields(string(readFile(t, folder, "outhex", strings.TrimSuffix(name, ".json")+".txt")))
			octets, err := hex.DecodeString(strings.Join(dump, ""))
			if err != nil {
				t.Fatal(err)
			}
			if again, err := Canonical(nil, octets); err != nil || string(again) != string(octets) {
				t.Errorf("%s becomes %s (%v)", octets, again, err)
			}
		})
	}
}

// Each number of the vectors stands there as ECMAScript writes it, which is
// our notation too.
func TestRFC8785Numbers(t *testing.T) {
	t.Parallel()
	folder := vectors(t, "jcs")
	lines := strings.Fields(string(readFile(t, folder, "es6-numbers-10000.txt")))
	if len(lines) < 1000 {
		t.Fatalf("only %d numbers", len(lines))
	}
	for _, line := range lines {
		_, want, _ := strings.Cut(line, ",")
		if got, err := Canonical(nil, []byte(want)); err != nil || string(got) != want {
			t.Errorf("%s becomes %s (%v)", want, got, err)
		}
	}
}

// The patches of the JSON patch test suite are not ours, but the documents
// before and after are good to compare: our patch must turn the one into the other.
func TestJSONPatchSuiteDocuments(t *testing.T) {
	t.Parallel()
	folder := vectors(t, "json-patch-tests")
	r := mustCompile(t, Options{})
	compared := 0
	for _, name := range []string{"tests.json", "spec_tests.json"} {
		var cases []struct{ Doc, Expected json.RawMessage }
		if err := json.Unmarshal(readFile(t, folder, name), &cases); err != nil {
			t.Fatal(err)
		}
		for _, c := range cases {
			if c.Doc == nil || c.Expected == nil {
				continue
			}
			compared++
			result, err := Compare(c.Doc, c.Expected, r)
			if err != nil {
				t.Fatal(err)
			}
			got := parseAny(c.Doc)
			for _, change := range result.Changes {
				got = patchAny(got, change.Patch)
			}
			if !equalJSON(got, parseAny(c.Expected)) {
				t.Errorf("%s to %s: got %v", c.Doc, c.Expected, got)
			}
		}
	}
	if compared < 50 {
		t.Errorf("only %d documents", compared)
	}
}
