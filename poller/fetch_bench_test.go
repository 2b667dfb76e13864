package poller

import (
	"crypto/sha256"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// unchangedBody is as large as the answers that polls commonly get.
var unchangedBody = strings.Repeat(`{"id":12345,"state":"open"},`, 360)

// rewinding is a network that gives the same answer again and again, and
// allocates as little as it can for it.
type rewinding struct {
	code   int
	header http.Header
	body   string
}

type rewindingBody struct{ strings.Reader }

func (*rewindingBody) Close() error { return nil }

func (n *rewinding) RoundTrip(r *http.Request) (*http.Response, error) {
	body := new(rewindingBody)
	body.Reset(n.body)
	return &http.Response{
		StatusCode: n.code, Header: n.header, Body: body, ContentLength: int64(len(n.body)), Request: r, ProtoMajor: 1,
	}, nil
}

func unchangedNetworks() map[string]*rewinding {
	header := http.Header{"Content-Type": {"application/json"}, "Etag": {`"v1"`}}
	return map[string]*rewinding{
		"200": {code: 200, header: header, body: unchangedBody},
		"304": {code: 304, header: header},
	}
}

// bareLoop is what a plain loop over net/http does for the same poll.
func bareLoop(tb testing.TB, network http.RoundTripper) func() {
	client := &http.Client{Transport: network, Timeout: 10 * time.Second}
	sum := sha256.New()
	buf := make([]byte, 32<<10)
	return func() {
		req, err := http.NewRequestWithContext(tb.Context(), http.MethodGet, "http://api.example/v1/orders?state=open", http.NoBody)
		if err != nil {
			tb.Fatal(err)
		}
		req.Header.Set("User-Agent", "bare")
		req.Header.Set("Authorization", "Bearer token")
		req.Header.Set("If-None-Match", `"v1"`)
		resp, err := client.Do(req)
		if err != nil {
			tb.Fatal(err)
		}
		sum.Reset()
		if _, err := io.CopyBuffer(sum, struct{ io.Reader }{resp.Body}, buf); err != nil {
			tb.Fatal(err)
		}
		resp.Body.Close()
	}
}

func fetchLoop(tb testing.TB, network http.RoundTripper) func() {
	f := newFetcher(tb, FetcherOptions{RoundTripper: network})
	s := newSource("http://api.example/v1/orders?state=open")
	s.Request.Auth = Bearer{Token: "token"}
	state := State{ETag: `"v1"`, RawHash: sha256.Sum256([]byte(unchangedBody))}
	return func() {
		o, err := f.Fetch(tb.Context(), s, state)
		if err != nil || !o.Unchanged {
			tb.Fatalf("Fetch = %+v, %v, want unchanged", o, err)
		}
		o.Release()
	}
}

// A poll that sees nothing new allocates no more than a plain loop does.
func TestFetchUnchangedAllocates(t *testing.T) {
	for name, network := range unchangedNetworks() {
		bare := testing.AllocsPerRun(200, bareLoop(t, network))
		ours := testing.AllocsPerRun(200, fetchLoop(t, network))
		if ours > bare {
			t.Errorf("%s: %v allocations, a bare loop needs %v", name, ours, bare)
		}
	}
}

func BenchmarkFetchUnchanged(b *testing.B) {
	for name, network := range unchangedNetworks() {
		for who, loop := range map[string]func(){"pollwire": fetchLoop(b, network), "bare": bareLoop(b, network)} {
			b.Run(name+"/"+who, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					loop()
				}
			})
		}
	}
}
