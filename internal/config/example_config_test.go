package config

import (
	"os"
	"testing"
)

func TestExample(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../config.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := Parse("config.example.yaml", data, fakeLookup())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", c)
	t.Logf("%+v", c.Sources[0])
	for _, w := range c.Budget(reference()) {
		t.Log(w)
	}
	for _, w := range c.Warnings(reference()) {
		t.Log(w)
	}
}
