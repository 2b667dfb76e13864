package server

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const sessionToken = "the token of the API"

// site is a guard before pages that say who reads them.
type site struct {
	t       *testing.T
	handler http.Handler
	log     *strings.Builder
	// jar are the cookies that the browser keeps, by name.
	jar map[string]*http.Cookie
}

func newSite(t *testing.T, change ...func(*Options)) *site {
	s := &site{t: t, jar: make(map[string]*http.Cookie), log: new(strings.Builder)}
	pages := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s session=%t secure=%t", r.URL.Path, HasSession(r), IsSecure(r))
	})
	opts := Options{Token: sessionToken, Dashboard: pages, Logger: slog.New(slog.NewTextHandler(s.log, nil))}
	for _, c := range change {
		c(&opts)
	}
	s.handler = newGuard(opts).wrap(pages)
	return s
}

// visit asks for a page as a browser does, and keeps the cookies it is given.
func (s *site) visit(method, target string, form url.Values, header ...string) *httptest.ResponseRecorder {
	s.t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(form.Encode()))
	r.Host = "localhost"
	r.RemoteAddr = "192.0.2.7:4711"
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
			continue
		}
		if header[i] == "From" {
			r.RemoteAddr = header[i+1]
			continue
		}
		r.Header.Set(header[i], header[i+1])
	}
	for _, cookie := range s.jar {
		r.AddCookie(cookie)
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	for _, cookie := range w.Result().Cookies() {
		if cookie.MaxAge < 0 {
			delete(s.jar, cookie.Name)
		} else {
			s.jar[cookie.Name] = cookie
		}
	}
	return w
}

func (s *site) login(token, next string, header ...string) *httptest.ResponseRecorder {
	s.t.Helper()
	return s.visit(http.MethodPost, "/login", url.Values{"token": {token}, "next": {next}}, header...)
}

func location(w *httptest.ResponseRecorder) string { return w.Header().Get("Location") }

func TestPagesAskForTheToken(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, tc := range []struct {
		method, path string
		header       []string
		want         string
	}{
		{"GET", "/", nil, "/login?next=%2F"},
		{"GET", "/sources?q=a&page=2", nil, "/login?next=%2Fsources%3Fq%3Da%26page%3D2"},
		{"POST", "/sources/a/poll", nil, "/login?next=%2F"},
		{"GET", "/sources", []string{"Authorization", "Bearer wrong"}, "/login?next=%2Fsources"},
		{"GET", "/", []string{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "navigate"}, "/login?next=%2F"},
	} {
		if got := s.visit(tc.method, tc.path, nil, tc.header...); got.Code != http.StatusSeeOther || location(got) != tc.want {
			t.Errorf("%s %s: %d to %s, want %s", tc.method, tc.path, got.Code, location(got), tc.want)
		}
	}
	// A redirect that lacks it would have the browser part the tab from its page.
	for _, got := range []*httptest.ResponseRecorder{s.visit(http.MethodGet, "/", nil), s.login("wrong", "/"), s.visit(http.MethodPost, "/logout", nil)} {
		if got.Header().Get("Cross-Origin-Opener-Policy") != "same-origin" {
			t.Errorf("to %s: %v", location(got), got.Header())
		}
	}
	for _, path := range []string{"/login", "/assets/dashboard.css"} {
		if got := s.visit(http.MethodGet, path, nil); got.Code != http.StatusOK {
			t.Errorf("%s: %d", path, got.Code)
		}
	}
	if got := s.visit(http.MethodGet, "/sources", nil, "Authorization", "Bearer "+sessionToken); got.Body.String() != "/sources session=false secure=false" {
		t.Errorf("with the token: %d %s", got.Code, got.Body)
	}
	if got := s.visit(http.MethodGet, "/v1/sources", nil); got.Code != http.StatusUnauthorized {
		t.Errorf("the API without a session: %d", got.Code)
	}
}

func TestWhoShowsTheTokenOnceIsLetIn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	got := s.login(" "+sessionToken+"\n", "/sources?page=2")
	if got.Code != http.StatusSeeOther || location(got) != "/sources?page=2" {
		t.Fatalf("logged in: %d to %s", got.Code, location(got))
	}
	cookie := s.jar[sessionCookie]
	if cookie == nil || !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Path != "/" || cookie.Domain != "" || cookie.Secure {
		t.Fatalf("the cookie is %+v", cookie)
	}
	if strings.Contains(cookie.Value, sessionToken) {
		t.Error("the cookie holds the token")
	}
	for path, want := range map[string]string{"/": "/ session=true secure=false", "/v1/sources": "/v1/sources session=false secure=false"} {
		if got := s.visit(http.MethodGet, path, nil); got.Body.String() != want {
			t.Errorf("%s: %d %s", path, got.Code, got.Body)
		}
	}
	if got := s.visit(http.MethodGet, "/login?next=/events", nil); location(got) != "/events" {
		t.Errorf("to log in again: %d to %s", got.Code, location(got))
	}
	if got := s.visit(http.MethodPost, "/v1/sources/a/poll", nil, "Sec-Fetch-Site", "cross-site"); got.Code != http.StatusForbidden {
		t.Errorf("a page of another site could use the session: %d", got.Code)
	}
	if got := s.visit(http.MethodPost, "/login", url.Values{"token": {sessionToken}}, "Origin", "https://evil.example"); got.Code != http.StatusForbidden {
		t.Errorf("a page of another site could log in: %d", got.Code)
	}
}

func TestLogoutEndsTheSessionItself(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.login(sessionToken, "/")
	copied := s.jar[sessionCookie]
	if got := s.visit(http.MethodPost, "/logout", nil); location(got) != "/login" || len(s.jar) != 0 {
		t.Fatalf("logged out: %d to %s, %v", got.Code, location(got), s.jar)
	}
	s.jar[sessionCookie] = copied
	if got := s.visit(http.MethodGet, "/", nil); got.Code != http.StatusSeeOther {
		t.Error("a copy of the session goes on")
	}
	if got := s.visit(http.MethodPost, "/logout", nil); location(got) != "/login" {
		t.Errorf("logged out twice: %d", got.Code)
	}
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		s.login(sessionToken, "/")
		first := s.jar[sessionCookie].Value
		<-time.After(sessionRenew - time.Minute)
		if s.visit(http.MethodGet, "/", nil); s.jar[sessionCookie].Value != first {
			t.Error("renewed within a day")
		}
		<-time.After(2 * time.Minute)
		if s.visit(http.MethodGet, "/", nil); s.jar[sessionCookie].Value == first {
			t.Error("not renewed after a day")
		}
		<-time.After(sessionLife)
		if got := s.visit(http.MethodGet, "/", nil); got.Code != http.StatusSeeOther {
			t.Error("a session lasts for ever")
		}
	})
}

// TestLogoutEndsWhatWasRenewed: a page of another tab may be answered after the
// end of its session, and a copy of the cookie may be older than the last renewal.
func TestLogoutEndsWhatWasRenewed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		s.login(sessionToken, "/")
		first := s.jar[sessionCookie]
		<-time.After(sessionRenew + time.Minute)
		s.visit(http.MethodGet, "/", nil)
		renewed := s.jar[sessionCookie]
		if renewed.Value == first.Value {
			t.Fatal("not renewed after a day")
		}
		for end, copied := range map[*http.Cookie]*http.Cookie{renewed: first, first: renewed} {
			s := newSite(t)
			s.jar[sessionCookie] = end
			s.visit(http.MethodPost, "/logout", nil)
			s.jar[sessionCookie] = copied
			if got := s.visit(http.MethodGet, "/", nil); got.Code != http.StatusSeeOther {
				t.Errorf("a copy goes on: %d", got.Code)
			}
		}
	})
}

func TestSessionsOutliveARestartAndNotTheToken(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.login(sessionToken, "/")
	restarted := newSite(t)
	restarted.jar = s.jar
	if got := restarted.visit(http.MethodGet, "/", nil); got.Code != http.StatusOK {
		t.Errorf("after a restart: %d", got.Code)
	}
	changed := newSite(t, func(o *Options) { o.Token = "another one" })
	changed.jar = s.jar
	if got := changed.visit(http.MethodGet, "/", nil); got.Code != http.StatusSeeOther {
		t.Errorf("with another token: %d", got.Code)
	}
}

func TestHTTPSHasCookiesOfItsOwn(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *Options) { o.PublicURL = &url.URL{Scheme: "https", Host: "pollwire.example.com"} })
	s.login(sessionToken, "/", "Host", "pollwire.example.com")
	cookie := s.jar[hostPrefix+sessionCookie]
	if cookie == nil || !cookie.Secure || cookie.Path != "/" {
		t.Fatalf("the cookies are %v", s.jar)
	}
	if got := s.visit(http.MethodGet, "/", nil, "Host", "pollwire.example.com:443"); got.Body.String() != "/ session=true secure=true" {
		t.Errorf("by https: %d %s", got.Code, got.Body)
	}
	if got := s.visit(http.MethodGet, "/", nil); got.Code != http.StatusSeeOther {
		t.Errorf("by http the cookie of https was taken: %d", got.Code)
	}
}

// TestWhoGuessesHasToWait and nobody else has.
func TestWhoGuessesHasToWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		for range freeTries {
			if got := s.login("wrong", "/events"); location(got) != "/login?next=%2Fevents&problem=wrong" {
				t.Fatalf("a wrong token leads to %s", location(got))
			}
		}
		if got := s.login(sessionToken, "/"); !strings.Contains(location(got), "problem=wait") || len(s.jar) > 0 {
			t.Error("the right token was taken of one who guesses")
		}
		if got := s.login(sessionToken, "/", "From", "[2001:db8::1]:1"); location(got) != "/" {
			t.Errorf("another one has to wait: %s", location(got))
		}
		<-time.After(tryEvery)
		if got := s.login("wrong", "/"); !strings.Contains(location(got), "problem=wrong") {
			t.Errorf("a further try leads to %s", location(got))
		}
		if got := s.login("wrong", "/"); !strings.Contains(location(got), "problem=wait") {
			t.Errorf("two further tries in the time of one: %s", location(got))
		}
		<-time.After(freeTries * tryEvery)
		if got := s.login(sessionToken, "/"); location(got) != "/" {
			t.Errorf("after a wait: %s", location(got))
		}
		if log := s.log.String(); !strings.Contains(log, "192.0.2.7") || strings.Contains(log, sessionToken) {
			t.Errorf("the log: %s", log)
		}
	})
}

func TestTriesAreBounded(t *testing.T) {
	t.Parallel()
	tries, now := newTries(), time.Now()
	for i := range 10 * maxTriers {
		tries.miss(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 32), now)
	}
	if len(tries.by) > maxTriers+1 {
		t.Errorf("%d addresses are kept", len(tries.by))
	}
	stranger := netip.MustParsePrefix("192.0.2.1/32")
	if tries.allow(stranger, now) {
		t.Error("an address more than can be kept has tries of its own")
	}
	later := now.Add(24 * 365 * time.Hour)
	tries.miss(stranger, later)
	if len(tries.by) != 1 || !tries.allow(stranger, later) {
		t.Errorf("%d addresses are kept when all have waited", len(tries.by))
	}
}

func TestTriesOfANetworkAreOneHosts(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{
		"192.0.2.7:1": "192.0.2.7/32", "[::ffff:192.0.2.7]:1": "192.0.2.7/32", "[2001:db8:1:2:3:4:5:6]:1": "2001:db8:1:2::/64",
		"[fe80::1%eth0]:1": "fe80::/64", "@": "invalid Prefix", "": "invalid Prefix",
	} {
		if got := remote(&http.Request{RemoteAddr: addr}).String(); got != want {
			t.Errorf("%s is %s, want %s", addr, got, want)
		}
	}
}

func TestEndedSessionsAreBounded(t *testing.T) {
	t.Parallel()
	e, now := newEnded(), time.Now()
	var last [sessionID]byte
	for i := range 3 * maxEnded {
		last = [sessionID]byte{byte(i >> 8), byte(i)}
		e.add(last, now.Add(time.Duration(i)*time.Second), now)
	}
	if len(e.until) != maxEnded || !e.has(last) {
		t.Errorf("%d are kept, the last one: %t", len(e.until), e.has(last))
	}
	e.add([sessionID]byte{9, 9, 9}, now.Add(48*time.Hour), now.Add(24*time.Hour))
	if len(e.until) != 1 {
		t.Errorf("%d are kept whose time is over", len(e.until)-1)
	}
}

// TestLinksFromElsewhereFindTheSession: a browser sends no cookie with them, but
// does when the page asks for itself.
func TestLinksFromElsewhereFindTheSession(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, from := range []string{"cross-site", "same-site"} {
		got := s.visit(http.MethodGet, "/events/evt_1", nil, "Sec-Fetch-Site", from, "Sec-Fetch-Mode", "navigate")
		if got.Code != http.StatusOK || !strings.Contains(got.Body.String(), `http-equiv="refresh"`) {
			t.Errorf("%s: %d %s", from, got.Code, got.Body)
		}
	}
	if got := s.visit(http.MethodGet, "/", nil, "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors"); got.Code != http.StatusSeeOther {
		t.Errorf("what is no page: %d", got.Code)
	}
}

func TestWithoutATokenNobodyLogsIn(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *Options) { o.Token = "" })
	if got := s.visit(http.MethodGet, "/", nil); got.Body.String() != "/ session=false secure=false" {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		if got := s.visit(method, "/login?next=/sources", nil); location(got) != "/sources" {
			t.Errorf("%s to log in: %d to %s", method, got.Code, location(got))
		}
	}
}

func TestWithoutPagesThereIsNoLogin(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *Options) { o.Dashboard = nil })
	if got := s.visit(http.MethodGet, "/anything", nil); got.Code != http.StatusOK {
		t.Errorf("%d %s", got.Code, got.Body)
	}
}

func TestPagesLeadToPagesOfOursOnly(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/sources/orders?page=2": "/sources/orders?page=2", "/": "/", "": "/", "sources": "/", "//evil.example": "/", `/\evil.example`: "/",
		"https://evil.example/": "/", "/\x00": "/", "javascript:alert(1)": "/", "/\tevil": "/",
	} {
		if got := LocalPath(path); got != want {
			t.Errorf("%q leads to %q, want %q", path, got, want)
		}
	}
}

func FuzzSession(f *testing.F) {
	s := newSessions(sessionToken, slog.New(slog.DiscardHandler))
	now := time.Unix(1767323045, 0)
	head := make([]byte, sessionTime+sessionID) // The same in each process that looks for others.
	binary.BigEndian.PutUint64(head, uint64(now.Add(time.Hour).Unix()))
	valid := base64.RawURLEncoding.EncodeToString(slices.Concat(head, s.sign(head)))
	f.Add(valid)
	f.Add("")
	f.Add(base64.RawURLEncoding.EncodeToString(make([]byte, sessionSize)))
	f.Fuzz(func(t *testing.T, value string) {
		if _, _, ok := s.read(value, now); ok != (value == valid) {
			t.Errorf("%q is taken: %t", value, ok)
		}
	})
}
