package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pollwire/pollwire/internal/cluster"
)

// parish are the tenants of a tenancy in a test: it writes down what is asked of
// them, in order.
type parish struct {
	mu   sync.Mutex
	said []string
	// fails is what fails, as it is written down.
	fails string
}

var errParish = errors.New("not now")

func (p *parish) say(what string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.said = append(p.said, what)
	if p.fails != "" && strings.HasPrefix(what, p.fails) {
		return errParish
	}
	return nil
}

type parishioner struct {
	*parish
	name string
}

func (p parishioner) Adopt(_ context.Context, names []string) error {
	return p.say(fmt.Sprint("adopt ", p.name, names))
}

func (p parishioner) Release(_ context.Context, names []string) error {
	return p.say(fmt.Sprint("release ", p.name, names))
}

type obtainer struct{ parishioner }

func (o obtainer) Adopt(names []string) { _ = o.parishioner.Adopt(context.Background(), names) }

type observer struct{ parishioner }

func (o observer) SaveFailures(_ context.Context, names []string) error {
	return o.say(fmt.Sprint("save failures", names))
}

func (o observer) Release(names []string) { _ = o.parishioner.Release(context.Background(), names) }

type firer struct{ parishioner }

func (f firer) Adopt(names []string, next map[string]time.Time) {
	_ = f.say(fmt.Sprint("adopt schedule", names, len(next)))
}

func (p *parish) tenancy() *tenancy {
	return &tenancy{
		limits: parishioner{p, "limits"}, tokens: obtainer{parishioner{p, "tokens"}}, endpoints: parishioner{p, "endpoints"},
		sources: observer{parishioner{p, "sources"}}, scheduler: firer{parishioner{p, "schedule"}},
		nextRuns: func(_ context.Context, sources ...string) (map[string]time.Time, error) {
			return map[string]time.Time{sources[0]: time.Now()}, p.say(fmt.Sprint("next runs", sources))
		},
		begin:  func(source string) { _ = p.say("begin " + source) },
		end:    func(source string) { _ = p.say("end " + source) },
		logger: slog.New(slog.DiscardHandler),
	}
}

var parishGroups = []cluster.Group{
	{Key: "limit/x", Resources: []string{"limit/x", "source/a", "source/b", "token/1"}},
	{Key: "endpoint/e", Resources: []string{"endpoint/e"}},
	{Key: "task/prune", Resources: []string{"task/prune"}},
}

// TestTenancyOrder: what others stand on begins first and ends last.
func TestTenancyOrder(t *testing.T) {
	t.Parallel()
	p := &parish{}
	if err := p.tenancy().adopt(t.Context(), parishGroups); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"adopt limits[x source/a source/b]", "adopt tokens[1]", "adopt sources[a b]", "begin a", "begin b", "next runs[a b]",
		"adopt schedule[a b] 1", "adopt endpoints[e]",
	}
	if d := cmp.Diff(want, p.said); d != "" {
		t.Errorf("adopted (-want +got):\n%s", d)
	}
	p.said = nil
	p.tenancy().release(t.Context(), parishGroups, false)
	p.said = slices.DeleteFunc(p.said, func(s string) bool { return s == "release endpoints[e]" }) // beside the sources
	want = []string{"release schedule[a b]", "save failures[a b]", "release sources[a b]", "end a", "end b", "release tokens[1]", "release limits[x source/a source/b]"}
	if d := cmp.Diff(want, p.said); d != "" {
		t.Errorf("released (-want +got):\n%s", d)
	}
	p.said = nil
	p.tenancy().release(t.Context(), parishGroups, true)
	if slices.Contains(p.said, "save failures[a b]") {
		t.Error("what failed is saved of sources that are another node's by now")
	}
}

// TestTenancyAsksNobodyForNothing: a task is nothing that a part has to be told of.
func TestTenancyAsksNobodyForNothing(t *testing.T) {
	t.Parallel()
	p := &parish{}
	if err := p.tenancy().adopt(t.Context(), parishGroups[2:]); err != nil {
		t.Fatal(err)
	}
	p.tenancy().release(t.Context(), parishGroups[2:], true)
	if p.said != nil {
		t.Errorf("asked: %q", p.said)
	}
}

// TestTenancyFails: nothing begins on top of what could not, and everything is
// released whatever fails.
func TestTenancyFails(t *testing.T) {
	t.Parallel()
	for fails, last := range map[string]string{
		"adopt limits": "adopt limits[x source/a source/b]", "adopt sources": "adopt sources[a b]",
		"next runs": "next runs[a b]", "adopt endpoints": "adopt endpoints[e]",
	} {
		p := &parish{fails: fails}
		if err := p.tenancy().adopt(t.Context(), parishGroups); !errors.Is(err, errParish) {
			t.Errorf("%s: %v", fails, err)
		}
		if got := p.said[len(p.said)-1]; got != last {
			t.Errorf("%s fails, and the last that was asked is %s", fails, got)
		}
	}
	p := &parish{fails: "release"}
	p.tenancy().release(t.Context(), parishGroups, false)
	if len(p.said) != 7 {
		t.Errorf("released: %q", p.said)
	}
}
