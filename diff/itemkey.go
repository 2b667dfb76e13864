package diff

import (
	"errors"
	"fmt"
)

var errNotForAList = errors.New("the rules are not for a list")

// ItemKey returns the key of an item of a list as it stands there, such as
// [Change.ItemBefore], under rules of a list. Its error is an [ErrBadKey] where
// the item has none under them.
func (r *Rules) ItemKey(item []byte) (string, error) {
	if r.items == nil {
		return "", errNotForAList
	}
	alone := *r.compiled
	alone.keyByGJSON = make([]bool, len(r.items.Key))
	for n := range alone.keyByGJSON {
		alone.keyByGJSON[n] = true // No machine has led to the item.
	}
	f := finds{Rules: &Rules{r.format, &alone}, raw: item, parts: make([]child, len(r.items.Key))}
	if err := f.addKey(item); err != nil {
		return "", fmt.Errorf("%w: %w", ErrBadKey, err)
	}
	return string(f.keys), nil
}
