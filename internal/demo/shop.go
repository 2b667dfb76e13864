package demo

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"
)

// order is one order of the shop.
type order struct {
	ID       int    `json:"id"`
	Customer string `json:"customer"`
	Status   string `json:"status"`
	Items    []item `json:"items"`
	// Total is in euros, as text: money is no float.
	Total string `json:"total"`
	// ViewedAt changes with every answer, as such members do in real APIs.
	ViewedAt time.Time `json:"viewed_at"`
}

type item struct {
	SKU      string `json:"sku"`
	Quantity int    `json:"quantity"`
}

// steps are the states that an order goes through.
var steps = [...]string{"placed", "paid", "packed", "shipped", "delivered"}

var customers = [...]string{"Ada", "Grace", "Edsger", "Barbara", "Donald", "Frances", "Tony", "Radia"}

var goods = [...]struct {
	sku   string
	cents int
}{{"tea-green", 490}, {"tea-earl-grey", 520}, {"teapot", 2900}, {"cup", 850}, {"honey", 690}}

// shop is a small order book that changes by itself: an API to watch.
type shop struct {
	mu     sync.Mutex
	random *rand.Rand
	nextID int
	orders []order
}

// newShop opens a shop with a few orders.
func newShop(seed uint64) *shop {
	s := &shop{random: rand.New(rand.NewPCG(seed, seed)), nextID: 1001}
	for range 4 {
		s.place()
	}
	return s
}

// change does the next thing that happens in the shop, and says what it was.
func (s *shop) change() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch n := s.random.IntN(10); {
	case len(s.orders) < 3 || n < 2 && len(s.orders) < 8:
		o := s.place()
		return fmt.Sprintf("%s places order %d, %s €", o.Customer, o.ID, o.Total)
	case n == 2:
		return s.raise(s.random.IntN(len(s.orders)))
	default:
		return s.advance(s.random.IntN(len(s.orders)))
	}
}

// place adds an order. The caller holds s.mu, or is the only one who knows s.
func (s *shop) place() order {
	o := order{ID: s.nextID, Customer: customers[s.random.IntN(len(customers))], Status: steps[0]}
	s.nextID++
	for _, n := range s.random.Perm(len(goods))[:1+s.random.IntN(2)] {
		o.Items = append(o.Items, item{SKU: goods[n].sku, Quantity: 1 + s.random.IntN(3)})
	}
	o.Total = total(o.Items)
	s.orders = append(s.orders, o)
	return o
}

// raise adds one to the quantity of an order's first item.
func (s *shop) raise(n int) string {
	o := &s.orders[n]
	o.Items = slices.Clone(o.Items) // answers under way still read the old one
	o.Items[0].Quantity++
	o.Total = total(o.Items)
	return fmt.Sprintf("order %d: %s × %d now", o.ID, o.Items[0].SKU, o.Items[0].Quantity)
}

// advance takes an order one step further; one that was delivered leaves the book.
func (s *shop) advance(n int) string {
	o := &s.orders[n]
	step := slices.Index(steps[:], o.Status)
	if step == len(steps)-1 {
		id := o.ID
		s.orders = slices.Delete(s.orders, n, n+1)
		return fmt.Sprintf("order %d is done and leaves the book", id)
	}
	o.Status = steps[step+1]
	return fmt.Sprintf("order %d is %s", o.ID, o.Status)
}

func total(items []item) string {
	cents := 0
	for _, it := range items {
		for _, g := range goods {
			if g.sku == it.SKU {
				cents += g.cents * it.Quantity
			}
		}
	}
	return fmt.Sprintf("%d.%02d", cents/100, cents%100)
}

// ServeHTTP answers with the order book.
func (s *shop) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	orders := slices.Clone(s.orders)
	s.mu.Unlock()
	now := time.Now().UTC()
	for i := range orders {
		orders[i].ViewedAt = now
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"orders": orders}) // the client went away
}
