package server

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

const (
	// freeTries are the wrong tokens that may be tried at once, and tryEvery is how
	// long each further one takes to come.
	freeTries = 5
	tryEvery  = 10 * time.Second
	// maxTriers bounds the addresses that are kept account of. When there are more,
	// they share one account.
	maxTriers = 1024
)

// tries keep account of wrong logins by address: whoever guesses has to wait,
// and nobody else has.
type tries struct {
	mu sync.Mutex
	// by is until when the wrong tries of an address are paid for.
	by map[netip.Prefix]time.Time
}

func newTries() *tries { return &tries{by: make(map[netip.Prefix]time.Time)} }

// allow says whether an address may try now.
func (t *tries) allow(addr netip.Prefix, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	paid, known := t.by[addr]
	if !known && len(t.by) >= maxTriers {
		paid = t.by[netip.Prefix{}]
	}
	return paid.Sub(now) <= (freeTries-1)*tryEvery
}

// miss counts a wrong try of an address.
func (t *tries) miss(addr netip.Prefix, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.by[addr]; !known && len(t.by) >= maxTriers {
		for other, paid := range t.by {
			if !now.Before(paid) {
				delete(t.by, other)
			}
		}
		if len(t.by) >= maxTriers {
			addr = netip.Prefix{}
		}
	}
	paid := t.by[addr]
	if paid.Before(now) {
		paid = now
	}
	t.by[addr] = paid.Add(tryEvery)
}

// remote is where a request comes from: of IPv6 the network of 64 bits, all of
// which one host may have.
func remote(r *http.Request) netip.Prefix {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return netip.Prefix{}
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Prefix{}
	}
	addr = addr.Unmap().WithZone("")
	bits := 32
	if addr.Is6() {
		bits = 64
	}
	prefix, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return prefix
}
