package diff

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// twoPages are pages of a test.
type twoPages [2]string

func (p twoPages) Len() int                   { return 2 }
func (p twoPages) Page(i int) ([]byte, error) { return []byte(p[i]), nil }

// TestCheckSaysWhatAComparisonSays of a list of which nothing is known, but for
// the changes.
func TestCheckSaysWhatAComparisonSays(t *testing.T) {
	t.Parallel()
	noDraft := func(item []byte) (bool, error) {
		if strings.Contains(string(item), "odd") {
			return false, errors.New("odd")
		}
		return !strings.Contains(string(item), "draft"), nil
	}
	keyed := &Items{Path: "data", Key: []string{"id"}}
	for _, o := range []Options{
		{Items: keyed},
		{Items: keyed, Select: "v"},
		{Items: keyed, Select: "@pick:v"},
		{Items: keyed, Select: "v|@broken"},
		{Items: &Items{Path: "data", Key: []string{"id"}, Filter: noDraft, FilterKey: "no draft"}, Select: "v"},
	} {
		r, err := Compile(o)
		if err != nil {
			t.Fatal(err)
		}
		for _, pages := range []twoPages{
			{`{"data":[{"id":1,"v":"a"},{"id":2}]}`, `{"data":[{"id":3,"v":"draft"}]}`},
			{`{"data":[{"id":1,"v":"odd"}]}`, `{"data":[{"id":3,"v":"draft"}]}`},
			{`{"data":[]}`, `{"data":[]}`},
			{`{"data":[{"id":1}]}`, `{"data":[{"id":1}]}`},
			{`{"data":[{"id":1}]}`, `{"data":[{"v":1}]}`},
			{`{"data":[{"id":1}]}`, `{"data":{}}`},
			{`{"data":[{"id":1}]}`, `{"data":[`},
			{`{"data":[{"id":1,"v":"\ud800"}]}`, `{"data":[{"id":2,"v":"\"]"}]}`},
		} {
			want, wantErr := ComparePages(nil, pages, r)
			got, err := r.Check(pages)
			if fmt.Sprint(err) != fmt.Sprint(wantErr) || fmt.Sprint(got.FilterErr) != fmt.Sprint(want.FilterErr) {
				t.Errorf("%v: errors %v and %v, want %v and %v", pages, err, got.FilterErr, wantErr, want.FilterErr)
			}
			if got.After != want.After || got.AfterAll != want.AfterAll || got.Changes != nil {
				t.Errorf("%v: %+v, want %+v", pages, got, want)
			}
		}
	}
}

// TestCheckRefuses what is no list, and an answer without pages.
func TestCheckRefuses(t *testing.T) {
	t.Parallel()
	document, err := Compile(Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := document.Check(OnePage([]byte(`[]`))); err == nil {
		t.Error("a document is checked as a list")
	}
	list, err := Compile(Options{Items: &Items{Key: []string{"id"}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := list.Check(nil); !errors.Is(err, ErrNoList) {
		t.Errorf("error %v", err)
	}
}
