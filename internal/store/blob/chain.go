package blob

import (
	"fmt"

	"github.com/pollwire/pollwire/internal/store"
)

// Chain rebuilds a version of a snapshot or of a page from newer ones. There is one
// at a time in it: they may be many, and large.
type Chain struct {
	// Number is that of the last one that was added; 0 before the first.
	Number int64
	// Body is what it holds, and Pages are the numbers of its pages where it lists
	// some.
	Body  []byte
	Pages []int64

	codec *Codec
}

// Chain returns one that nothing was added to.
func (c *Codec) Chain() *Chain { return &Chain{codec: c} }

// Add adds the next one, as it is stored: one that is whole, or a difference from
// the base, which was the one before it.
func (c *Chain) Add(number, base int64, e Encoding, packed []byte) error {
	var body []byte
	var pages []int64
	var err error
	switch {
	case e == Listed:
		pages, err = DecodePages(packed)
	case !e.IsDelta():
		body, err = c.codec.Decode(e, packed)
	case c.Number == 0 || base != c.Number:
		err = fmt.Errorf("the one after it, from which it is rebuilt, is missing: %w", store.ErrDamaged)
	default:
		body, err = c.codec.Rebuild(e, packed, c.Body)
	}
	if err != nil {
		return err
	}
	c.Number, c.Body, c.Pages = number, body, pages
	return nil
}
