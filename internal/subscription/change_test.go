package subscription_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/pollwire/pollwire/internal/subscription"
)

// TestRulesCanBeChanged: what is asked for from then on is judged by the new ones,
// and what there is stays.
func TestRulesCanBeChanged(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	old := b.mustAdd(t, subscription.Request{URL: hook, Sources: []string{"orders", "prices"}})
	b.mustAdd(t, subscription.Request{URL: hook, Sources: []string{"prices"}})
	strict := &receivers{answers: func(string) string { return "no" }}
	to := subscription.Rules{Receivers: strict, Verify: true, Sources: []string{"sales", "prices"}}
	var told []subscription.Endpoint
	sick := errors.New("the disk is full")
	apply := func(err error) func(context.Context, []subscription.Endpoint) error {
		return func(_ context.Context, all []subscription.Endpoint) error {
			told = all
			return err
		}
	}
	renamed := map[string]string{"sales": "orders"}
	if err := b.Change(t.Context(), to, renamed, apply(sick)); !errors.Is(err, sick) {
		t.Fatalf("error %v", err)
	}
	if got, _ := b.Get(old.ID); !slices.Equal(got.Sources, []string{"orders", "prices"}) {
		t.Errorf("after an error its sources are %v", got.Sources)
	}
	b.mustAdd(t, subscription.Request{URL: hook, Sources: []string{"orders"}}) // by the old rules
	if err := b.Change(t.Context(), to, renamed, apply(nil)); err != nil {
		t.Fatal(err)
	}
	if got, _ := b.Get(old.ID); !slices.Equal(got.Sources, []string{"prices", "sales"}) {
		t.Errorf("its sources are %v", got.Sources)
	}
	var sources [][]string
	for _, e := range told {
		sources = append(sources, e.Sources)
	}
	slices.SortFunc(sources, slices.Compare)
	if want := [][]string{{"prices"}, {"prices", "sales"}, {"sales"}}; !slices.EqualFunc(sources, want, slices.Equal) {
		t.Errorf("applied %v", sources)
	}
	var invalid *subscription.Invalid
	if _, err := b.Add(t.Context(), subscription.Request{URL: hook, Sources: []string{"orders"}}); !errors.As(err, &invalid) {
		t.Errorf("a source that is gone: %v", err)
	}
	if _, err := b.Add(t.Context(), subscription.Request{URL: hook + "2", Sources: []string{"sales"}}); !errors.As(err, &invalid) || len(strict.challenged) != 1 {
		t.Errorf("a receiver that does not echo: %v", err)
	}
	// What was asked for under the older name is found under the new one.
	if again, err := b.Add(t.Context(), subscription.Request{URL: hook, Sources: []string{"sales"}}); err != nil || again.Created {
		t.Errorf("asked again: %+v, %v", again, err)
	}
}
