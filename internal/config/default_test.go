package config

import (
	"reflect"
	"testing"
	"time"
)

// TestDefaultEndpoint holds it to what is read of an endpoint with nothing but
// what it requires.
func TestDefaultEndpoint(t *testing.T) {
	t.Parallel()
	c, err := Parse("test.yaml", []byte(`
sources: [{name: s, schedule: "@hourly", request: {url: "https://api.example.com/"}}]
endpoints: [{name: ops, url: "https://hooks.example.com/", secrets: [whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw]}]
`), Lookup{})
	if err != nil {
		t.Fatal(err)
	}
	want := c.Endpoints[0]
	want.Name, want.URL, want.Secrets = "", URL{}, nil
	got := DefaultEndpoint()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if !got.Enabled || time.Duration(got.Timeout) != 15*time.Second || len(got.Retry.Schedule) != 9 || got.Breaker.Failures != 5 {
		t.Errorf("got %+v", got)
	}
}
