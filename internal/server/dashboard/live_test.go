package dashboard

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// TestRefreshLeavesTheReaderAlone: what is unfolded stays so, and the focus stays
// where it is, while the page around it changes.
func TestRefreshLeavesTheReaderAlone(t *testing.T) {
	t.Parallel()
	f := newFake()
	b := browse(t, serve(t, f))
	b.visit("/sources/orders")
	b.do(clicking("#polls summary"), chromedp.Focus(chromedp.CSS(`#timeline .event:nth-child(3) a`)))
	b.do(chromedp.Evaluate[chromedp.Void](`window.kept = document.querySelector("#polls details"), document.activeElement.dataset.kept = "yes"`))
	b.listening()
	for _, key := range []string{"fresh-1", "fresh-2"} {
		f.happen(f.changed(0, "orders", "shop.order", "created", key, "null", `{"id":1}`))
		b.until(`document.querySelector("#timeline").textContent.includes("` + key + `")`)
	}
	if !evaluate[bool](b, `window.kept.isConnected && window.kept.open`) {
		t.Error("the polls are folded again")
	}
	if got := evaluate[string](b, `document.activeElement.tagName`); got != "A" {
		t.Errorf("the focus is on %s", got)
	}
}

func TestLiveCanBeStopped(t *testing.T) {
	t.Parallel()
	f := newFake()
	b := browse(t, serve(t, f))
	b.visit("/")
	b.do(clicking("#live"))
	if got := evaluate[string](b, `document.getElementById("live").textContent + document.getElementById("live").ariaPressed`); got != "Not livefalse" {
		t.Errorf("stopped, it says %s", got)
	}
	f.happen(f.changed(0, "orders", "shop.order", "created", "fresh-item", "null", `{"id":1}`))
	b.do(clicking("#live"))
	b.until(`document.querySelector("#lately").textContent.includes("fresh-item")`)
}

// TestPageOfWhatIsGone: retention removes an event while somebody looks at it.
func TestPageOfWhatIsGone(t *testing.T) {
	t.Parallel()
	f := newFake()
	b := browse(t, serve(t, f))
	id := f.find("shop.order.created")
	b.visit("/events/" + id)
	b.listening()
	b.forgive("404")
	f.forget(id)
	f.happen(f.changed(0, "orders", "shop.order", "created", "fresh-item", "null", `{"id":1}`))
	b.until(`document.getElementById("live").textContent === "Gone"`)
}

// TestFormIsSentOnce, however often its button is pressed, and one that asks
// first only after a yes.
func TestFormIsSentOnce(t *testing.T) {
	t.Parallel()
	f := newFake()
	b := browse(t, serve(t, f, withSubscriptions(f)))
	b.visit("/endpoints/ops")
	if got := evaluate[string](b, `[1, 2].map(() => document.querySelector('form[action$="/replay"]').dispatchEvent(new Event("submit", {bubbles: true, cancelable: true}))).join()`); got != "true,false" {
		t.Errorf("sent: %s", got)
	}
	b.visit("/subscriptions")
	b.do(chromedp.Evaluate[chromedp.Void](`window.confirm = () => false`), clicking(`form[action$="/end"] button`))
	if got := evaluate[string](b, `location.pathname + document.querySelectorAll("form[data-sent]").length`); got != "/subscriptions0" || len(f.taken()) > 0 {
		t.Errorf("after a no: %s", got)
	}
	b.do(chromedp.Evaluate[chromedp.Void](`window.confirm = () => true`))
	b.click(`form[action$="/end"] button`)
	if got := f.taken(); len(got) != 1 {
		t.Errorf("after a yes: %v", got)
	}
}

// TestPageFindsThatItsSessionEnded while nobody looks at it.
func TestPageFindsThatItsSessionEnded(t *testing.T) {
	t.Parallel()
	f := newFake()
	b := browse(t, serve(t, f, withToken))
	b.visit("/")
	b.show("the token")
	b.listening()
	command(b, network.ClearBrowserCookies, cdp.Empty{})
	f.happen(f.changed(0, "orders", "shop.order", "created", "fresh-item", "null", `{"id":1}`))
	b.do(chromedp.WaitVisible(chromedp.CSS("#token")))
	if got := b.path(); got != "/login?next=%2F" {
		t.Errorf("it went to %s", got)
	}
}

// TestPagesWorkWithoutScripts searches, filters and steers.
func TestPagesWorkWithoutScripts(t *testing.T) {
	t.Parallel()
	f := newFake()
	b := browse(t, serve(t, f, withToken))
	command(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	b.visit("/sources?state=failing")
	b.show("the token")
	b.click(`input[type="search"]`, chromedp.SendKeys(chromedp.CSS(`input[type="search"]`), "stock\r"))
	b.click("a.main")
	b.click(`form[action$="/poll"] button`)
	if got := b.text(".flash"); got != "inventory-eu is polled now." || !slices.Equal(f.taken(), []string{"poll source/inventory-eu"}) {
		t.Errorf("it says %q", got)
	}
}

// TestKeyboardReachesEverything goes through a page by the tabulator: each link,
// button and field gets the focus, in the order of the page, and shows it.
func TestKeyboardReachesEverything(t *testing.T) {
	t.Parallel()
	b := browse(t, serve(t, newFake()))
	for _, path := range []string{"/", "/sources", "/sources/inventory-eu"} {
		b.visit(path)
		b.do(clicking("#live")) // so that nothing comes or goes meanwhile
		b.do(chromedp.Evaluate[chromedp.Void](`document.activeElement.blur(), document.body.tabIndex = -1, document.body.focus(), document.body.removeAttribute("tabindex")`))
		all := evaluate[int](b, `window.all = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, summary, [tabindex='0']")].filter((e) => e.checkVisibility()), all.length`)
		if all < 10 {
			t.Fatalf("%s has %d things to do", path, all)
		}
		for i := range all {
			b.do(chromedp.KeyEvent("\t"))
			if got := evaluate[int](b, `all.indexOf(document.activeElement)`); got != i {
				t.Fatalf("%s: the focus is on thing %d of %d, want %d: %s", path, got, all, i, evaluate[string](b, `document.activeElement.outerHTML.slice(0, 200)`))
			}
			if !evaluate[bool](b, `getComputedStyle(document.activeElement).outlineStyle !== "none"`) {
				t.Errorf("%s: nothing shows the focus of %s", path, evaluate[string](b, `document.activeElement.outerHTML.slice(0, 200)`))
			}
		}
	}
	b.visit("/sources")
	b.search("[name=q]")
	b.visit("/sources")
	b.do(chromedp.KeyEvent("\t"), chromedp.KeyEvent("\r"))
	if got := evaluate[string](b, `document.activeElement.id`); got != "main" {
		t.Errorf("the link to the content leads to %q", got)
	}
}

// TestWhatOthersSayIsText: an upstream, a receiver or whoever else cannot put
// anything into a page but words.
func TestWhatOthersSayIsText(t *testing.T) {
	t.Parallel()
	const hostile = `"'><script>alert(1)</script><img src=x onerror=alert(2)>`
	f := newFake()
	f.happen(f.changed(0, "orders", "shop.order", "created", hostile, "null", `{"id":1}`))
	f.alert(0, "pollwire.source.failing", "orders", hostile)
	for i := range f.sources {
		f.sources[i].Reason, f.sources[i].Request, f.sources[i].Limit = hostile, "GET https://example.com/"+hostile, hostile
		for j := range f.polls[f.sources[i].Name] {
			f.polls[f.sources[i].Name][j].Error = hostile
		}
	}
	f.endpoints[1].Reason = hostile
	for _, path := range []string{"/", "/sources", "/sources?q=%22%3E%3Cscript%3E", "/sources/orders", "/sources/fx-rates", "/login?next=/%22%3E%3Cscript%3E"} {
		page := body(t, ask(t, f, http.MethodGet, path, ""))
		for _, bad := range []string{"<script>", "<img src=x", `"'>`} {
			if strings.Contains(page, bad) {
				t.Errorf("%s has %q in it", path, bad)
			}
		}
	}
}
