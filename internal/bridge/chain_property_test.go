package bridge

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/notify"
)

// TestChainHolds lets a list evolve in random ways while much goes wrong, and
// rebuilds it from the log: whatever was accepted is there, in one chain for
// each key and without gaps in the sequence, told or not.
func TestChainHolds(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Source){
		"complete":          func(*Source) {},
		"newest":            func(s *Source) { s.Window = Newest },
		"complete filtered": func(s *Source) { *s = filtered(*s, oddOnes) },
		"seen filtered":     func(s *Source) { s.Seen = true; *s = filtered(*s, oddOnes) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			rapid.Check(t, func(t *rapid.T) {
				own, err := os.MkdirTemp(dir, "")
				if err != nil {
					t.Fatal(err)
				}
				e := newEvolution(t, own, change)
				actions := e.actions(t)
				actions["doubtful poll"] = func(t *rapid.T) { e.doubtfulPoll(t) }
				actions["restart"] = func(*rapid.T) { e.restart() }
				actions["edit rules"] = e.editRules
				actions["edit events"] = func(t *rapid.T) {
					e.source.Events = rapid.SliceOfDistinct(rapid.SampledFrom(list().Events), rapid.ID[diff.Kind]).Draw(t, "events")
					e.restart()
				}
				t.Repeat(actions)
				e.settle()
			})
		})
	}
}

// actions are what happens to every evolution; commits are made to fail on the way.
func (e *evolution) actions(t *rapid.T) map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"":       func(*rapid.T) { e.check() },
		"poll":   func(*rapid.T) { _ = e.poll() },
		"change": e.change,
		"observed change": func(t *rapid.T) {
			for range rapid.IntRange(1, 3).Draw(t, "changes") {
				e.change(t)
			}
			_ = e.poll()
		},
		"go back": func(*rapid.T) { // up, down, up
			e.now = slices.Clone(e.past)
			_ = e.poll()
		},
		"bad answer":      e.badAnswer,
		"failed poll":     func(*rapid.T) { e.bridge.Fail(t.Context(), "shop", errors.New("no")) },
		"broken commit":   func(t *rapid.T) { e.store.before = rapid.IntRange(1, 2).Draw(t, "times") },
		"doubtful commit": func(t *rapid.T) { e.store.after = rapid.IntRange(1, 2).Draw(t, "times") },
	}
}

// evolution is a list that changes, and what the log said of it so far.
type evolution struct {
	*rig
	// now is the list, seenLast what was polled last, past what was before it.
	now, seenLast, past []member
	began               bool
	last                string // the body that was polled last
	// skipped are the items that the next answer lacks, though they are there.
	skipped map[int]bool
	// absent are the keys that the last answer lacked which was accepted and was
	// doubtful; shown are the ids in the last one that was polled, which was
	// accepted if clean is true.
	absent   map[string]bool
	shown    map[string]bool
	clean    bool
	sequence int64
	chain    map[string]*link
	// ignored are the members that the rules ignore.
	ignored []string
	// expected are the positions of what you are to be told.
	expected []int64
}

// member is an item of the list.
type member struct{ id, v, w, noise int }

// link is the end of an item's chain.
type link struct {
	value map[string]any
	hash  string
	// loose are the members that some rules have ignored since, so that nothing
	// was said of them; edited says that the rules were edited since, so that the
	// hash is of another part of the item.
	loose  map[string]bool
	edited bool
	gone   bool
}

// oddOnes is a filter that items leave and come back to.
const oddOnes = "item.v % 2 == 1 || item.id == 1"

func (e *evolution) passes(id, v int) bool {
	return e.source.Unfiltered == nil || v%2 == 1 || id == 1
}

func newEvolution(t *rapid.T, dir string, change func(*Source)) *evolution {
	s := list()
	s.MaxRemoved, s.FailureThreshold = MaxRemoved{Count: 1000}, 2
	s.Emit = rapid.Bool().Draw(t, "emit")
	s.When = when(`change != "updated" || item.w % 2 == 0`)
	change(&s)
	e := &evolution{
		rig: openRig(t, dir, s), chain: make(map[string]*link), ignored: []string{"noise"},
		absent: make(map[string]bool), shown: make(map[string]bool),
	}
	return e
}

// listed are the items that an answer shows.
func (e *evolution) listed() []member {
	return slices.DeleteFunc(slices.Clone(e.now), func(m member) bool { return e.skipped[m.id] })
}

// doubtfulPoll polls as pages by offset are, of which some items are skipped.
func (e *evolution) doubtfulPoll(t *rapid.T) {
	e.doubt, e.skipped = true, make(map[int]bool)
	for _, id := range rapid.SliceOfN(rapid.IntRange(1, 4), 0, 2).Draw(t, "skipped") {
		e.skipped[id] = true
	}
	_ = e.poll()
	e.doubt, e.skipped = false, nil
}

func (e *evolution) body() string {
	listed := e.listed()
	items := make([]string, len(listed))
	for i, m := range listed {
		items[i] = fmt.Sprintf(`{"id":%d,"v":%d,"w":%d,"noise":%d}`, m.id, m.v, m.w, m.noise)
	}
	return `{"data":[` + strings.Join(items, ",") + `]}`
}

// change makes one change of the list, which the next poll may see or not.
func (e *evolution) change(t *rapid.T) {
	n := len(e.now)
	i := 0
	if n > 0 {
		i = rapid.IntRange(0, n-1).Draw(t, "item")
	}
	switch kind := rapid.SampledFrom([]string{"create", "v", "w", "noise", "delete", "reorder"}).Draw(t, "kind"); {
	case n == 0 || kind == "create":
		id := rapid.IntRange(1, 4).Draw(t, "id")
		if !slices.ContainsFunc(e.now, func(m member) bool { return m.id == id }) {
			e.now = slices.Insert(e.now, i, member{id: id})
		}
	case kind == "v":
		e.now[i].v++
	case kind == "w":
		e.now[i].w++
	case kind == "noise":
		e.now[i].noise++
	case kind == "delete":
		e.now = slices.Delete(e.now, i, i+1)
	case kind == "reorder":
		e.now[0], e.now[i] = e.now[i], e.now[0]
	}
}

func (e *evolution) badAnswer(t *rapid.T) {
	if err := e.rig.poll(`{"data":[{"id":1},{"id":`); err == nil {
		t.Fatal("half an answer was accepted")
	}
}

func (e *evolution) editRules(t *rapid.T) {
	e.ignored = rapid.SliceOfDistinct(rapid.SampledFrom([]string{"noise", "v", "w"}), rapid.ID[string]).Draw(t, "ignored")
	if e.source.Unfiltered != nil {
		e.source = filtered(e.source, oddOnes, e.ignored...)
		e.ignored = append(slices.Clone(e.ignored), "noise")
	} else {
		e.source.Rules = rules(diff.Options{Items: &diff.Items{Path: "data", Key: []string{"id"}}, Ignore: e.ignored})
	}
	for _, l := range e.chain {
		l.edited = true
		l.loosen(e.ignored)
	}
	e.restart()
}

func (l *link) loosen(members []string) {
	for _, m := range members {
		l.loose[m] = true
	}
}

// poll lets the bridge see the list. When it says that it has, the log has all
// of it.
func (e *evolution) poll() error {
	if body := e.body(); body != e.last {
		e.last, e.past = body, e.seenLast
		e.seenLast = slices.Clone(e.now)
	}
	unsure := e.bridge.roster.Load().states["shop"].ahead
	err := e.rig.poll(e.last)
	e.check()
	if err == nil && !unsure {
		e.compare()
	}
	e.clean, e.shown = err == nil && !unsure, make(map[string]bool)
	for _, m := range e.listed() {
		e.shown[strconv.Itoa(m.id)] = true
	}
	return err
}

// check follows the log.
func (e *evolution) check() {
	if !e.began && e.row().Version > 0 {
		e.began = true
		if !e.source.Emit {
			e.baseline()
		}
	}
	for _, event := range e.news() {
		if event.Alert {
			if event.Sequence != 0 || event.Type == "pollwire.source.rebaselined" {
				e.t.Fatalf("alert %+v", event)
			}
			continue
		}
		if e.sequence++; event.Sequence != e.sequence {
			e.t.Fatalf("sequence %d where %d should be", event.Sequence, e.sequence)
		}
		if slices.Contains(e.source.Events, diff.Kind(dataOf(event).Change)) && wanted(dataOf(event)) {
			e.expected = append(e.expected, event.Position)
		}
		e.follow(event)
	}
	if row := e.row(); row.Sequence != e.sequence {
		e.t.Fatalf("the row says sequence %d, the log %d", row.Sequence, e.sequence)
	}
}

// wanted says in another way what when does.
func wanted(d payload) bool {
	var after struct{ W int }
	return d.Change != "updated" || json.Unmarshal(d.After, &after) == nil && after.W%2 == 0
}

// baseline takes what the first answer held as told.
func (e *evolution) baseline() {
	var answer struct{ Data []map[string]any }
	if err := json.Unmarshal([]byte(e.last), &answer); err != nil {
		e.t.Fatalf("%v", err)
	}
	for _, item := range answer.Data {
		if !e.passes(int(item["id"].(float64)), int(item["v"].(float64))) {
			continue
		}
		l := &link{value: item, loose: make(map[string]bool), edited: true}
		l.loosen(e.ignored)
		e.chain[fmt.Sprint(item["id"])] = l
	}
}

// follow checks one event against the chain of its key, and goes on from it.
func (e *evolution) follow(event notify.Event) {
	d := dataOf(event)
	l := e.chain[event.Subject]
	switch known := l != nil && !l.gone; {
	case d.Change == "created":
		if known || string(d.Before) != "null" || d.PreviousHash != "" {
			e.t.Fatalf("created what was known: %s", event.Data)
		}
	case !known:
		e.t.Fatalf("%s what was not known: %s", d.Change, event.Data)
	case !l.edited && d.PreviousHash != l.hash:
		e.t.Fatalf("previous_hash is not %s: %s", l.hash, event.Data)
	default:
		e.same("before of "+event.Subject, l, valueOf(e.t, d.Before))
	}
	if d.Change == "deleted" {
		if e.source.scrolls() || string(d.After) != "null" || d.Hash != "" {
			e.t.Fatalf("deleted: %s", event.Data)
		}
		if e.doubt && d.Reason != "filtered" && e.clean && e.shown[event.Subject] {
			e.t.Fatalf("deleted after one look: %s", event.Data)
		}
		delete(e.absent, event.Subject)
		l.gone = true
		return
	}
	next := &link{value: valueOf(e.t, d.After), hash: d.Hash, loose: make(map[string]bool)}
	next.loosen(e.ignored)
	e.chain[event.Subject] = next
}

func valueOf(t checker, raw json.RawMessage) (v map[string]any) {
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
	return v
}

// same checks a value against the end of a chain, but for what was ignored.
func (e *evolution) same(what string, l *link, got map[string]any) {
	e.t.Helper()
	for name, want := range l.value {
		if !l.loose[name] && !reflect.DeepEqual(want, got[name]) {
			e.t.Fatalf("%s: %s is %v, but was told as %v", what, name, got[name], want)
		}
	}
}

// compare rebuilds the list from the log.
func (e *evolution) compare() {
	listed := make(map[string]bool)
	there := make(map[string]bool)
	for _, m := range e.listed() {
		key := strconv.Itoa(m.id)
		if there[key] = true; !e.passes(m.id, m.v) {
			continue
		}
		listed[key] = true
		l := e.chain[key]
		if l == nil || l.gone {
			e.t.Fatalf("item %s was never told of", key)
		}
		e.same("item "+key, l, map[string]any{
			"id": float64(m.id), "v": float64(m.v), "w": float64(m.w), "noise": float64(m.noise),
		})
	}
	for key, l := range e.chain {
		switch waits := e.doubt && !there[key] && !e.absent[key]; {
		case e.source.scrolls() || l.gone || listed[key]:
			delete(e.absent, key)
		case waits:
			e.absent[key] = true
		default:
			e.t.Fatalf("item %s is gone, and that was not told", key)
		}
	}
}

// settle lets everything come right at last: two polls, since the first may
// only find out that the state it started from was not the last one.
func (e *evolution) settle() {
	e.store.before, e.store.after = 0, 0
	for range 2 {
		if err := e.poll(); err != nil {
			e.t.Fatalf("%v", err)
		}
	}
	if e.bridge.roster.Load().states["shop"].ahead {
		e.t.Fatalf("what the store holds is still in doubt")
	}
	if !slices.Equal(e.waiting("you"), e.expected) {
		e.t.Fatalf("you are to be told %v, not %v", e.waiting("you"), e.expected)
	}
	for _, position := range e.waiting("ops") {
		if event, err := e.store.Event(e.t.Context(), position); err != nil || !event.Alert {
			e.t.Fatalf("ops is to be told %+v, %v", event, err)
		}
	}
}
