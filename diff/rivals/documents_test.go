package rivals

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// The names of the documents.
const (
	object = "object"
	list   = "list"
	nested = "nested"
)

// document is a body and the one that follows it.
type document struct {
	name, title   string
	before, after []byte
	// size is about how many bytes each body has.
	size int
	// operations is how many the shortest patch takes, patchSize how many bytes
	// a patch may have.
	operations, patchSize int
}

// documents are the same in every run.
func documents(tb testing.TB) []document {
	tb.Helper()
	return []document{objectDocument(tb), listDocument(tb), nestedDocument(tb)}
}

// objectDocument is one order, whose state changes.
func objectDocument(tb testing.TB) document {
	d := document{name: object, title: "2 KB object, 1 change", size: 2000, operations: 1, patchSize: 60}
	o := newGenerator(1).order(9)
	d.before = mustMarshal(tb, o)
	o.State = "returned"
	d.after = mustMarshal(tb, o)
	return d
}

// listDocument is a page of 500 invoices: 3 change, one is new at the head, one
// is gone from between the others.
func listDocument(tb testing.TB) document {
	d := document{
		name: list, title: "100 KB list of 500, 3 changed, 1 added at the head, 1 removed",
		size: 100_000, operations: 5, patchSize: 460,
	}
	g := newGenerator(2)
	invoices := make([]invoice, 500)
	for i := range invoices {
		invoices[i] = g.invoice()
	}
	added := g.invoice()
	d.before = mustMarshal(tb, invoices)
	invoices[12].State = "overdue"
	invoices[200].Paid = !invoices[200].Paid
	invoices[431].Total += 10
	invoices = slices.Delete(invoices, 400, 401)
	d.after = mustMarshal(tb, slices.Insert(invoices, 0, added))
	return d
}

// nestedDocument is a shop with all its customers, and ten of their members
// changed, at all depths.
func nestedDocument(tb testing.TB) document {
	d := document{name: nested, title: "5.4 MB nested, 10 changes", size: 5_400_000, operations: 10, patchSize: 1000}
	s := newGenerator(3).shop(40, 50)
	d.before = mustMarshal(tb, s)
	edits := []func(*customer){
		func(c *customer) { c.Name = "Zoë d’Arcy" },
		func(c *customer) { c.Newsletter = !c.Newsletter },
		func(c *customer) { c.Balance = -17.25 },
		func(c *customer) { c.Address.City = "Malmö" },
		func(c *customer) { c.Address.Location.Longitude = 13.003822 },
		func(c *customer) { c.Orders[0].State = "returned" },
		func(c *customer) { c.Orders[1].ShippedAt = "2026-03-04T05:06:07Z" },
		func(c *customer) { c.Orders[1].Lines[0].Quantity = 99 },
		func(c *customer) { c.Orders[0].Lines[1].Discount = 0.175 },
		func(c *customer) { c.Orders[0].Lines[0].Attributes["colour"] = "none\tof \"these\"" },
	}
	for i, edit := range edits {
		customers := s.Regions[4*i+1].Customers
		edit(&customers[(7*i+3)%len(customers)])
	}
	d.after = mustMarshal(tb, s)
	return d
}

func mustMarshal(tb testing.TB, v any) []byte {
	tb.Helper()
	body, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return body
}

type shop struct {
	GeneratedAt string   `json:"generated_at"`
	Regions     []region `json:"regions"`
}

type region struct {
	ID        int        `json:"id"`
	Name      string     `json:"name"`
	Currency  string     `json:"currency"`
	Customers []customer `json:"customers"`
}

type customer struct {
	ID         int      `json:"id"`
	Name       string   `json:"name"`
	Email      string   `json:"email"`
	Newsletter bool     `json:"newsletter"`
	Balance    float64  `json:"balance"`
	Referrer   any      `json:"referrer"`
	Tags       []string `json:"tags"`
	Address    address  `json:"address"`
	Orders     []order  `json:"orders"`
}

type address struct {
	Street   string   `json:"street"`
	Postcode string   `json:"postcode"`
	City     string   `json:"city"`
	Location location `json:"location"`
}

type location struct {
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
}

type order struct {
	ID        int    `json:"id"`
	URL       string `json:"url"`
	State     string `json:"state"`
	PlacedAt  string `json:"placed_at"`
	ShippedAt any    `json:"shipped_at"`
	Gift      bool   `json:"gift"`
	Note      string `json:"note"`
	Lines     []line `json:"lines"`
}

type line struct {
	ID         int               `json:"id"`
	SKU        string            `json:"sku"`
	Title      string            `json:"title"`
	Quantity   int               `json:"quantity"`
	Price      float64           `json:"price"`
	Discount   any               `json:"discount"`
	Attributes map[string]string `json:"attributes"`
}

type invoice struct {
	ID       int      `json:"id"`
	Number   string   `json:"number"`
	State    string   `json:"state"`
	Customer string   `json:"customer"`
	Currency string   `json:"currency"`
	Total    float64  `json:"total"`
	Paid     bool     `json:"paid"`
	DueAt    string   `json:"due_at"`
	Reminder any      `json:"reminder"`
	Tags     []string `json:"tags"`
}

// generator makes up what an API could answer.
type generator struct {
	*rand.Rand
	id int
}

func newGenerator(seed uint64) *generator {
	return &generator{Rand: rand.New(rand.NewPCG(seed, 0)), id: 4_200_000}
}

func (g *generator) shop(regions, customers int) shop {
	s := shop{GeneratedAt: g.moment(), Regions: make([]region, regions)}
	for i := range s.Regions {
		r := region{ID: i + 1, Name: fmt.Sprintf("%s %d", g.city(), i), Currency: g.one("EUR", "USD", "PLN", "JPY")}
		for range customers {
			r.Customers = append(r.Customers, g.customer())
		}
		s.Regions[i] = r
	}
	return s
}

func (g *generator) customer() customer {
	c := customer{
		ID: g.next(), Name: g.name(), Email: fmt.Sprintf("c%d@example.com", g.id), Newsletter: g.IntN(2) == 0,
		Balance: g.money(100), Tags: g.tags(),
		Address: address{
			Street: fmt.Sprintf("%s %d", g.one("Rue de la Paix", "Hauptstraße", "Main Street", "ul. Długa"), 1+g.IntN(200)),
			City:   g.city(), Postcode: fmt.Sprintf("%05d", g.IntN(100_000)),
			Location: location{g.degrees(), g.degrees()},
		},
	}
	if g.IntN(3) == 0 {
		c.Referrer = g.name()
	}
	for range 2 + g.IntN(3) {
		c.Orders = append(c.Orders, g.order(2+g.IntN(3)))
	}
	return c
}

func (g *generator) order(lines int) order {
	o := order{
		ID: g.next(), State: g.one("open", "paid", "shipped", "cancelled"), PlacedAt: g.moment(), Gift: g.IntN(9) == 0,
		URL: fmt.Sprintf("https://api.example.com/v2/orders/%d?expand=lines&locale=en", g.id),
		Note: g.one("", "", "Please ring twice.", "Leave it with the neighbour, \"Åse\", or at the back door.\nThank you!",
			"ご自宅にお届けください", "before 10:00 & not on <Sunday> 🙂"),
	}
	if o.State == "shipped" {
		o.ShippedAt = g.moment()
	}
	for range lines {
		o.Lines = append(o.Lines, g.line())
	}
	return o
}

func (g *generator) line() line {
	l := line{
		ID: g.next(), SKU: fmt.Sprintf("SKU-%08X", g.Uint32()), Quantity: 1 + g.IntN(5), Price: g.money(500),
		Title: g.one("Coffee, whole bean, 1 kg", "Thé vert «Sencha»", "Kettle 1.7 l", "Schraubenschlüssel 13 mm", "Notebook A5, dotted"),
		Attributes: map[string]string{
			"colour": g.one("red", "green", "blue", "black"), "size": g.one("S", "M", "L", "XL"),
			"origin": g.one("DE", "FR", "JP", "ET"), "path": g.one(`C:\stock\a`, `C:\stock\b`),
		},
	}
	if g.IntN(4) == 0 {
		l.Discount = float64(g.IntN(50)) / 100
	}
	return l
}

func (g *generator) invoice() invoice {
	return invoice{
		ID: g.next(), Number: fmt.Sprintf("INV-%d-%06d", 2020+g.IntN(6), g.IntN(1_000_000)), State: g.one("open", "sent", "settled"),
		Customer: g.name(), Currency: g.one("EUR", "USD"), Total: g.money(5000), Paid: g.IntN(2) == 0, DueAt: g.moment(), Tags: g.tags(),
	}
}

func (g *generator) next() int {
	g.id += 1 + g.IntN(3)
	return g.id
}

func (g *generator) one(of ...string) string { return of[g.IntN(len(of))] }

func (g *generator) name() string {
	return g.one("Ada", "Jörg", "Łukasz", "Zoë", "Grace", "太郎", "Inés", "Tom") + " " +
		g.one("Lovelace", "Müller", "Kowalski", "O'Brien", "Hopper", "山田", "Núñez", "Smith & Sons")
}

func (g *generator) city() string {
	return g.one("Berlin", "Kraków", "Paris", "São Paulo", "東京", "Leeds", "Göteborg")
}

func (g *generator) tags() []string {
	return []string{g.one("new", "regular", "vip"), g.one("web", "app", "phone"), g.one("a", "b")}
}

func (g *generator) money(below int) float64 { return float64(g.IntN(below*100)) / 100 }

func (g *generator) degrees() float64 { return float64(g.IntN(90_000_000)) / 1e6 }

func (g *generator) moment() string {
	return time.Unix(1_750_000_000+int64(g.IntN(20_000_000)), 0).UTC().Format(time.RFC3339)
}
