package expression

import (
	"fmt"
	"math"
	"math/big"

	"github.com/tidwall/gjson"
)

// Change is what an expression of a change is about.
type Change struct {
	// Kind is created, updated or deleted.
	Kind              string
	Type, Source, Key string
	// Before and After are the values in JSON, a text as a JSON string; nil where
	// there is none.
	Before, After []byte
	// Changed returns the JSON pointers (RFC 6901) of what made it an update, so
	// that what is ignored is no change of a path either. It is called only where
	// it matters; nil where that is not known.
	Changed func() []string

	// env is what expressions see of it, made once for all that are asked; of the
	// values it has those that one has used.
	env map[string]any
}

// Change says whether the expression holds of a change. What it does not use is
// not parsed, and what several use is parsed once, so that they must not be asked
// at the same time, and the change must stay as it is.
func (p *Program) Change(c *Change) (bool, error) {
	if c.env == nil {
		c.env = map[string]any{"change": c.Kind, "type": c.Type, "source": c.Source, "key": c.Key}
		for name, function := range functions(c) {
			c.env[name] = function
		}
	}
	item := c.After
	if c.Kind == "deleted" {
		item = c.Before
	}
	for name, value := range map[string][]byte{"before": c.Before, "after": c.After, "item": item} {
		if _, done := c.env[name]; done || !p.use(name) {
			continue
		}
		parsed, err := parse(value)
		if err != nil {
			return false, fmt.Errorf("%s: %w", name, err)
		}
		c.env[name] = parsed
	}
	return p.run(c.env)
}

// Item says whether the expression holds of an item, in JSON.
func (p *Program) Item(item []byte) (bool, error) { return p.one("item", item) }

// Answer says whether the expression holds of an answer, in JSON.
func (p *Program) Answer(document []byte) (bool, error) { return p.one("document", document) }

func (p *Program) one(name string, data []byte) (bool, error) {
	env := make(map[string]any, 2)
	if p.use(name) {
		value, err := parse(data)
		if err != nil {
			return false, fmt.Errorf("%s: %w", name, err)
		}
		env[name] = value
	}
	return p.run(env)
}

// functions are those that compare a path before and after.
func functions(c *Change) map[string]any {
	return map[string]any{
		"changed": func(path string) (bool, error) { return c.changed(path) },
		"delta": func(path string) (any, error) {
			before, after, err := c.numbers("delta", path)
			if err != nil || before == nil || after == nil {
				return nil, err
			}
			return fromDecimal(new(big.Rat).Sub(after, before)), nil
		},
		"delta_percent": func(path string) (any, error) {
			before, after, err := c.numbers("delta_percent", path)
			if err != nil || before == nil || after == nil {
				return nil, err
			}
			return percent(before, after), nil
		},
		"increased": func(path string) (bool, error) { return c.moved("increased", path, 1) },
		"decreased": func(path string) (bool, error) { return c.moved("decreased", path, -1) },
	}
}

// changed says whether what a path leads to is another one, or is on one side
// only.
func (c *Change) changed(path string) (bool, error) {
	before, err := lookUp(c.Before, path)
	if err != nil {
		return false, err
	}
	after, err := lookUp(c.After, path)
	if err != nil {
		return false, err
	}
	if before.Exists() != after.Exists() {
		return c.counts(path), nil
	}
	if !before.Exists() {
		return false, nil
	}
	x, err := decode([]byte(before.Raw))
	if err != nil {
		return false, fmt.Errorf("changed(%q): %w", path, err)
	}
	y, err := decode([]byte(after.Raw))
	if err != nil {
		return false, fmt.Errorf("changed(%q): %w", path, err)
	}
	return !same(x, y) && c.counts(path), nil
}

// counts says whether a path has to do with what made the change one. Where
// something was ignored it may not.
func (c *Change) counts(path string) bool {
	if c.Before == nil || c.After == nil || c.Changed == nil {
		return true
	}
	steps, ok := simple(path)
	if !ok {
		return true
	}
	pointers := c.Changed()
	for _, pointer := range pointers {
		if related(steps, pointer) {
			return true
		}
	}
	return len(pointers) == 0 // a text has none
}

func (c *Change) moved(name, path string, sign int) (bool, error) {
	before, after, err := c.numbers(name, path)
	if err != nil || before == nil || after == nil {
		return false, err
	}
	return after.Cmp(before) == sign, nil
}

// numbers are what a path leads to before and after; nil where there is nothing.
func (c *Change) numbers(name, path string) (before, after *big.Rat, err error) {
	for _, side := range []struct {
		data []byte
		into **big.Rat
	}{{c.Before, &before}, {c.After, &after}} {
		found, err := lookUp(side.data, path)
		if err != nil {
			return nil, nil, err
		}
		if !found.Exists() {
			continue
		}
		value, err := decode([]byte(found.Raw))
		if err == nil {
			*side.into, err = decimal(value)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("%s(%q): %w", name, path, err)
		}
	}
	return before, after, nil
}

// percent is the change from before to after as a share of before; infinite
// where before is 0 and after is not.
func percent(before, after *big.Rat) any {
	difference := new(big.Rat).Sub(after, before)
	if before.Sign() == 0 {
		if difference.Sign() == 0 {
			return 0
		}
		return math.Inf(difference.Sign())
	}
	share := difference.Quo(difference, new(big.Rat).Abs(before))
	return fromDecimal(share.Mul(share, big.NewRat(100, 1)))
}

// lookUp follows a gjson path; "@this" is all of the value.
func lookUp(data []byte, path string) (gjson.Result, error) {
	if path == "" {
		return gjson.Result{}, fmt.Errorf(`the path is empty; "@this" is all of it`)
	}
	if data == nil {
		return gjson.Result{}, nil
	}
	return gjson.GetBytes(data, path), nil
}
