// Package receiver takes webhooks in and verifies them, as a user's own server
// would. The command line's listen and demo are built on it.
package receiver

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/pollwire/pollwire/notify"
)

const (
	// maxBody bounds a webhook's body, in bytes.
	maxBody = 32 << 20
	// tolerance is how far a timestamp may be off: the Standard Webhooks
	// libraries' own figure.
	tolerance = 5 * time.Minute
	// maxKnown bounds how many ids are remembered to mark repeats.
	maxKnown = 100_000
)

// Webhook is one that arrived.
type Webhook struct {
	At      time.Time
	ID      string
	Attempt int
	Replay  bool
	// Repeat says that the id has been seen before and was accepted.
	Repeat bool
	// Header and Body are as they came.
	Header http.Header
	Body   []byte
	// Err says why it was refused; nil when its signature is right, or when
	// there are no secrets to verify it with.
	Err error
}

// Envelope is what of a webhook's body a person wants to see.
type Envelope struct {
	ID       string `json:"id"`
	Type     string `json:"type"`
	Source   string `json:"source"`
	Subject  string `json:"subject"`
	Sequence string `json:"sequence"`
	// Time is when what is told was seen, in RFC 3339.
	Time string `json:"time"`
	Data struct {
		Change  string          `json:"change"`
		Before  json.RawMessage `json:"before"`
		After   json.RawMessage `json:"after"`
		Changed []string        `json:"changed"`
		Patch   json.RawMessage `json:"patch"`
		// Hash and PreviousHash are empty where they are null.
		Hash         string `json:"hash"`
		PreviousHash string `json:"previous_hash"`
	} `json:"data"`
}

// Envelope decodes the body.
func (w *Webhook) Envelope() (Envelope, error) {
	var e Envelope
	if err := json.Unmarshal(w.Body, &e); err != nil {
		return e, fmt.Errorf("decode webhook: %w", err)
	}
	return e, nil
}

// Envelopes decodes the body, of an event or of a batch.
func (w *Webhook) Envelopes() ([]Envelope, error) {
	if !bytes.HasPrefix(bytes.TrimSpace(w.Body), []byte("[")) {
		e, err := w.Envelope()
		return []Envelope{e}, err
	}
	var list []Envelope
	if err := json.Unmarshal(w.Body, &list); err != nil {
		return nil, fmt.Errorf("decode batch of webhooks: %w", err)
	}
	return list, nil
}

// Receiver is an http.Handler that answers 204 to a webhook that it accepts,
// and 401 to one whose signature is wrong.
type Receiver struct {
	secrets []notify.Secret
	handle  func(*Webhook)

	mu    sync.Mutex
	known map[string]bool
}

var _ http.Handler = (*Receiver)(nil)

// New returns a receiver that hands every webhook, refused ones too, to handle.
// Without secrets nothing is verified. handle may be called concurrently.
func New(secrets []notify.Secret, handle func(*Webhook)) *Receiver {
	return &Receiver{secrets: secrets, handle: handle, known: make(map[string]bool)}
}

func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "webhooks are posted", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxBody))
	if err != nil {
		status := http.StatusBadRequest
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			status = http.StatusRequestEntityTooLarge
		}
		http.Error(w, "read body: "+err.Error(), status)
		return
	}
	hook := r.take(req.Header, body)
	r.handle(hook)
	if hook.Err != nil {
		http.Error(w, hook.Err.Error(), http.StatusUnauthorized)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// take verifies a webhook and looks whether it is a repeat.
func (r *Receiver) take(header http.Header, body []byte) *Webhook {
	hook := &Webhook{
		At:     time.Now(),
		ID:     header.Get("webhook-id"),
		Replay: header.Get("pollwire-replay") == "true",
		Header: header,
		Body:   body,
	}
	hook.Attempt, _ = strconv.Atoi(header.Get("pollwire-attempt")) // information only: 0 where it is missing
	if len(r.secrets) > 0 {
		if hook.Err = notify.Verify(header, body, r.secrets, hook.At, tolerance); hook.Err != nil {
			return hook
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	hook.Repeat = r.known[hook.ID]
	if len(r.known) >= maxKnown {
		clear(r.known)
	}
	r.known[hook.ID] = true
	return hook
}
