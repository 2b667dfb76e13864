package server

import (
	"io"
	"net/http"
	"strings"
)

// pokePath begins the paths of pokes. They carry secrets of their own, so that
// no page in a browser can send one that its author does not know anyway.
const pokePath = "/poke/"

// pokeHeader carries the secret of a poke, where Authorization is not free.
const pokeHeader = "X-Pollwire-Secret"

// pokeRefused is all that is told of a poke that is not taken: not whether
// there is such a source.
const pokeRefused = "no source has this name and this secret for pokes; the secret is sent as Authorization: Bearer, " +
	"in the header " + pokeHeader + " or in the parameter secret of the query"

// poke lets a source be polled soon. The body, which providers fill as they
// like, says nothing: the poll will see what there is.
func (s *Server) poke(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("source")
	if p := s.pokes.find(name, pokeSecrets(r)); p != nil {
		if err := s.opts.Poker.MayPoke(p.source); err != nil {
			drain(w, r, maxPokeBytes)
			s.fail(w, r, err, pokeRefused)
			return
		}
		s.pokes.poke(p)
		drain(w, r, maxPokeBytes)
		writeJSON(w, http.StatusAccepted, accepted{p.source})
		return
	}
	if !s.pokes.refuse(name) {
		w.Header().Set("Retry-After", "1")
		w.Header().Set("Connection", "close") // and the body is not read
		writeProblem(w, r, http.StatusTooManyRequests, "too many pokes with wrong secrets; right ones are still taken")
		return
	}
	drain(w, r, maxBodyBytes)
	writeProblem(w, r, http.StatusNotFound, pokeRefused)
}

// pokeSecrets are what a poke carries that may be its secret. A provider can
// have uses of its own for some of these places, so each is tried. In a query a
// plus sign means a space, which no secret holds.
func pokeSecrets(r *http.Request) []string {
	var all []string
	for _, secret := range []string{
		bearer(r),
		strings.TrimSpace(r.Header.Get(pokeHeader)),
		strings.ReplaceAll(r.URL.Query().Get("secret"), " ", "+"),
	} {
		if secret != "" {
			all = append(all, secret)
		}
	}
	return all
}

// maxPokeBytes is more than the largest webhooks of the providers that are known
// (GitHub's may have 25 MB): who is cut off while it sends does not always read
// the answer.
const maxPokeBytes = 32 << 20

// drain reads a body to its end, so that the connection can be used again. One
// that is too large or breaks off ends the connection and nothing else.
func drain(w http.ResponseWriter, r *http.Request, most int64) {
	_, _ = io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, most))
}
