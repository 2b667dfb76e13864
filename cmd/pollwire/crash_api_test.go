package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
)

// ledgerAPI is an upstream whose lists change with every answer, once it was
// let loose. It remembers what it said last.
type ledgerAPI struct {
	mu      sync.Mutex
	random  *rand.Rand
	loose   bool
	calm    int // after how many changed answers more it is loose no longer; 0 for never
	nextID  int
	lists   map[string]map[int]int // list -> item id -> revision
	answers map[string]int         // answers begun, for each list
	asked   chan struct{}          // a token whenever an answer begins
}

func newLedgerAPI(random *rand.Rand, lists ...string) *ledgerAPI {
	api := &ledgerAPI{
		random:  random,
		nextID:  1,
		lists:   make(map[string]map[int]int),
		answers: make(map[string]int),
		asked:   make(chan struct{}, 1),
	}
	for _, name := range lists {
		api.lists[name] = make(map[int]int)
	}
	return api
}

// ServeHTTP answers /NAME with the list of that name, changed.
func (api *ledgerAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	api.mu.Lock()
	name := r.URL.Path[1:]
	list := api.lists[name]
	api.answers[name]++
	if api.loose {
		api.change(list)
		api.calm--
		api.loose = api.calm != 0
	}
	body := render(list)
	api.mu.Unlock()
	select {
	case api.asked <- struct{}{}:
	default:
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body) // the process may have been killed
}

// change does one to three things to a list. The caller holds api.mu.
func (api *ledgerAPI) change(list map[int]int) {
	for range 1 + api.random.IntN(3) {
		ids := slices.Sorted(maps.Keys(list))
		switch n := api.random.IntN(4); {
		case len(ids) < 5 || n == 0 && len(ids) < 40:
			list[api.nextID] = 1
			api.nextID++
		case n == 1:
			delete(list, ids[api.random.IntN(len(ids))])
		default:
			list[ids[api.random.IntN(len(ids))]]++
		}
	}
}

// letLoose lets the lists change from now on, or stops that.
func (api *ledgerAPI) letLoose(loose bool) {
	api.mu.Lock()
	defer api.mu.Unlock()
	api.loose, api.calm = loose, 0
}

// calmAfter lets the lists change in so many answers more.
func (api *ledgerAPI) calmAfter(answers int) {
	api.mu.Lock()
	defer api.mu.Unlock()
	api.loose, api.calm = true, answers
}

// count is how many answers of a list were begun.
func (api *ledgerAPI) count(name string) int {
	api.mu.Lock()
	defer api.mu.Unlock()
	return api.answers[name]
}

// answered says whether every list has been asked for at least n times.
func (api *ledgerAPI) answered(n int) bool {
	api.mu.Lock()
	defer api.mu.Unlock()
	for name := range api.lists {
		if api.answers[name] < n {
			return false
		}
	}
	return true
}

// state is what a list holds now: the JSON of each item by its key.
func (api *ledgerAPI) state(name string) map[string]string {
	api.mu.Lock()
	defer api.mu.Unlock()
	state := make(map[string]string)
	for id, revision := range api.lists[name] {
		state[fmt.Sprint(id)] = string(renderItem(id, revision))
	}
	return state
}

// render writes a list in an order of its own, which must make no change.
func render(list map[int]int) []byte {
	items := make([]json.RawMessage, 0, len(list))
	for id, revision := range list { // in Go's random order
		items = append(items, renderItem(id, revision))
	}
	body, err := json.Marshal(map[string]any{"items": items})
	if err != nil {
		panic(err)
	}
	return body
}

func renderItem(id, revision int) json.RawMessage {
	return fmt.Appendf(nil, `{"id":%d,"revision":%d}`, id, revision)
}
