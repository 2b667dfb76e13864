package config

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
	"gopkg.in/yaml.v3"
)

// SigningSecret is a key that webhooks are signed with. It is written as the
// value alone, or with the time at which it ends.
type SigningSecret struct {
	// Value is whsec_ and the key in base64, or whsk_ and a key of Ed25519.
	Value Secret `yaml:"value" required:"true" doc:"whsec_ and 24 to 64 bytes in base64; or whsk_ and a private key of Ed25519, 64 bytes in base64." example:"${OLD_SECRET}" aka:"secret|key"`
	// Until is when it ends; zero for never.
	Until time.Time `yaml:"until" doc:"When it ends." example:"2027-01-01T00:00:00Z" aka:"expires|expires_at"`
}

func (s *SigningSecret) decode(d *decoder, at place, f field) {
	if at.node.Kind == yaml.MappingNode {
		d.mapping(at, reflect.ValueOf(s).Elem(), f)
		return
	}
	decodeInto(d, at, &s.Value, f)
}

// schema of a signing secret: its value alone, or a mapping.
func (s *SigningSecret) schema(m schemer, _ field, _ shape) (*jsonschema.Schema, error) {
	mapping, err := m.structure(reflect.TypeFor[SigningSecret](), shape{})
	return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{{Type: "string"}, mapping}}, err
}

// signatures checks what webhooks are signed with.
func (v *validator) signatures(at place, e *Endpoint) {
	p, ok := v.written(at, "secrets")
	if ok {
		v.secrets(p, e)
	}
	also, written := v.written(at, "also_sign")
	if !written {
		return
	}
	v.each(also, e.AlsoSign, nil)
	symmetric := func(s SigningSecret) bool { return !strings.HasPrefix(s.Value.Reveal(), "whsk_") }
	lasting := func(s SigningSecret) bool { return s.Until.IsZero() }
	switch {
	case len(e.AlsoSign) == 0 || ok && v.bad[p.node]:
	case len(e.Secrets) == 0 && e.isEnvelope(): // that there is no secret is said already
	case !slices.ContainsFunc(e.Secrets, symmetric):
		v.add(also, "these signatures need a secret that begins with whsec_: add one to secrets, or remove also_sign")
	case !slices.ContainsFunc(e.Secrets, lasting): // is said already
	case !slices.ContainsFunc(e.Secrets, func(s SigningSecret) bool { return symmetric(s) && lasting(s) }):
		v.add(also, "these signatures need a secret that begins with whsec_, and every one has an until: nothing could be sent after the last one; add one without, or remove also_sign")
	}
}

func (v *validator) secrets(at place, e *Endpoint) {
	if len(e.Secrets) == 0 {
		if e.isEnvelope() {
			v.add(at, "a webhook needs a secret: name at least one")
		}
		return
	}
	lasting := false
	seen := make(map[Secret]bool)
	for i, p := range at.items() {
		s := e.Secrets[i]
		lasting = lasting || s.Until.IsZero()
		if value, ok := v.written(p, "value"); ok {
			p = value
		}
		switch {
		case v.bad[p.node] || p.node.Kind != yaml.ScalarNode:
		case seen[s.Value]:
			v.add(p, "this secret is in the list already: remove it")
		default:
			v.signingSecret(p, s.Value.Reveal())
		}
		seen[s.Value] = true
	}
	if !lasting {
		v.add(at, "every secret has an until: the webhooks after the last one could not be signed; add one without")
	}
}

// signingSecret checks a secret without showing any of it.
func (v *validator) signingSecret(at place, text string) {
	trimmed := strings.TrimSpace(text)
	prefix, encoded, _ := strings.Cut(trimmed, "_")
	switch {
	case trimmed == "":
		v.add(at, "the secret is empty")
	case trimmed != text, strings.ContainsAny(text, " \t\r\n"):
		v.add(at, "the secret has white space in it: remove it")
	case prefix == "whsec":
		if key, ok := v.keyBytes(at, prefix, encoded); ok && (len(key) < 24 || len(key) > 64) {
			v.add(at, "the secret has %d bytes after base64; it needs 24 to 64", len(key))
		}
	case prefix == "whsk":
		if key, ok := v.keyBytes(at, prefix, encoded); ok {
			v.privateKey(at, key)
		}
	case prefix == "whpk":
		v.add(at, "this is a public key, which others verify with; the private key that signs begins with whsk_")
	default:
		v.add(at, "a secret begins with whsec_, then 24 to 64 bytes in base64; make one with: echo whsec_$(openssl rand -base64 33)")
	}
}

// keyBytes decodes what follows the prefix of a secret.
func (v *validator) keyBytes(at place, prefix, encoded string) ([]byte, bool) {
	key, err := base64.StdEncoding.Strict().DecodeString(encoded)
	_, unpadded := base64.RawStdEncoding.DecodeString(encoded)
	switch {
	case err == nil:
		return key, true
	case encoded == "":
		v.add(at, "nothing follows %s_: the key is missing", prefix)
	case strings.Contains(encoded, "whsec_"), strings.Contains(encoded, "whsk_"):
		v.add(at, "the secret begins twice: it was pasted into itself")
	case unpadded == nil:
		v.add(at, "the base64 after %s_ lacks the = at its end", prefix)
	case isURLSafe(encoded):
		v.add(at, "what follows %s_ is URL-safe base64: write + for -, / for _, and = at the end until its length is a multiple of 4", prefix)
	default:
		v.add(at, "what follows %s_ is no base64 (letters, digits, + and /, = at the end)", prefix)
	}
	return nil, false
}

// isURLSafe says whether a text is a key in the base64 that is for URLs.
func isURLSafe(encoded string) bool {
	key, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(encoded, "="))
	return err == nil && len(key) >= 24
}

// privateKey checks a key of Ed25519, which is the seed and the public key.
func (v *validator) privateKey(at place, key []byte) {
	switch {
	case len(key) != ed25519.PrivateKeySize:
		v.add(at, "the key has %d bytes after base64; a whsk_ has %d, the private key and its public key", len(key), ed25519.PrivateKeySize)
	case !bytes.Equal(ed25519.NewKeyFromSeed(key[:ed25519.SeedSize]), key):
		v.add(at, "the two halves of the key do not belong together: it was damaged when it was copied")
	}
}
