// Package blobtest makes documents for the tests of what packs them, and of the engines.
package blobtest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// Document is a shop's list of orders as its API would answer it: nested, with
// ids, names, times, prices and prose that compress to somewhat more than a
// quarter. The same calls always make the same document.
type Document struct {
	random *rand.Rand
	orders []*order
}

type order struct {
	id, name, email, note, created, updated, status string
	cents, stock, views                             int
	lines                                           []string
}

// NewDocument makes a document of about so many bytes.
func NewDocument(size int) *Document { return seedDocument(1, size) }

// NewOther is a document of the same kind that has no order in common.
func NewOther(size int) *Document { return seedDocument(2, size) }

func seedDocument(seed uint64, size int) *Document {
	d := &Document{random: rand.New(rand.NewPCG(seed, 2))}
	for length := 0; length < size; {
		o := d.newOrder()
		d.orders = append(d.orders, o)
		length += len(o.append(nil)) + 1
	}
	return d
}

func (d *Document) newOrder() *order {
	const names = "Ada Bert Carla Dirk Elif Farid Greta Hans Ines Jonas Kemal Lena Mia Nils Olga Paul Quinn Rosa Sven Tara Uwe Vera " +
		"Wim Xenia Yusuf Zoe Schmidt Müller Nguyen Garcia Okafor Rossi Kowalski Haddad Petrov Svensson Tanaka Dubois"
	const words = "red blue green small large cotton steel wooden garden kitchen lamp chair table bottle shelf cable charger notebook " +
		"pencil jacket shirt boots helmet tent camera lens filter speaker monitor keyboard the of with and for from new classic light heavy"
	r := d.random
	o := &order{
		id:   fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", r.Uint32(), r.Uint32()>>16, r.Uint32()>>20, r.Uint32()>>20, r.Uint64()>>16),
		name: d.pick(names, 2), note: d.pick(words, 5+r.IntN(20)), created: d.time(), updated: d.time(), status: d.pick("open paid shipped", 1),
		cents: r.IntN(100_000), stock: r.IntN(500), views: r.IntN(100_000),
	}
	o.email = strings.ToLower(strings.ReplaceAll(o.name, " ", ".")) + fmt.Sprint(r.IntN(1000)) + "@example.com"
	for range r.IntN(4) {
		o.lines = append(o.lines, fmt.Sprintf(`{"sku":"%c%c-%05d","quantity":%d,"price":%d.%02d}`,
			'A'+r.IntN(26), 'A'+r.IntN(26), r.IntN(100_000), 1+r.IntN(9), r.IntN(900), r.IntN(100)))
	}
	return o
}

func (d *Document) pick(words string, count int) string {
	all := strings.Fields(words)
	picked := make([]string, count)
	for i := range picked {
		picked[i] = all[d.random.IntN(len(all))]
	}
	return strings.Join(picked, " ")
}

func (d *Document) time() string {
	return time.UnixMilli(1_700_000_000_000 + d.random.Int64N(60_000_000_000)).UTC().Format("2006-01-02T15:04:05.000Z")
}

func (o *order) append(b []byte) []byte {
	return fmt.Appendf(b, `{"id":"%s","customer":{"name":"%s","email":"%s"},"note":"%s","created_at":"%s","updated_at":"%s",`+
		`"status":"%s","total":%d.%02d,"stock":%d,"views":%d,"lines":[%s]}`, o.id, o.name, o.email, o.note, o.created, o.updated,
		o.status, o.cents/100, o.cents%100, o.stock, o.views, strings.Join(o.lines, ","))
}

// Body is the document as JSON.
func (d *Document) Body() []byte {
	b := []byte(`{"orders":[`)
	for i, o := range d.orders {
		if i > 0 {
			b = append(b, ',')
		}
		b = o.append(b)
	}
	return append(b, "]}"...)
}

// Change changes ten values here and there.
func (d *Document) Change() {
	for n := range 10 {
		o := d.orders[d.random.IntN(len(d.orders))]
		switch n % 4 {
		case 0:
			o.cents += 1 + d.random.IntN(10_000)
		case 1:
			o.status = d.pick("refunded cancelled returned lost", 1)
		case 2:
			o.updated = d.time()
		case 3:
			o.views += 1 + d.random.IntN(10_000)
		}
	}
}

// Shift puts a new order first and takes the last one away.
func (d *Document) Shift() {
	d.orders = append([]*order{d.newOrder()}, d.orders[:len(d.orders)-1]...)
}

// Count changes a counter in every order.
func (d *Document) Count() {
	for _, o := range d.orders {
		o.views += 1 + d.random.IntN(50)
	}
}

// Shuffle gives the orders another order.
func (d *Document) Shuffle() {
	d.random.Shuffle(len(d.orders), func(i, j int) { d.orders[i], d.orders[j] = d.orders[j], d.orders[i] })
}
