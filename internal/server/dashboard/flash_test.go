package dashboard

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestMessageIsShownOnce follows a message through its cookie.
func TestMessageIsShownOnce(t *testing.T) {
	t.Parallel()
	left := httptest.NewRecorder()
	leaveFlash(left, httptest.NewRequest(http.MethodPost, "/", nil), flash{Message: strings.Repeat("ü", maxFlash), Bad: true})
	cookie := left.Result().Cookies()[0]
	if len(cookie.String()) > 4096 || !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode {
		t.Errorf("the cookie is %s", cookie)
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.AddCookie(cookie)
	shown := httptest.NewRecorder()
	got := takeFlash(shown, r)
	if got == nil || !got.Bad || !strings.HasPrefix(got.Message, "üü") || !strings.HasSuffix(got.Message, "…") || strings.ContainsRune(got.Message, '\uFFFD') {
		t.Fatalf("the message became %+v", got)
	}
	if removed := shown.Result().Cookies(); len(removed) != 1 || removed[0].MaxAge >= 0 {
		t.Errorf("the message stays: %v", removed)
	}
	r.Header.Set("X-Pollwire-Refresh", "1")
	if takeFlash(httptest.NewRecorder(), r) != nil {
		t.Error("a page that stays live took the message of another one")
	}
}

func TestMessageThatIsNoneIsDropped(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"", "%%", "bm8", "e30"} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.AddCookie(&http.Cookie{Name: flashCookie, Value: value})
		if got := takeFlash(httptest.NewRecorder(), r); got != nil {
			t.Errorf("%q became %+v", value, got)
		}
	}
}
