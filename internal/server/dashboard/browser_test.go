package dashboard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/pollwire/pollwire/internal/server"
)

// pagePatience is how long a browser may take for one thing, on a machine that has much
// else to do.
const pagePatience = 3 * time.Minute

// chromium starts one browser for all tests, which TestMain ends.
var chromium = sync.OnceValues(startChromium)

// stopChromium is what TestMain has to do.
var stopChromium = func() {}

func TestMain(m *testing.M) {
	code := m.Run()
	stopChromium()
	os.Exit(code)
}

var errNoBrowser = errors.New("no Chromium found; .ci/prepare installs one")

func startChromium() (context.Context, error) {
	var path string
	for _, name := range []string{"chromium-headless-shell", "headless_shell", "chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		return nil, errNoBrowser
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.Flag("disable-component-update", true), chromedp.Flag("force-color-profile", "srgb"),
		chromedp.Flag("hide-scrollbars", true), chromedp.WSURLReadTimeout(pagePatience))
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	// It outlives the test that asks for it first.
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	browser, quit := chromedp.NewContext(allocator)
	stopChromium = func() { quit(); stop() }
	if err := chromedp.Do(browser); err != nil {
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	return browser, nil
}

// serve runs a server with the dashboard of f until the test ends, and returns
// its address.
func serve(t *testing.T, f *fake, change ...func(*server.Options)) string {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	options := server.Options{
		Listen: "127.0.0.1:0", Controller: f, Logger: log,
		Dashboard: New(Options{Controller: f, LastReload: f.LastReload, Version: "v0.9.0", Logger: log}),
	}
	for _, c := range change {
		c(&options)
	}
	s := server.New(options)
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// The test's own context has ended by now.
		if err := s.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return "http://" + s.Addr()
}

// tab is a tab of a browser that knows nothing from before.
type tab struct {
	t    *testing.T
	ctx  context.Context
	base string

	mu sync.Mutex
	// complaints are errors of scripts and of the browser, such as what the
	// content security policy forbids.
	complaints []string
	// forgiven is a word of complaints that are expected; empty for none.
	forgiven string
}

// browse opens a tab for the pages of a server. Whatever a page complains about
// fails the test.
func browse(t *testing.T, base string) *tab {
	t.Helper()
	parent, err := chromium()
	if errors.Is(err, errNoBrowser) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := chromedp.NewContext(parent, chromedp.WithNewBrowserContext())
	b := &tab{t: t, ctx: ctx, base: base}
	if err := chromedp.Listen(ctx, b.listen); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, complaint := range b.complaints {
			t.Errorf("the page complains: %s", complaint)
		}
	})
	// All tabs are of one window: without this, one of them would have the focus.
	command(b, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	b.look("light", 1280)
	return b
}

func (b *tab) listen(event any) {
	var complaint string
	switch event := event.(type) {
	case *runtime.EventExceptionThrown:
		complaint = event.ExceptionDetails.Text
		if thrown := event.ExceptionDetails.Exception; thrown != nil {
			complaint += ": " + thrown.Description
		}
	case *cdplog.EventEntryAdded:
		if event.Entry.Level == cdplog.EntryLevelError {
			complaint = event.Entry.Text + " " + event.Entry.URL
		}
	}
	if complaint != "" {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.forgiven != "" && strings.Contains(complaint, b.forgiven) {
			return
		}
		b.complaints = append(b.complaints, complaint)
	}
}

// forgive lets complaints pass that have a word in them.
func (b *tab) forgive(word string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.forgiven = word
}

// do does things in the page.
func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, pagePatience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.t.Fatalf("browser: %v", err)
	}
}

// get is what an action finds in the page.
func get[T any](b *tab, action chromedp.Action[T]) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, pagePatience)
	defer cancel()
	value, err := chromedp.Run(ctx, action)
	if err != nil {
		b.t.Fatalf("browser: %v", err)
	}
	return value
}

// command sends the browser a command of its protocol.
func command[P, R any](b *tab, cmd cdp.Command[P, R], params P) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, cmd, params); err != nil {
		b.t.Fatalf("browser: %v", err)
	}
}

// look sets the colour scheme, light or dark, and the width of the screen.
func (b *tab) look(scheme string, width int64) {
	b.t.Helper()
	command(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: width, Height: 900, DeviceScaleFactor: 1, Mobile: width < 500,
	})
	command(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme},
		{Name: "prefers-reduced-motion", Value: "reduce"},
	}})
}

// visit opens a page of the server.
func (b *tab) visit(path string) {
	b.t.Helper()
	b.do(chromedp.Navigate(b.base + path))
}

// click clicks the first element that a CSS selector finds, does the rest, and
// waits for the page that this leads to.
func (b *tab) click(selector string, rest ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, pagePatience)
	defer cancel()
	if _, err := chromedp.RunResponse(ctx, append([]chromedp.Action[chromedp.Void]{clicking(selector)}, rest...)...); err != nil {
		b.t.Fatalf("click %s: %v; %s", selector, err, b.state())
	}
}

// state says where the page is, for what was awaited and did not come.
func (b *tab) state() string {
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	state, err := chromedp.Run(ctx, chromedp.Evaluate[string](`location.href + ", " + document.readyState + ", " +
		document.visibilityState + (document.hasFocus() ? ", with" : ", without") + " the focus on " + document.activeElement.outerHTML.slice(0, 200)`))
	if err != nil {
		return fmt.Sprintf("the page does not answer: %v", err)
	}
	return "the page is " + state
}

// evaluate is the value of an expression of JavaScript, a promise's own.
func evaluate[T any](b *tab, expression string) T {
	b.t.Helper()
	return get(b, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// text is the visible text of the first element that a CSS selector finds.
func (b *tab) text(selector string) string {
	b.t.Helper()
	return get(b, chromedp.Text(chromedp.CSS(selector)))
}

// path is the path and the query of the page.
func (b *tab) path() string {
	b.t.Helper()
	return evaluate[string](b, "location.pathname + location.search")
}

// until waits until an expression of JavaScript is true.
func (b *tab) until(expression string) {
	b.t.Helper()
	get(b, chromedp.Poll[bool](expression, chromedp.WithPollingInterval(20*time.Millisecond), chromedp.WithPollingTimeout(pagePatience)))
}

// screenshot keeps a picture of the whole page: in $POLLWIRE_SCREENSHOTS, or
// where go test -artifacts keeps what tests make.
func (b *tab) screenshot(name string) {
	b.t.Helper()
	dir := os.Getenv("POLLWIRE_SCREENSHOTS")
	if dir == "" {
		dir = b.t.ArtifactDir()
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		b.t.Fatal(err)
	}
	picture := get(b, chromedp.FullScreenshot(100))
	if err := os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// axe fails the test for each rule of axe-core that the page breaks.
func (b *tab) axe() {
	b.t.Helper()
	source, err := os.ReadFile(filepath.Join("testdata", "browser", "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		b.t.Skip("axe-core is not installed; .ci/prepare does that")
	}
	b.do(chromedp.Evaluate[chromedp.Void](string(source)))
	found := evaluate[string](b, `axe.run(document, {resultTypes: ["violations"]}).then((r) => JSON.stringify(r.violations.map(
		(v) => ({rule: v.id, help: v.help, nodes: v.nodes.map((n) => n.html.slice(0, 200) + " " + n.failureSummary)}))))`)
	var violations []struct {
		Rule, Help string
		Nodes      []string
	}
	if err := json.Unmarshal([]byte(found), &violations); err != nil {
		b.t.Fatal(err)
	}
	for _, v := range violations {
		b.t.Errorf("%s: axe-core: %s (%s): %s", b.path(), v.Help, v.Rule, strings.Join(v.Nodes, "\n"))
	}
}

// judge looks at a page light and dark, wide and narrow: nothing may stick out,
// and a picture of each is kept. axe-core, which takes the time, may find nothing
// on each colour and each width once.
func (b *tab) judge(path, name string) {
	b.t.Helper()
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{1280, 390} {
			b.look(scheme, width)
			b.visit(path)
			if over := evaluate[int64](b, "document.documentElement.scrollWidth"); over > width {
				b.t.Errorf("%s sticks out: it is %d wide on a screen of %d", path, over, width)
			}
			if cut := evaluate[bool](b, `(() => {
				const entry = document.querySelector(".side nav [aria-current]")?.getBoundingClientRect();
				return entry !== undefined && (entry.left < 0 || entry.right > innerWidth);
			})()`); cut {
				b.t.Errorf("%s, %d wide: its entry of the navigation is out of sight", path, width)
			}
			if (scheme == "light") == (width == 1280) {
				b.axe()
			}
			b.screenshot(fmt.Sprintf("%s-%s-%d", name, scheme, width))
		}
	}
	b.look("light", 1280)
}

// typing types into a field.
func typing(selector, text string) []chromedp.Action[chromedp.Void] {
	return []chromedp.Action[chromedp.Void]{chromedp.SendKeys(chromedp.CSS(selector), text)}
}

// press types into whatever has the focus, and waits for the page that the keys
// lead to.
func (b *tab) press(keys string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, pagePatience)
	defer cancel()
	if _, err := chromedp.RunResponse(ctx, chromedp.KeyEvent(keys)); err != nil {
		b.t.Fatalf("press %q: %v; %s", keys, err, b.state())
	}
}

// search presses the key that leads to the search, as a keyboard does: what it would
// type into the field is left out where the page has taken the key for itself, which
// holds for raw keys only.
func (b *tab) search(field string) {
	b.t.Helper()
	b.do(chromedp.KeyEvent("/", func(key *input.DispatchKeyEventParams) {
		if key.Type == kb.KeyDown {
			key.Type = kb.KeyRawDown
		}
	}))
	b.until(fmt.Sprintf("document.activeElement.matches(%q)", field))
	if typed := evaluate[string](b, "document.activeElement.value"); typed != "" {
		b.t.Errorf("the key for the search types %q", typed)
	}
}

// show shows a token to the page that asks for it. That gives its field the focus
// by itself, some time after it was loaded.
func (b *tab) show(token string) {
	b.t.Helper()
	b.do(chromedp.WaitReady(chromedp.CSS("#token:focus")))
	b.press(token + kb.Enter)
}

// listening waits until the page hears of what happens from now on.
func (b *tab) listening() {
	b.t.Helper()
	b.do(chromedp.WaitReady(chromedp.CSS("#live[data-heard]")))
}

// clicking clicks what leads to no other page.
func clicking(selector string) chromedp.Action[chromedp.Void] {
	return chromedp.Click(chromedp.CSS(selector))
}
