package recipe_test

import (
	"flag"
	"maps"
	"net/http"
	"testing"
)

// update writes the examples of the guide anew.
var update = flag.Bool("update", false, "write the examples in testdata anew")

// trial is what a recipe has to stand: a daemon that has nothing but it polls a
// fake of the API, on a clock of its own, and tells a receiver.
type trial struct {
	// set are the values of the recipe's settings.
	set map[string]string
	// hosts are the fakes, by host: api.stripe.com.
	hosts map[string]http.Handler
	// dull changes what detect.ignore names, and is no change at all: it is not even
	// in the log; nil where the API has nothing of the kind.
	dull func()
	// untold are changes that are in the log, but of which when tells nobody; nil
	// where change alone shows what when is for.
	untold func()
	// change is one that is told, as told says: TYPE SUBJECT, in any order. The
	// webhook of the first line is the example of the guide.
	change func()
	told   []string
	// changed are the members that changed of what is told, by TYPE SUBJECT. They show
	// what detect.keys is for: of a list in which one stands for another, or is new
	// before one that has changed, it says that /assets/0 is another, where a diff
	// without it finds the most that is alike, and says that /assets/0/id has changed.
	changed map[string]string
	// sick are answers that are no observation. After each the API is well again.
	sick []sickness
}

// sickness is a state of an API in which nothing is to be seen.
type sickness struct {
	name string
	// begin makes the API sick, and end heals it.
	begin, end func()
	// reason is a part of what the log says why the poll failed.
	reason string
	// blind says that no source is told what is wrong by a status code, and each has
	// to see it.
	blind bool
}

// try runs a recipe through its trial: the first look is silent and whole, what is
// dull is no change, a change is told once, and no sickness is a change.
func try(t *testing.T, name string, tr trial) {
	t.Helper()
	inWorld(t, name, tr, func(t *testing.T, w *world) {
		w.round()
		w.wantTold(t, "the first look")
		w.wantFailures(t, "the first look", "")
		if tr.dull != nil {
			w.log.takeChanges()
			tr.dull()
			w.round()
			w.wantTold(t, "a dull change")
			w.wantFailures(t, "a dull change", "")
			if changes := w.log.takeChanges(); len(changes) > 0 {
				t.Errorf("what is dull is in the log: %s", changes)
			}
		}
		if tr.untold != nil {
			w.log.takeChanges()
			tr.untold()
			w.round()
			w.wantTold(t, "a change that when tells nobody")
			w.wantFailures(t, "a change that when tells nobody", "")
			if len(w.log.takeChanges()) == 0 {
				t.Error("what when tells nobody is no change: it belongs to dull")
			}
		}
		tr.change()
		w.round()
		w.example(t, name, tr.told[0])
		w.wantChanged(t, tr.changed)
		w.wantTold(t, "the change", tr.told...)
		w.wantFailures(t, "the change", "")
		w.round()
		w.wantTold(t, "no further change")
		for _, s := range tr.sick {
			s.begin()
			w.sicken()
			w.wantTold(t, s.name)
			if s.blind {
				w.wantAllFailed(t, s.name)
			}
			w.wantFailures(t, s.name, s.reason)
			s.end()
			w.settle()
			w.wantTold(t, "well again after "+s.name)
			w.wantFailures(t, "well again after "+s.name, "")
		}
		w.wantBlind(t)
	})
}

// strangers are answers with the code 200 that no API gives, but what stands before
// it: a page for people, a notice, a service with another answer, and a proxy with none.
var strangers = map[string]answer{
	"a page in place of the API": {status: http.StatusOK, header: http.Header{"Content-Type": {"text/html"}}, body: "<!DOCTYPE html><title>Log in</title>"},
	"a notice":                   {status: http.StatusOK, header: http.Header{"Content-Type": {"text/plain"}}, body: "Down for maintenance.\nvery sorry\n"},
	"an error in XML":            {status: http.StatusOK, header: http.Header{"Content-Type": {"application/xml"}}, body: "<Error><Code>SlowDown</Code></Error>"},
	"an error in JSON":           {status: http.StatusOK, body: `{"error":{"code":503,"message":"Down for maintenance."}}`},
	"an empty object":            {status: http.StatusOK, body: "{}"},
	"an answer of nothing":       {status: http.StatusOK},
}

// wantBlind wants the polls of every source to fail that are answered by a stranger.
func (w *world) wantBlind(t *testing.T) {
	t.Helper()
	for name, a := range strangers {
		w.mu.Lock()
		for host := range w.hosts {
			if host != receiverHost {
				w.hosts[host] = http.HandlerFunc(a.write)
			}
		}
		w.mu.Unlock()
		w.log.take()
		w.sicken()
		w.wantTold(t, name)
		w.wantAllFailed(t, name)
	}
}

// wantAllFailed wants a poll of every source to have failed since the failures were
// last taken.
func (w *world) wantAllFailed(t *testing.T, when string) {
	t.Helper()
	for _, source := range w.sources {
		if !w.log.hasFailed(source) {
			t.Errorf("%s: no poll of %s failed", when, source)
		}
	}
}

// tryDenied runs a recipe with a credential that is refused: every poll fails for
// a reason, and nothing is told.
func tryDenied(t *testing.T, name string, tr trial, secret, wrong, reason string) {
	t.Helper()
	tr.set = maps.Clone(tr.set)
	tr.set[secret] = wrong
	inWorld(t, name, tr, func(t *testing.T, w *world) {
		w.round()
		w.wantTold(t, "a wrong "+secret)
		w.wantFailures(t, "a wrong "+secret, reason)
	})
}
