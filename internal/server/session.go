package server

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// loginPath is the page that asks for the token, and takes it.
	loginPath  = "/login"
	logoutPath = "/logout"
	// assetPath is where the files are that the page to log in loads.
	assetPath = "/assets/"

	// sessionLife is how long a browser need not be asked again. One that comes
	// back when a day of it has passed gets all of it anew.
	sessionLife  = 7 * 24 * time.Hour
	sessionRenew = 24 * time.Hour
	// sessionCookie is what browsers keep. Where they came by https, its name has a
	// prefix by which they take it from this host alone.
	sessionCookie = "pollwire_session"
	hostPrefix    = "__Host-"
	// maxLoginBytes bounds what the form to log in sends.
	maxLoginBytes = 8 << 10
)

// The sizes of what a session is made of, in bytes: until when, whose, and a
// signature of both.
const (
	sessionTime = 8
	sessionID   = 16
	sessionSize = sessionTime + sessionID + sha256.Size
)

// sessions let people in who have shown the token once. The server keeps no list
// of them: a session is signed with a key that is made of the token, so that it
// outlives a restart, and ends for all when the token changes.
type sessions struct {
	key   []byte
	token [sha256.Size]byte
	tries *tries
	ended *ended
	log   *slog.Logger
}

// newSessions makes sessions for a token; nil for none, which asks for no login.
func newSessions(token string, log *slog.Logger) *sessions {
	if token == "" {
		return nil
	}
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write([]byte("pollwire session"))
	return &sessions{key: mac.Sum(nil), token: sha256.Sum256([]byte(token)), tries: newTries(), ended: newEnded(), log: log}
}

// sign is the signature of the first bytes of a session.
func (s *sessions) sign(head []byte) []byte {
	mac := hmac.New(sha256.New, s.key)
	mac.Write(head)
	return mac.Sum(nil)
}

// newSessionID returns what no other session has.
func newSessionID() (id [sessionID]byte) {
	_, _ = rand.Read(id[:]) // It never fails.
	return id
}

// issue returns the session of an ID, which ends at a time.
func (s *sessions) issue(id [sessionID]byte, until time.Time) string {
	value := make([]byte, sessionTime, sessionSize)
	binary.BigEndian.PutUint64(value, uint64(until.Unix()))
	value = append(value, id[:]...)
	return base64.RawURLEncoding.EncodeToString(append(value, s.sign(value)...))
}

// read returns until when a session lasts, and whose it is; ok is false for one
// that is none, or has ended.
func (s *sessions) read(value string, now time.Time) (until time.Time, id [sessionID]byte, ok bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(value)
	if err != nil || len(raw) != sessionSize {
		return time.Time{}, id, false
	}
	head := raw[:sessionTime+sessionID]
	if !hmac.Equal(raw[len(head):], s.sign(head)) {
		return time.Time{}, id, false
	}
	until = time.Unix(int64(binary.BigEndian.Uint64(head)), 0)
	id = [sessionID]byte(head[sessionTime:])
	return until, id, now.Before(until) && !s.ended.has(id)
}

// of returns the session of a request; ok is false where it has none.
func (s *sessions) of(r *http.Request, secure bool) (until time.Time, id [sessionID]byte, ok bool) {
	if s == nil {
		return time.Time{}, id, false
	}
	cookie, err := r.Cookie(cookieName(secure))
	if err != nil {
		return time.Time{}, id, false
	}
	return s.read(cookie.Value, time.Now())
}

func cookieName(secure bool) string {
	if secure {
		return hostPrefix + sessionCookie
	}
	return sessionCookie
}

// give has a browser keep a session; an empty one has it forget its own.
func give(w http.ResponseWriter, value string, secure bool) {
	cookie := http.Cookie{ //nolint:gosec // It is Secure where the browser came by https, else it would not be kept.
		Name: cookieName(secure), Value: value, Path: "/", MaxAge: int(sessionLife / time.Second),
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: secure,
	}
	if value == "" {
		cookie.MaxAge = -1
	}
	http.SetCookie(w, &cookie)
}

// renew gives a browser that reads a page more time, when a day has passed. It is
// the same session: to log out ends it with all copies, also where the page of
// another tab is answered only then.
func (s *sessions) renew(w http.ResponseWriter, id [sessionID]byte, until time.Time, secure bool) {
	if now := time.Now(); until.Sub(now) < sessionLife-sessionRenew {
		give(w, s.issue(id, now.Add(sessionLife)), secure)
	}
}

// login takes the token from a form and leads to the page that was asked for, or
// back to the form, which says why.
func (s *sessions) login(w http.ResponseWriter, r *http.Request, secure bool) {
	w.Header().Set("Cache-Control", "no-store")
	r.Body = http.MaxBytesReader(w, r.Body, maxLoginBytes)
	if err := r.ParseForm(); err != nil {
		writeProblem(w, r, http.StatusBadRequest, "the form cannot be read")
		return
	}
	next := LocalPath(r.PostFormValue("next"))
	again := func(problem string) {
		query := url.Values{"problem": {problem}, "next": {next}}
		http.Redirect(w, r, loginPath+"?"+query.Encode(), http.StatusSeeOther)
	}
	addr := remote(r)
	if !s.tries.allow(addr, time.Now()) {
		again("wait")
		return
	}
	sum := sha256.Sum256([]byte(strings.TrimSpace(r.PostFormValue("token"))))
	if subtle.ConstantTimeCompare(sum[:], s.token[:]) != 1 {
		s.tries.miss(addr, time.Now())
		s.log.Warn("login with a wrong token", "addr", addr)
		again("wrong")
		return
	}
	give(w, s.issue(newSessionID(), time.Now().Add(sessionLife)), secure)
	http.Redirect(w, r, next, http.StatusSeeOther)
}

// logout ends the session of a request, also for whoever has a copy of it.
func (s *sessions) logout(w http.ResponseWriter, r *http.Request, secure bool) {
	if _, id, ok := s.of(r, secure); ok {
		// A copy of it may have been renewed a moment ago.
		now := time.Now()
		s.ended.add(id, now.Add(sessionLife), now)
	}
	give(w, "", secure)
	w.Header().Set("Cache-Control", "no-store")
	// What the browser keeps of the pages goes too.
	w.Header().Set("Clear-Site-Data", `"cache"`)
	http.Redirect(w, r, loginPath, http.StatusSeeOther)
}

// LocalPath is path where it leads to a page of this server, and "/" where it may
// lead elsewhere: browsers take // and /\ for the begin of another host, and
// leave control characters out.
func LocalPath(path string) string {
	u, err := url.Parse(path)
	if err != nil || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(path, "/") || len(path) > 1 && (path[1] == '/' || path[1] == '\\') {
		return "/"
	}
	return path
}
