package subscription

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/pollwire/pollwire/internal/expression"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

// entry is a subscription in memory. It does not change.
type entry struct {
	row     store.Subscription
	secrets secrets // empty where they could not be opened
	signing notify.Secret
	program *expression.Program
	problem string
}

// secrets are what is sealed of a subscription, in JSON.
type secrets struct {
	URL    string `json:"url"`
	Secret string `json:"secret"`
}

func (s *secrets) encode() string {
	encoded, err := json.Marshal(s) //nolint:gosec // it is sealed before it goes anywhere
	if err != nil {
		panic(err) // strings encode
	}
	return string(encoded)
}

// open makes a row an entry. Whatever cannot be read of it is a problem that the
// operator is told, and no reason to lose an event.
func (r *Registry) open(row store.Subscription) *entry {
	e := &entry{row: row}
	if err := e.unseal(r); err != nil {
		e.secrets = secrets{}
		e.problem = "its URL cannot be read, so its deliveries wait: " + err.Error()
	}
	if row.Filter != "" {
		program, err := expression.Compile(expression.OfChange, row.Filter)
		if err != nil && e.problem == "" {
			e.problem = "its filter cannot be used, so it is told all: " + err.Error()
		}
		if err == nil {
			e.program = program
		}
	}
	return e
}

func (e *entry) unseal(r *Registry) error {
	if r.sealer == nil {
		return fmt.Errorf("there is no storage.encryption_key; set the one that it was registered under, or delete it")
	}
	text, err := r.sealer.Open(e.row.ID, e.row.Sealed)
	if err != nil {
		return fmt.Errorf("%w; set the storage.encryption_key that it was registered under, or delete it", err)
	}
	if err := json.Unmarshal([]byte(text), &e.secrets); err != nil {
		return fmt.Errorf("it was sealed by another version")
	}
	if e.signing, err = notify.ParseSecret(e.secrets.Secret); err != nil {
		return err
	}
	return nil
}

func (e *entry) endpoint() Endpoint {
	return Endpoint{
		Name: e.row.ID, Readable: e.secrets.URL != "", URL: e.secrets.URL, Secret: e.signing,
		Sources: e.row.Sources, Events: e.row.Events, Filter: e.program,
	}
}

func (e *entry) told() Subscription {
	return Subscription{
		ID: e.row.ID, URL: shown(e.secrets.URL), Sources: e.row.Sources, Events: e.row.Events,
		Filter: e.row.Filter, CreatedAt: e.row.CreatedAt, Problem: e.problem,
	}
}

// asks says whether the entry is what is wanted, but for the secret.
func (e *entry) asks(w *wanted) bool {
	return e.secrets.URL == w.url && e.row.Filter == w.filter &&
		slices.Equal(e.row.Sources, w.sources) && slices.Equal(e.row.Events, w.events)
}

// signs says whether the entry's secret is this one.
func (e *entry) signs(secret string) bool {
	return subtle.ConstantTimeCompare([]byte(e.secrets.Secret), []byte(secret)) == 1
}
