package dashboard

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/pollwire/pollwire/internal/server"
)

func withToken(o *server.Options) { o.Token = "the token" }

func TestLoginLooksWell(t *testing.T) {
	t.Parallel()
	b := browse(t, serve(t, newFake(), withToken))
	b.judge("/login", "login")
	b.judge("/login?problem=wrong", "login-wrong")
}

// TestLoginLeadsBack goes the whole way of a reader with nothing but a keyboard:
// a link to a page, the wrong token, the right one, a live page, logging out.
func TestLoginLeadsBack(t *testing.T) {
	t.Parallel()
	f := newFake()
	b := browse(t, serve(t, f, withToken))
	b.visit("/sources?q=orders")
	if got := b.path(); !strings.HasPrefix(got, "/login?") {
		t.Fatalf("without a session: %s", got)
	}
	b.show("wrong")
	if got := b.text("#problem"); !strings.Contains(got, "not the token") {
		t.Errorf("a wrong token: %s", got)
	}
	b.show("the token")
	if got := b.path(); got != "/sources?q=orders" {
		t.Fatalf("the token leads to %s", got)
	}
	b.visit("/")
	b.listening()
	f.happen(f.changed(0, "orders", "shop.order", "created", "fresh-item", "null", `{"id":1}`))
	b.until(`document.querySelector("#lately").textContent.includes("fresh-item")`)
	b.click(`form[action="/logout"] button`)
	b.visit("/")
	if got := b.path(); got != "/login?next=%2F" {
		t.Errorf("after the end of the session: %s", got)
	}
}

// TestLinkFromAnotherSiteFindsTheSession: SameSite=Strict keeps the cookie from
// the request that another site makes, but not from the reader.
func TestLinkFromAnotherSiteFindsTheSession(t *testing.T) {
	t.Parallel()
	base := serve(t, newFake(), withToken)
	b := browse(t, base)
	b.visit("/login")
	b.show("the token")
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<!doctype html><link rel="icon" href="data:,"><a href="%s/sources">look</a>`, base)
	}))
	t.Cleanup(elsewhere.Close)
	b.do(chromedp.Navigate(strings.Replace(elsewhere.URL, "127.0.0.1", "localhost", 1)))
	b.click("a")
	b.do(chromedp.WaitVisible(chromedp.CSS("#sources tbody")))
	if got := b.path(); got != "/sources" {
		t.Errorf("the link leads to %s", got)
	}
}
