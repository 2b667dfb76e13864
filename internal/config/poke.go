package config

import "strings"

// The bounds of a secret for pokes, in bytes: a shorter one can be guessed, a
// longer one does not fit every header.
const (
	minPokeSecret = 16
	maxPokeSecret = 256
)

// Poke lets others ask for a poll of a source.
type Poke struct {
	Secret Secret `yaml:"secret" required:"true" example:"${POKE}" doc:"What a poke must carry, as Authorization: Bearer, in the header X-Pollwire-Secret or in the parameter secret of the query: 16 to 256 letters, digits and signs, and not server.token." aka:"token|key|password"`
}

// poke checks a secret that others send in a header or a query.
func (v *validator) poke(at place, s *Source) {
	p, ok := v.writtenPath(at, "poke.secret")
	if !ok || s.Poke == nil {
		return
	}
	secret := s.Poke.Secret.Reveal()
	switch {
	case len(secret) < minPokeSecret, len(secret) > maxPokeSecret:
		v.add(p, "the secret has %d bytes; it needs %d to %d, such as openssl rand -hex 24 gives", len(secret), minPokeSecret, maxPokeSecret)
	case strings.ContainsFunc(secret, func(r rune) bool { return r <= ' ' || r > '~' }):
		v.add(p, "the secret holds a space, a line break or a letter beyond ASCII, which a header cannot carry; openssl rand -hex 24 gives one that works")
	case s.Poke.Secret == v.token:
		v.add(p, "this is server.token too, which opens all of the API: take another one")
	}
}
