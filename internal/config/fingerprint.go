package config

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Fingerprint tells whether a value of a source was changed, a secret or one
// inherited from defaults too: where none was, it is the same. What other parts of
// the configuration say is not in it, such as what endpoints there are.
func (s *Source) Fingerprint() [sha256.Size]byte {
	own := *s
	if own.notifiesAll {
		own.Notify = nil // those of the configuration
	}
	return fingerprint(own)
}

// Fingerprint tells whether a value of an endpoint was changed, as that of a
// source does.
func (e *Endpoint) Fingerprint() [sha256.Size]byte { return fingerprint(*e) }

// Fingerprint tells whether two nodes on one database have the same configuration,
// as far as it decides what is polled and who is told; what may be different on
// each machine is left out, such as where it listens. It may be shown: secrets
// count by their values only where there is an encryption key, which it is keyed
// with, and else by whether there are any. Two versions of the program may make
// different ones of the same configuration.
func (c *Config) Fingerprint() string {
	key := c.Storage.EncryptionKey.Reveal()
	f := fingerprinter{h: sha256.New(), veiled: key == ""}
	if !f.veiled {
		f.h = hmac.New(sha256.New, []byte(key))
	}
	f.value(reflect.ValueOf(struct {
		Retention     Retention
		PublicURL     URL
		Subscriptions Subscriptions
		RateLimits    []RateLimit
		Sources       []Source
		Endpoints     []Endpoint
	}{c.Storage.Retention, c.Server.PublicURL, c.Server.Subscriptions, c.RateLimits, c.Sources, c.Endpoints}))
	return hex.EncodeToString(f.h.Sum(nil)[:16])
}

// fingerprint is a hash of all that a value holds. It is for comparing within one
// process: it depends on how types are made.
func fingerprint(v any) [sha256.Size]byte {
	h := sha256.New()
	f := fingerprinter{h: h}
	f.value(reflect.ValueOf(v))
	return [sha256.Size]byte(h.Sum(nil))
}

// fingerprinter writes values so that no two write the same. It reads what is not
// exported too, since secrets are kept there.
type fingerprinter struct {
	h   hash.Hash
	buf [8]byte
	// veiled leaves out the values of secrets, and of URLs all but scheme and host.
	veiled bool
}

func (f *fingerprinter) number(n uint64) {
	binary.BigEndian.PutUint64(f.buf[:], n)
	f.h.Write(f.buf[:])
}

func (f *fingerprinter) text(s string) {
	f.number(uint64(len(s)))
	f.h.Write([]byte(s))
}

func (f *fingerprinter) value(v reflect.Value) {
	if f.veiled && f.veil(v) {
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		n := uint64(0)
		if v.Bool() {
			n = 1
		}
		f.number(n)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		f.number(uint64(v.Int()))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		f.number(v.Uint())
	case reflect.Float64:
		f.number(math.Float64bits(v.Float()))
	case reflect.String:
		f.text(v.String())
	case reflect.Struct:
		for i := range v.NumField() {
			f.value(v.Field(i))
		}
	case reflect.Slice, reflect.Array:
		f.list(v)
	case reflect.Map:
		f.mapping(v)
	case reflect.Pointer, reflect.Interface:
		f.pointer(v)
	default:
		panic("fingerprint of a " + v.Type().String()) // no key has one
	}
}

// veil writes what may be known of a value that is a secret, or false of others.
func (f *fingerprinter) veil(v reflect.Value) bool {
	switch v.Type() {
	case reflect.TypeFor[Secret]():
		n := uint64(1)
		if v.IsZero() {
			n = 0
		}
		f.number(n)
		return true
	case reflect.TypeFor[URL]():
		if u, ok := reflect.TypeAssert[URL](v); ok {
			f.text(u.String())
			return true
		}
	}
	return false
}

// list writes a list. Nothing and an empty one can mean different things.
func (f *fingerprinter) list(v reflect.Value) {
	if v.Kind() == reflect.Slice && v.IsNil() {
		f.number(math.MaxUint64)
		return
	}
	f.number(uint64(v.Len()))
	for i := range v.Len() {
		f.value(v.Index(i))
	}
}

func (f *fingerprinter) mapping(v reflect.Value) {
	keys := v.MapKeys() // of all mappings there are, texts
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	f.number(uint64(len(keys)))
	for _, key := range keys {
		f.text(key.String())
		f.value(v.MapIndex(key))
	}
}

// pointer writes what is pointed to. Locations are left out: they are large, and
// the name of each stands in its own key.
func (f *fingerprinter) pointer(v reflect.Value) {
	if v.IsNil() || v.Type() == reflect.TypeFor[*time.Location]() {
		f.number(0)
		return
	}
	f.number(1)
	if v.Kind() == reflect.Interface {
		f.text(v.Elem().Type().String())
	}
	f.value(v.Elem())
}
