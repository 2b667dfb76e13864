package bridge

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
	"pgregory.net/rapid"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/poller"
)

// detailed is a list whose items have details.
func detailed() Source {
	s := list()
	items := &diff.Items{Path: "data", Key: []string{"id"}}
	s.Rules = rules(diff.Options{Items: items})
	s.Detail = &Detail{Rules: rules(diff.Options{Items: items, Ignore: []string{"noise"}}), MaxPerPoll: 100}
	return s
}

// bodies are the bodies of details.
type bodies [][]byte

func (b bodies) Len() int                   { return len(b) }
func (b bodies) Page(i int) ([]byte, error) { return b[i], nil }

// shelf is what a server has of items, by key. What begins with ! is an error.
type shelf map[string]string

var errGone = errors.New("answered 404")

// look polls a list and the details that are wanted of it, as a poller does. It
// returns the keys of these.
func (r *rig) look(body string, server shelf) (asked []string, err error) {
	r.t.Helper()
	o := r.observation("application/json", body)
	wants, err := r.bridge.Wanted(r.t.Context(), o)
	if err != nil {
		return nil, err
	}
	var got bodies
	for _, w := range wants {
		if key := gjson.GetBytes(w.Item, "id").String(); key != w.Key {
			r.t.Errorf("item %s is wanted as %s", w.Item, w.Key)
		}
		asked = append(asked, w.Key)
		d := poller.Detail{Key: w.Key, ContentType: "application/json", At: o.At}
		page := server[w.Key]
		if strings.HasPrefix(page, "!") || page == "" {
			status := 404
			_, _ = fmt.Sscanf(page, "!%d", &status)
			d.Err, page = &poller.FetchError{Status: status, Err: errGone}, ""
		}
		o.Details, got = append(o.Details, d), append(got, []byte(page))
	}
	if len(wants) > 0 {
		o.DetailBodies = got
	}
	err = r.bridge.Observe(r.t.Context(), o)
	var kept *poller.KeptError
	if err == nil || errors.As(err, &kept) {
		r.polled = o.State
	}
	return asked, err
}

// wantLook is look, with what is asked and told.
func (r *rig) wantLook(body string, server shelf, asked string, told ...string) {
	r.t.Helper()
	keys, err := r.look(body, server)
	if err != nil {
		r.t.Fatalf("poll of %s: %v", body, err)
	}
	if got := strings.Join(keys, " "); got != asked {
		r.t.Errorf("poll of %s asked for details %q, want %q", body, got, asked)
	}
	r.wantStory(r.news(), told...)
}

// stand is a list of items; each is its id and its state.
func stand(all ...string) string {
	var b strings.Builder
	for i, one := range all {
		if i > 0 {
			b.WriteByte(',')
		}
		id, state, _ := strings.Cut(one, ":")
		fmt.Fprintf(&b, `{"id":%s,"v":"%s"}`, id, state)
	}
	return `{"data":[` + b.String() + `]}`
}

func TestDetailsAreWhatIsTold(t *testing.T) {
	t.Parallel()
	r := newRig(t, detailed())
	server := shelf{"1": `{"id":1,"lines":[1]}`, "2": `{"id":2}`, "3": `{"id":3}`, "4": `{"id":4}`}
	r.wantLook(stand("1:a", "2:a", "3:a"), server, "1 2 3")
	r.wantLook(stand("1:a", "2:a", "3:a"), server, "")

	server["1"] = `{"id":1,"lines":[1,2]}`
	if asked, err := r.look(stand("1:b", "2:a", "3:a"), server); err != nil || strings.Join(asked, " ") != "1" {
		t.Fatalf("asked for %v, %v", asked, err)
	}
	events := r.news()
	r.wantStory(events, "updated 1")
	if d := dataOf(events[0]); string(d.Before) != `{"id":1,"lines":[1]}` || string(d.After) != `{"id":1,"lines":[1,2]}` {
		t.Errorf("told %s", events[0].Data)
	}
	// Nothing that counts differs: it is seen, and not asked for again.
	server["2"] = `{"id":2,"noise":1}`
	r.wantLook(stand("1:b", "2:b", "3:a"), server, "2")
	r.restart()
	r.polled = poller.State{}
	r.wantLook(stand("1:b", "2:b", "3:a"), server, "")

	r.wantLook(stand("1:b", "2:b", "3:a", "4:a"), server, "4", "created 4")
	r.wantLook(stand("1:b", "2:b", "4:a"), server, "", "deleted 3")
	rows, err := r.store.SeenDetails(t.Context(), "shop")
	if err != nil || len(rows) != 3 {
		t.Errorf("%d details are kept: %v", len(rows), err)
	}
}

// A detail that fails leaves its item as it was, also over a restart.
func TestFailedDetailsAreFetchedAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, detailed())
	server := shelf{"1": `{"id":1}`, "2": "!500", "3": `{"id":3}`}
	r.wantLook(stand("1:a", "2:a", "3:a"), server, "1 2 3")
	if r.polled != (poller.State{}) || r.row().State != (poller.State{}) {
		t.Error("the next list may be taken for unchanged")
	}
	r.restart()
	// One of the baseline comes silently, a new one is told whenever it comes.
	server["2"], server["4"], server["5"] = `{"id":2}`, "<html>", `{"id":5}`
	r.wantLook(stand("1:a", "2:a", "3:a", "4:a", "5:a"), server, "2 4 5", "created 5")
	r.restart()
	server["4"], server["1"] = `{"id":4}`, "!500"
	r.wantLook(stand("1:b", "2:a", "3:a", "4:a", "5:a"), server, "1 4", "created 4")
	server["1"] = `{"id":1,"x":1}`
	r.wantLook(stand("1:b", "2:a", "3:a", "4:a", "5:a"), server, "1", "updated 1")
	if r.polled == (poller.State{}) {
		t.Error("no state was adopted though all has come")
	}
	// What never came was told nobody, and is not when it goes.
	server["6"] = "!404"
	if _, err := r.look(stand("1:b", "2:a", "3:a", "4:a", "5:a", "6:a"), server); err == nil {
		t.Error("the only detail failed, and the poll did not")
	}
	r.wantLook(stand("1:b", "2:a", "3:a", "4:a", "5:a"), server, "")
}

// Where no detail comes, or credentials are refused, the poll has failed, and
// what came is kept.
func TestDetailsThatFailThePoll(t *testing.T) {
	t.Parallel()
	s := detailed()
	s.FailureThreshold = 1
	r := newRig(t, s)
	server := shelf{"1": `{"id":1}`, "2": "!403"}
	_, err := r.look(stand("1:a", "2:a"), server)
	var kept *poller.KeptError
	if !errors.As(err, &kept) || !strings.Contains(err.Error(), `1 of 2 details could not be fetched; that of item "2"`) {
		t.Fatalf("error %v", err)
	}
	r.bridge.Fail(t.Context(), "shop", err)
	r.wantStory(r.news(), "source.failing")
	if asked, err := r.look(stand("1:a", "2:a"), server); err == nil || strings.Join(asked, " ") != "2" {
		t.Errorf("asked for %v, %v", asked, err)
	}
	r.wantStory(r.news())
	server["2"] = `{"id":2}`
	r.wantLook(stand("1:a", "2:a"), server, "2", "source.recovered")
}

func TestManyDetailsComeInSeveralPolls(t *testing.T) {
	t.Parallel()
	r := newRig(t, detailed())
	server, all := shelf{}, []string{}
	for i := range 1000 {
		all = append(all, fmt.Sprint(i+1))
		server[all[i]] = fmt.Sprintf(`{"id":%d}`, i+1)
	}
	server["1"] = "!500"
	total := 0
	for poll := range 11 {
		asked, err := r.look(stand(all...), server)
		if err != nil || len(asked) > 100 {
			t.Fatalf("poll %d asked for %d details: %v", poll, len(asked), err)
		}
		if poll == 5 {
			server["1"] = `{"id":1}`
			r.restart()
		}
		total += len(asked)
	}
	if r.wantStory(r.news()); total < 1001 || total > 1004 {
		t.Errorf("%d requests", total)
	}
	r.wantLook(stand(all...), server, "")
}

func TestFirstLookAtDetailsCanBeTold(t *testing.T) {
	t.Parallel()
	s := detailed()
	s.Emit = true
	s.Detail.MaxPerPoll = 2
	r := newRig(t, s)
	server := shelf{"1": `{"id":1}`, "2": `{"id":2}`, "3": `{"id":3}`}
	r.wantLook(stand("1", "2", "3"), server, "1 2", "created 1", "created 2")
	r.wantLook(stand("1", "2", "3"), server, "3", "created 3")
}

// Items at the end of a list are not kept waiting by those at its beginning.
func TestDetailsAtTheEndHaveTheirTurn(t *testing.T) {
	t.Parallel()
	s := detailed()
	s.Detail.MaxPerPoll = 2
	r := newRig(t, s)
	server := shelf{"1": `{"id":1}`, "2": `{"id":2}`, "3": `{"id":3}`}
	r.wantLook(stand("1:a", "2:a", "3:a"), server, "1 2")
	r.wantLook(stand("1:b", "2:b", "3:a"), server, "3 1")
	server["3"] = `{"id":3,"x":1}`
	r.wantLook(stand("1:c", "2:c", "3:b"), server, "2 3", "updated 3")
	r.wantLook(stand("1:c", "2:c", "3:b"), server, "1")
}

// An item of the baseline was there, though its detail never came.
func TestDeletedBeforeItsDetailCame(t *testing.T) {
	t.Parallel()
	s := detailed()
	s.Detail.MaxPerPoll = 1
	r := newRig(t, s)
	server := shelf{"1": `{"id":1}`, "2": `{"id":2}`, "3": "!404"}
	r.wantLook(stand("1:a", "2:a"), server, "1")
	if _, err := r.look(stand("1:a", "3:a"), server); err == nil {
		t.Error("the only detail failed, and the poll did not")
	}
	events := r.news()
	r.wantStory(events, "deleted 2")
	if len(events) == 1 && string(dataOf(events[0]).Before) != `{"id":2,"v":"a"}` {
		t.Errorf("told %s", events[0].Data)
	}
	r.wantLook(stand("1:a"), server, "")
}

// The answers to another request are a new baseline, details and all.
func TestAnotherRequestForgetsDetails(t *testing.T) {
	t.Parallel()
	r := newRig(t, detailed())
	server := shelf{"1": `{"id":1}`, "2": `{"id":2}`}
	r.wantLook(stand("1", "2"), server, "1 2")
	r.source.RequestKey = "another"
	r.restart()
	server["1"], server["2"] = `{"id":1,"x":1}`, "!500"
	r.wantLook(stand("1", "2"), server, "1 2", "source.rebaselined")
	server["2"] = `{"id":2,"x":1}`
	r.wantLook(stand("1", "2"), server, "2")
}

// An item that leaves a list of newest items before its detail has come is
// still fetched, and one that comes back is compared with what it was.
func TestDetailsOfAListThatScrolls(t *testing.T) {
	t.Parallel()
	s := detailed()
	s.Window = Newest
	r := newRig(t, s)
	server := shelf{"1": `{"id":1}`, "2": `{"id":2}`, "3": `{"id":3}`, "4": "!500"}
	r.wantLook(stand("1:a", "2:a"), server, "1 2")
	server["1"] = "!500"
	if _, err := r.look(stand("1:b", "2:a"), server); err == nil {
		t.Error("the poll did not fail")
	}
	r.wantLook(stand("2:a", "3:a"), server, "3 1", "created 3")
	server["1"] = `{"id":1,"x":1}`
	r.wantLook(stand("2:a", "3:a"), server, "1", "updated 1")
	if _, err := r.look(stand("3:a", "4:a"), server); err == nil {
		t.Error("the poll did not fail")
	}
	server["4"], server["2"] = `{"id":4}`, `{"id":2,"x":1}`
	r.restart()
	r.polled = poller.State{}
	r.wantLook(stand("3:a"), server, "4", "created 4")
	r.wantLook(stand("2:b", "3:a"), server, "2", "updated 2")
}

// Whatever fails and whenever the daemon restarts, each key has a chain.
func TestChainsOfDetails(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		s := detailed()
		s.MaxRemoved = MaxRemoved{Count: 99}
		s.Detail.MaxPerPoll = 3
		s.Seen = rapid.Bool().Draw(rt, "seen")
		dir := t.TempDir()
		r := openRig(rt, dir, s)
		last := map[string]string{}
		for step := range rapid.IntRange(2, 12).Draw(rt, "steps") {
			server, list := shelf{}, []string{}
			for id := 1; id <= 5; id++ {
				if rapid.IntRange(0, 3).Draw(rt, "there") == 0 {
					continue
				}
				v := rapid.IntRange(0, 2).Draw(rt, "v")
				list = append(list, fmt.Sprintf("%d:%d", id, v))
				server[fmt.Sprint(id)] = fmt.Sprintf(`{"id":%d,"v":%d}`, id, v)
				if rapid.IntRange(0, 3).Draw(rt, "fails") == 0 {
					server[fmt.Sprint(id)] = "!500"
				}
			}
			_, err := r.look(stand(list...), server)
			var kept *poller.KeptError
			if err != nil && !errors.As(err, &kept) {
				rt.Fatalf("step %d: %v", step, err)
			}
			for _, e := range r.news() {
				d := dataOf(e)
				if previous, told := last[e.Subject]; told && d.PreviousHash != previous {
					rt.Fatalf("step %d: %s %s follows %s, not %s", step, d.Change, e.Subject, d.PreviousHash, previous)
				}
				last[e.Subject] = d.Hash
			}
			if rapid.Bool().Draw(rt, "restart") {
				r.restart()
			}
		}
	})
}
