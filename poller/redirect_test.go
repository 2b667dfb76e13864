package poller

import (
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// hostSwitch serves many hosts without a network, and keeps what each was asked.
type hostSwitch struct {
	hosts map[string]http.HandlerFunc
	asked []*http.Request
}

func (h *hostSwitch) RoundTrip(r *http.Request) (*http.Response, error) {
	h.asked = append(h.asked, r)
	w := newRecorder()
	h.hosts[r.URL.Host](w, r)
	return w.answer(r), nil
}

type recorder struct {
	code   int
	header http.Header
	body   strings.Builder
}

func newRecorder() *recorder                    { return &recorder{code: 200, header: http.Header{}} }
func (w *recorder) Header() http.Header         { return w.header }
func (w *recorder) WriteHeader(code int)        { w.code = code }
func (w *recorder) Write(p []byte) (int, error) { return w.body.Write(p) }
func (w *recorder) answer(r *http.Request) *http.Response {
	resp := fakeAnswer(w.code, w.body.String(), w.header)
	resp.Request = r
	return resp
}

func redirectTo(code int, location string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", location)
		w.WriteHeader(code)
	}
}

func say(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("ETag", `"there"`)
		_, _ = io.WriteString(w, text)
	}
}

// secretSource carries a secret in every place that a request has.
func secretSource(rawURL string, auth Auth) *Source {
	s := newSource(rawURL)
	s.Request.Header = http.Header{
		"X-Custom": {"custom-secret"}, "Cookie": {"sid=cookie-secret"}, "Accept": {"application/vnd.shop"}, "Host": {"virtual.example"},
	}
	s.Request.Body = []byte("body-secret")
	s.Request.Auth = auth
	return s
}

func TestRedirectToAnotherOriginTakesNothingAlong(t *testing.T) {
	t.Parallel()
	others := []string{
		"https://b.example/x", "http://a.example/x", "https://a.example:8443/x", "https://sub.a.example/x", "//b.example/x",
		"https://user:userinfo-secret@b.example/x",
		"https://b.example/x?api_key=query-secret&page=2",
		"https://b.example/x?next=%2Fy%3Fk%3Dquery-secret&page=2",
	}
	auths := []Auth{
		Bearer{Token: "bearer-secret"},
		Basic{Username: "u", Password: "basic-secret"},
		APIKey{Name: "X-Api-Key", Value: "header-secret"},
		APIKey{Name: "api_key", Value: "query-secret", In: InQuery},
	}
	for _, location := range others {
		for _, auth := range auths {
			for _, code := range []int{301, 302, 303, 307, 308} {
				answer := say("there")
				net := &hostSwitch{hosts: map[string]http.HandlerFunc{
					"a.example": redirectTo(code, location), "b.example": answer, "sub.a.example": answer, "a.example:8443": answer,
				}}
				if strings.HasPrefix(location, "http://a.") {
					net.hosts["a.example"] = func(w http.ResponseWriter, r *http.Request) {
						if r.URL.Scheme == "http" {
							answer(w, r)
							return
						}
						redirectTo(code, location)(w, r)
					}
				}
				s := secretSource("https://a.example/", auth)
				o := mustFetch(t, newFetcher(t, FetcherOptions{RoundTripper: net}), s, State{ETag: `"old"`})
				o.Release()
				if o.State.ETag != "" {
					t.Error("the validator of another URL was kept")
				}
				checkStranger(t, net.asked[len(net.asked)-1], auth)
			}
		}
	}
}

func checkStranger(t *testing.T, r *http.Request, auth Auth) {
	t.Helper()
	want := http.Header{"User-Agent": {"pollwire/dev"}, "Accept-Encoding": {"gzip"}}
	if diff := cmp.Diff(want, r.Header); diff != "" {
		t.Errorf("%T to %s: header (-want +got):\n%s", auth, r.URL, diff)
	}
	body, _ := io.ReadAll(r.Body)
	if key, ok := auth.(APIKey); len(body) > 0 || r.URL.User != nil || r.Host != r.URL.Host ||
		ok && key.In == InQuery && strings.Contains(r.URL.String(), "secret") {
		t.Errorf("%T to %s: body %q, host %s", auth, r.URL, body, r.Host)
	}
	if strings.Contains(r.URL.String(), "?") && !strings.Contains(r.URL.RawQuery, "page=2") {
		t.Errorf("%T: %s lost a parameter that is no secret", auth, r.URL)
	}
}

func TestRedirectRefusesCredentialInPath(t *testing.T) {
	t.Parallel()
	net := &hostSwitch{hosts: map[string]http.HandlerFunc{"a.example": redirectTo(302, "https://b.example/k/query-secret/x")}}
	s := newSource("https://a.example/")
	s.Request.Auth = APIKey{Name: "k", Value: "query-secret", In: InQuery}
	o, err := newFetcher(t, FetcherOptions{RoundTripper: net}).Fetch(t.Context(), s, State{})
	if fe := mustFail(t, o, err); fe.Retryable || len(net.asked) != 1 || strings.Contains(fe.Error(), "query-secret") {
		t.Errorf("after %d requests: %v", len(net.asked), fe)
	}
}

func TestRedirectWithinOriginKeepsAll(t *testing.T) {
	t.Parallel()
	for _, code := range []int{301, 302, 303, 307, 308} {
		net := &hostSwitch{}
		net.hosts = map[string]http.HandlerFunc{"a.example": func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/" {
				redirectTo(code, "https://A.example:443/there?page=2&api_key=stale")(w, r)
				return
			}
			say("there")(w, r)
		}}
		net.hosts["A.example:443"] = net.hosts["a.example"]
		s := secretSource("https://a.example/?q=1", APIKey{Name: "api_key", Value: "query-secret", In: InQuery})
		o := mustFetch(t, newFetcher(t, FetcherOptions{RoundTripper: net}), s, State{ETag: `"old"`})
		o.Release()
		first, second := net.asked[0], net.asked[1]
		if first.URL.RawQuery != "q=1&api_key=query-secret" || second.URL.RawQuery != "page=2&api_key=query-secret" {
			t.Errorf("%d: queries %q, then %q", code, first.URL.RawQuery, second.URL.RawQuery)
		}
		if first.Header.Get("If-None-Match") != `"old"` || second.Header.Get("If-None-Match") != "" {
			t.Errorf("%d: a validator went to a URL that is not its own", code)
		}
		if second.Header.Get("X-Custom") != "custom-secret" || second.Host != "virtual.example" {
			t.Errorf("%d: header %v, host %s", code, second.Header, second.Host)
		}
		want := "body-secret"
		if code == http.StatusSeeOther {
			want = ""
		}
		if body, _ := io.ReadAll(second.Body); string(body) != want {
			t.Errorf("%d: body %q, want %q", code, body, want)
		}
	}
}

// Once among strangers, the way back home is a stranger's too.
func TestRedirectBackIsNotTrusted(t *testing.T) {
	t.Parallel()
	net := &hostSwitch{}
	net.hosts = map[string]http.HandlerFunc{
		"a.example": func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/" {
				redirectTo(302, "https://b.example/")(w, r)
				return
			}
			say("home")(w, r)
		},
		"b.example": redirectTo(302, "https://a.example/admin"),
	}
	s := secretSource("https://a.example/", Bearer{Token: "bearer-secret"})
	mustFetch(t, newFetcher(t, FetcherOptions{RoundTripper: net}), s, State{}).Release()
	checkStranger(t, net.asked[2], s.Request.Auth)
}

// A redirect among strangers is no redirect within the source's origin.
func TestRedirectWithinOtherOriginStaysStrange(t *testing.T) {
	t.Parallel()
	net := &hostSwitch{}
	net.hosts = map[string]http.HandlerFunc{
		"a.example": redirectTo(302, "https://b.example/1"),
		"b.example": func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/1" {
				redirectTo(302, "/2")(w, r)
				return
			}
			say("there")(w, r)
		},
	}
	s := secretSource("https://a.example/", Bearer{Token: "bearer-secret"})
	mustFetch(t, newFetcher(t, FetcherOptions{RoundTripper: net}), s, State{}).Release()
	checkStranger(t, net.asked[1], s.Request.Auth)
	checkStranger(t, net.asked[2], s.Request.Auth)
}

func TestRedirectLoopEnds(t *testing.T) {
	t.Parallel()
	net := &hostSwitch{hosts: map[string]http.HandlerFunc{"a.example": redirectTo(302, "/again")}}
	o, err := newFetcher(t, FetcherOptions{RoundTripper: net}).Fetch(t.Context(), newSource("https://a.example/"), State{})
	fe := mustFail(t, o, err)
	if len(net.asked) != 1+maxRedirects || fe.Retryable || !strings.Contains(fe.Error(), "more than 10 redirects") {
		t.Errorf("after %d requests: %v", len(net.asked), fe)
	}
}

func TestRedirectTargets(t *testing.T) {
	t.Parallel()
	for _, location := range []string{"file:///etc/passwd", "gopher://h/", "javascript:x", "http:///x", "http://h:port/", "%zz"} {
		net := &hostSwitch{hosts: map[string]http.HandlerFunc{"a.example": redirectTo(302, location)}}
		o, err := newFetcher(t, FetcherOptions{RoundTripper: net}).Fetch(t.Context(), newSource("https://a.example/"), State{})
		if fe := mustFail(t, o, err); fe.Retryable || len(net.asked) != 1 {
			t.Errorf("%s: %v after %d requests", location, fe, len(net.asked))
		}
	}
}

func TestRedirectTo304IsRefused(t *testing.T) {
	t.Parallel()
	net := &hostSwitch{hosts: map[string]http.HandlerFunc{
		"a.example": redirectTo(302, "https://b.example/"),
		"b.example": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) },
	}}
	o, err := newFetcher(t, FetcherOptions{RoundTripper: net}).Fetch(t.Context(), newSource("https://a.example/"), State{ETag: `"x"`})
	if fe := mustFail(t, o, err); !strings.Contains(fe.Error(), "no validators were sent") {
		t.Errorf("304 of another URL: %v", fe)
	}
}

// A source may live on a private network; where its redirects lead may not,
// unless allow_networks says so.
func TestRedirectIntoPrivateNetwork(t *testing.T) {
	t.Parallel()
	inside := newServer(t, say("inside"))
	port := inside.URL[strings.LastIndex(inside.URL, ":"):]
	tests := []struct {
		location string
		allow    []string
		ok       bool
	}{
		{inside.URL, nil, false},
		{"http://localhost" + port, nil, false},
		{"http://[::ffff:127.0.0.1]" + port, nil, false},
		{"http://169.254.169.254/latest/meta-data/", nil, false},
		{"http://169.254.169.254/latest/meta-data/", []string{"0.0.0.0/0"}, false},
		{"http://[fd00:ec2::254]/", []string{"::/0"}, false},
		{"http://10.0.0.1/", []string{"192.168.0.0/16"}, false},
		{"http://[64:ff9b::a00:1]/", nil, false},
		{"http://0.0.0.0" + port, nil, false},
		{inside.URL, []string{"127.0.0.0/8"}, true},
		{"http://localhost" + port, []string{"127.0.0.0/8", "::1/128"}, true},
	}
	for _, tt := range tests {
		front := newServer(t, redirectTo(302, tt.location))
		s := newSource(front.URL)
		for _, p := range tt.allow {
			s.Request.AllowNetworks = append(s.Request.AllowNetworks, netip.MustParsePrefix(p))
		}
		o, err := newFetcher(t, FetcherOptions{}).Fetch(t.Context(), s, State{})
		if tt.ok {
			if err != nil || string(o.Body) != "inside" {
				t.Errorf("%s with %v: %+v, %v", tt.location, tt.allow, o, err)
			}
			continue
		}
		if fe := mustFail(t, o, err); fe.Retryable || !strings.Contains(fe.Error(), "allow_networks") {
			t.Errorf("%s with %v: %v", tt.location, tt.allow, fe)
		}
	}
}

func TestSameOrigin(t *testing.T) {
	t.Parallel()
	tests := []struct {
		a, b string
		want bool
	}{
		{"https://h/", "https://h/x?y", true},
		{"https://h/", "https://H:443/", true},
		{"http://h:80/", "http://h/", true},
		{"https://h/", "http://h/", false},
		{"http://h/", "https://h/", false},
		{"https://h:8443/", "https://h/", false},
		{"https://h/", "https://h./", false},
		{"https://h/", "https://x.h/", false},
	}
	for _, tt := range tests {
		a, errA := url.Parse(tt.a)
		b, errB := url.Parse(tt.b)
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		if got := sameOrigin(a, b); got != tt.want {
			t.Errorf("sameOrigin(%s, %s) = %t", tt.a, tt.b, got)
		}
	}
}
