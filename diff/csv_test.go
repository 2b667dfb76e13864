package diff

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCSVRows(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ in, want string }{
		"rows":                         {"id,name\n1,a\n2,b\n", `[{"id":"1","name":"a"},{"id":"2","name":"b"}]`},
		"no end of the last line":      {"id,name\n1,a", `[{"id":"1","name":"a"}]`},
		"line ends of Windows":         {"id,name\r\n1,a\r\n", `[{"id":"1","name":"a"}]`},
		"byte order mark":              {"\uFEFFid,name\n1,\uFEFF\n", "[{\"id\":\"1\",\"name\":\"\uFEFF\"}]"},
		"names alone":                  {"id,name\n", `[]`},
		"a name alone":                 {"id", `[]`},
		"blank lines":                  {"\n\r\nid,name\n\n1,a\n\r\n\n", `[{"id":"1","name":"a"}]`},
		"empty fields":                 {"a,b,c\n,,\n", `[{"a":"","b":"","c":""}]`},
		"an empty field alone":         {"a\n\"\"\n", `[{"a":""}]`},
		"quotes":                       {"id,\"a \"\"b\"\"\"\n1,\"x, \"\"y\"\"\"\n", `[{"id":"1","a \"b\"":"x, \"y\""}]`},
		"a line break in quotes":       {"id,v\n1,\"a\r\nb\n\"\n", `[{"id":"1","v":"a\nb\n"}]`},
		"white space of fields stays":  {"id,v\n 1 ,\t\n", `[{"id":" 1 ","v":"\t"}]`},
		"white space around names":     {" id ,\tname,\"a b \"\n1,2,3\n", `[{"id":"1","name":"2","a b":"3"}]`},
		"numbers and words are texts":  {"a,b,c\n1.0,true,null\n", `[{"a":"1.0","b":"true","c":"null"}]`},
		"escapes of JSON":              {"a\n\"\\\x00\x1f<é😀\"\n", `[{"a":"\\\u0000\u001f<é😀"}]`},
		"semicolons":                   {"id;price\n1;1,50\n", `[{"id":"1","price":"1,50"}]`},
		"tabs":                         {"id\tname\n1\ta,b;c\n", `[{"id":"1","name":"a,b;c"}]`},
		"bars":                         {"id|name\n1|a,b\n", `[{"id":"1","name":"a,b"}]`},
		"the most frequent separates":  {"id;name, first;last\n1;a;b\n", `[{"id":"1","name, first":"a","last":"b"}]`},
		"a tie is a comma's":           {"id;x,name\n1,a\n", `[{"id;x":"1","name":"a"}]`},
		"a tie without a comma":        {"id|x;name\n1;a\n", `[{"id|x":"1","name":"a"}]`},
		"separators in quotes":         {"\"a;b;c;\n;d\",e\n1,2\n", `[{"a;b;c;\n;d":"1","e":"2"}]`},
		"separators beyond the names":  {"a,b\n1;;;;,2\n", `[{"a":"1;;;;","b":"2"}]`},
		"separators after blank lines": {"\r\n\na;b\n1;2\n", `[{"a":"1","b":"2"}]`},
	} {
		got, err := csvRows([]byte(tc.in))
		if err != nil || string(got) != tc.want {
			t.Errorf("%s: got %s (%v), want %s", name, got, err, tc.want)
		}
	}
}

func TestInvalidCSVSaysWhere(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ in, want string }{
		"empty":                 {"", "invalid CSV: it is empty, without even the names of its columns"},
		"byte order mark":       {"\uFEFF", "invalid CSV: it is empty, without even the names of its columns"},
		"blank lines":           {"\n\r\n\n", "invalid CSV: it is empty, without even the names of its columns"},
		"a name is missing":     {"id,,b\n", "invalid CSV at line 1: column 2 has no name"},
		"a name is blank":       {"\nid, \t\n", "invalid CSV at line 2: column 2 has no name"},
		"a comma at the end":    {"id,name,\n1,a,\n", "invalid CSV at line 1: column 3 has no name"},
		"a name is repeated":    {"id,name,id\n", `invalid CSV at line 1: the columns 1 and 3 are both named "id"`},
		"repeated when trimmed": {"name, id,id \n", `invalid CSV at line 1: the columns 2 and 3 are both named "id"`},
		"lines end in CR":       {"id,name\r1,a\r2,b\r", "invalid CSV at line 1: a lone CR in the name of column 2: lines end in LF or CRLF"},
		"too few fields":        {"id,name\n1,a\n\n2\n", "invalid CSV at line 4: its number of fields is 1, that of the first line 2"},
		"too many fields":       {"id,name\n\"1\n\n\",a\n2,b,c\n", "invalid CSV at line 5: its number of fields is 3, that of the first line 2"},
		"a field of two lines":  {"id,name\n1,a\n2,\"\n\",c\n", "invalid CSV at line 3: its number of fields is 3, that of the first line 2"},
		"a quote in a field":    {"id,name\n1,a\"b\n", `invalid CSV at line 2: bare " in non-quoted-field`},
		"a quote in a name":     {"id,na\"me\n", `invalid CSV at line 1: bare " in non-quoted-field`},
		"after a quote":         {"id,name\n1,\"a\"b\n", `invalid CSV at line 2: extraneous or missing " in quoted-field`},
		"an open quote":         {"id,name\n1,\"a\n2,b\n3,c\n", `invalid CSV at lines 2 to 4: extraneous or missing " in quoted-field`},
		"an open quote at once": {"\"id,name\n1,a\n", `invalid CSV at lines 1 to 2: extraneous or missing " in quoted-field`},
		"not UTF-8":             {"id,name\n1,a\n2,Z\xfcrich\n", "invalid CSV at line 3: not UTF-8"},
		"not UTF-8 at once":     {"\xff\xfei\x00d\x00", "invalid CSV at line 1: not UTF-8"},
		"half of a pair":        {"id\n\xed\xa0\x80\n", "invalid CSV at line 2: not UTF-8"},
	} {
		got, err := csvRows([]byte(tc.in))
		if !errors.Is(err, ErrInvalidCSV) || err.Error() != tc.want || got != nil {
			t.Errorf("%s: got %s (%v), want %s", name, got, err, tc.want)
		}
	}
	name := strings.Repeat("ü", 1000)
	if _, err := csvRows([]byte(name + "," + name)); err == nil || len(err.Error()) > 300 {
		t.Errorf("long names: %v", err)
	}
}

// TestCSVGrowsWithinBounds: the names are repeated in each row, so long names
// above many short rows must not take memory by the square of what was sent.
func TestCSVGrowsWithinBounds(t *testing.T) {
	t.Parallel()
	half := minGrowth / 200
	body := []byte(strings.Repeat("n", half) + "\n" + strings.Repeat("1\n", half/2))
	got, err := csvRows(body)
	if !errors.Is(err, ErrInvalidCSV) || got != nil || !strings.Contains(err.Error(), "its rows take more than 16777216 bytes") {
		t.Errorf("%d bytes became %d (%v)", len(body), len(got), err)
	}
	if got, err = csvRows(body[:half+200]); err != nil || len(got) < 90*half {
		t.Errorf("small: %d bytes became %d (%v)", half+200, len(got), err)
	}
}

// TestCSVRowsMakeLittleGarbage: a row costs the one string that its fields share.
func TestCSVRowsMakeLittleGarbage(t *testing.T) {
	const rows = 1000
	body := []byte("id,a,b,c,d,e,f,g\n" + strings.Repeat("1,2,3,4,5,6,7,8\n", rows))
	allocations := testing.AllocsPerRun(5, func() {
		if _, err := csvRows(body); err != nil {
			t.Fatal(err)
		}
	})
	if allocations > rows+100 {
		t.Errorf("%v allocations for %d rows of 8 fields", allocations, rows)
	}
}

// FuzzCSVRows holds what is read to be JSON, and to hold the same fields when
// another hand writes them as CSV again.
func FuzzCSVRows(f *testing.F) {
	for _, s := range []string{
		"id,name\n1,a\n2,\"b\r\n\"\"c\"\"\"\n", "\uFEFFid;price\r\n1;1,50\r\n", "a\n\"\"\n\n b\n", "a|b\tc\n", "\xff,\n", "a,a\n", "a\n\"b\r\r\n\"\n", "\r\n\"a\nb\",c\n1,2",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		rows, err := csvRows(body)
		if err != nil {
			if !errors.Is(err, ErrInvalidCSV) || rows != nil {
				t.Fatalf("%s with %v", rows, err)
			}
			return
		}
		if !IsJSON(rows) || !json.Valid(rows) {
			t.Fatalf("not JSON: %s", rows)
		}
		records := recordsOf(t, rows)
		r := csv.NewReader(writeCSV(t, records, csvSeparator(bytes.TrimPrefix(body, []byte("\uFEFF")))))
		r.Comma = csvSeparator(bytes.TrimPrefix(body, []byte("\uFEFF")))
		again, err := r.ReadAll()
		if err != nil {
			t.Fatalf("%v: %q", err, records)
		}
		for _, record := range records {
			for i := range record {
				// As it is read again, too: a CSV cannot hold a CRLF.
				record[i] = strings.ReplaceAll(record[i], "\r\n", "\n")
			}
		}
		if d := cmp.Diff(records, again); d != "" {
			t.Errorf("records (-want +got):\n%s", d)
		}
	})
}

// recordsOf reads the rows as records: first the names, then the values of each
// row, which all have those names.
func recordsOf(t *testing.T, rows []byte) (records [][]string) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(rows))
	var names, values []string
	isName := false
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return records
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token {
		case json.Delim('{'):
			names, values, isName = nil, nil, true
			continue
		case json.Delim('}'):
			if records == nil {
				records = append(records, names)
			} else if d := cmp.Diff(records[0], names); d != "" {
				t.Fatalf("names of another row (-first +this):\n%s", d)
			}
			records = append(records, values)
			continue
		}
		text, ok := token.(string)
		switch {
		case !ok:
		case isName:
			names, isName = append(names, text), false
		default:
			values, isName = append(values, text), true
		}
	}
}

// writeCSV writes records with package encoding/csv.
func writeCSV(t *testing.T, records [][]string, comma rune) io.Reader {
	t.Helper()
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	w.Comma = comma
	for _, record := range records {
		if len(record) == 1 && record[0] == "" {
			// The package writes a blank line, which it passes over when reading.
			w.Flush()
			out.WriteString("\"\"\n")
			continue
		}
		if err := w.Write(record); err != nil {
			t.Fatal(err)
		}
	}
	w.Flush()
	return &out
}
