package main

import (
	"bytes"
	"os"
	"testing"
)

func TestColored(t *testing.T) {
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := terminal.Close(); err != nil {
			t.Error(err)
		}
	})
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := null.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Setenv("NO_COLOR", "")
	t.Setenv("TERM", "xterm")
	if !colored(terminal) {
		t.Error("no colour on a terminal")
	}
	if colored(null) || colored(&bytes.Buffer{}) {
		t.Error("colour where there is no terminal")
	}
	t.Setenv("TERM", "dumb")
	if colored(terminal) {
		t.Error("colour on a dumb terminal")
	}
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "1")
	if colored(terminal) {
		t.Error("colour against NO_COLOR")
	}
}
