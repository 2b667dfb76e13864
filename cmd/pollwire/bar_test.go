package main

import (
	"strings"
	"testing"
)

func TestBar(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		done, total int64
		want        string
	}{
		{0, 4, "\r[                              ]   0%, so far"},
		{1, 4, "\r[========                      ]  25%, so far"},
		{4, 4, "\r[==============================] 100%, so far"},
		{0, 0, "\r[==============================] 100%, so far"},
	} {
		var out strings.Builder
		b := bar{out: &out, terminal: true}
		b.show(tc.done, tc.total, func() string { return "so far" })
		if out.String() != tc.want {
			t.Errorf("%d of %d: got %q, want %q", tc.done, tc.total, out.String(), tc.want)
		}
	}
	var out strings.Builder
	b := newBar(&out)
	b.show(1, 2, func() string { return "unseen" })
	b.end()
	if out.Len() > 0 {
		t.Errorf("what is no terminal got %q", out.String())
	}
	b.terminal = true
	b.show(1, 9, func() string { return "a long text" })
	b.show(2, 9, func() string { return "too soon to be seen" })
	b.show(9, 9, func() string { return "short" })
	b.end()
	if n := strings.Count(out.String(), "\r"); n != 2 || !strings.HasSuffix(out.String(), "100%, short      \n") {
		t.Errorf("got %q", out.String())
	}
}
