package dashboard

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/pollwire/pollwire/internal/server"
)

const (
	// flashCookie carries what an action came to, to the page that comes next.
	flashCookie = "pollwire_flash"
	// maxFlash bounds a message, in bytes; a cookie holds 4096.
	maxFlash = 1000
	// maxFormBytes bounds what a form sends.
	maxFormBytes = 64 << 10
)

// flash is a message that is shown once.
type flash struct {
	Message string `json:"m"`
	Bad     bool   `json:"b,omitempty"`
}

// act answers a form: it does what the form asks for, and leads to a page that
// says what came of it.
func (h *Handler) act(a action) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxFormBytes)
		if err := r.ParseForm(); err != nil {
			h.problem(w, r, http.StatusBadRequest, "The form cannot be read.")
			return
		}
		came, err := a.do(h, r)
		if err != nil {
			_, words := h.say(r, err)
			came = &done{Message: words, Bad: true}
		}
		to := came.To
		if to == "" {
			to = server.LocalPath(r.PostFormValue("back"))
		}
		leaveFlash(w, r, flash{came.Message, came.Bad})
		http.Redirect(w, r, to, http.StatusSeeOther) //nolint:gosec // LocalPath leads nowhere else.
	}
}

// leaveFlash leaves a message for the next page.
func leaveFlash(w http.ResponseWriter, r *http.Request, f flash) {
	if len(f.Message) > maxFlash {
		f.Message = strings.ToValidUTF8(f.Message[:maxFlash], "") + "…"
	}
	value, err := json.Marshal(f)
	if err != nil {
		return // A string and a bool can always be encoded.
	}
	setFlash(w, r, base64.RawURLEncoding.EncodeToString(value), 60)
}

// setFlash sets the cookie of messages for so many seconds.
func setFlash(w http.ResponseWriter, r *http.Request, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // It is Secure where the browser came by https, else it would not be kept.
		Name: flashCookie, Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: server.IsSecure(r),
	})
}

// takeFlash returns the message that was left, and removes it; nil where none
// was. What a page of another tab asks for to stay live takes none.
func takeFlash(w http.ResponseWriter, r *http.Request) *flash {
	cookie, err := r.Cookie(flashCookie)
	if err != nil || isRefresh(r) {
		return nil
	}
	setFlash(w, r, "", -1)
	var f flash
	value, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	if err != nil || json.Unmarshal(value, &f) != nil || f.Message == "" {
		return nil
	}
	return &f
}
