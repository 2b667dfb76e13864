package main

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// visits keeps book of which node asked for what.
type visits struct {
	next http.Handler

	mu  sync.Mutex
	all []visit
}

// visit is a request as the upstream saw it.
type visit struct {
	at     time.Time
	source string
	node   string // its address
}

func (v *visits) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.note(r)
	v.next.ServeHTTP(w, r)
}

// note enters a request.
func (v *visits) note(r *http.Request) {
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.all = append(v.all, visit{time.Now(), r.URL.Path[1:], host})
}

// since are the visits after a time.
func (v *visits) since(at time.Time) (found []visit) {
	v.each(at, func(one *visit) { found = append(found, *one) })
	return found
}

// each looks at the visits after a time.
func (v *visits) each(at time.Time, look func(*visit)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	from := len(v.all)
	for from > 0 && v.all[from-1].at.After(at) {
		from--
	}
	for i := from; i < len(v.all); i++ {
		look(&v.all[i])
	}
}

// most is the largest number of visits of some sources in a window.
func (v *visits) most(sources func(string) bool, window time.Duration) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	var within []time.Time
	most := 0
	for i := range v.all {
		if !sources(v.all[i].source) {
			continue
		}
		within = append(within, v.all[i].at)
		for within[0].Add(window).Before(v.all[i].at) {
			within = within[1:]
		}
		most = max(most, len(within))
	}
	return most
}
