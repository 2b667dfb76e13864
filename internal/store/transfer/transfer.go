// Package transfer moves a database from one engine to the other. It knows tables
// and rows, and nothing of what they mean.
package transfer

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/pollwire/pollwire/internal/store"
)

// Options say what is copied.
type Options struct {
	// From and To are the DSNs of two databases, of two engines. To must be empty.
	From, To string
	// Version is the version of this program.
	Version string
	// Progress is told how far the copy is; nil for nobody. It must return soon.
	Progress func(Progress)
}

// Progress is how far a copy is.
type Progress struct {
	// Table is what is being worked at, Checking says that it was copied and is read
	// again.
	Table    string
	Checking bool
	// Done counts rows that were copied, and rows that were read again; Total is what
	// it will be.
	Done, Total int64
}

// Copied is what a copy came to.
type Copied struct {
	// From and To name the databases, without secrets.
	From, To string
	Tables   []Count
}

// Count is how many rows of a table there are on both sides.
type Count struct {
	Table    string
	From, To int64
	// Same says that they are the same rows.
	Same bool
}

// Rows counts all rows that were copied.
func (c *Copied) Rows() (n int64) {
	for _, t := range c.Tables {
		n += t.To
	}
	return n
}

// database is one of an engine, with its tables open to be read.
type database interface {
	// Name is what people call it, without its password.
	Name() string
	// Columns returns the columns of a table, none where there is no such table.
	Columns(ctx context.Context, table string) ([]store.Column, error)
	// Count counts the rows of a table.
	Count(ctx context.Context, table string) (int64, error)
	// Rows reads a table, in any order. Each row is the caller's own.
	Rows(ctx context.Context, t store.Table) iter.Seq2[store.Row, error]
	// Close lets go of it. A target that was not kept is as it was before.
	Close() error
}

// origin is a database as it was at one moment.
type origin interface {
	database
	// Ends returns the last numbers that were given.
	Ends(ctx context.Context) (store.Ends, error)
	// Confirm fails where something was written since it was opened.
	Confirm(ctx context.Context) error
}

// target is a database that is filled.
type target interface {
	database
	// Fill adds rows until there is none, or one comes with an error.
	Fill(ctx context.Context, t store.Table, rows iter.Seq2[store.Row, error]) error
	// Keep makes all of it durable, and visible at once.
	Keep(ctx context.Context, ends store.Ends) error
}

// ErrDiffers says that a copy is not what it was copied from. It was not kept.
var ErrDiffers = errors.New("the copy differs from the original, and was not kept")

// Copy copies all that must survive from a database into an empty one, and reads it
// there again before it is kept. No daemon may run on either of them. Whatever ends
// it before, nothing is in the other database. The counts are returned beside
// ErrDiffers too.
func Copy(ctx context.Context, o Options) (*Copied, error) {
	from, to, err := open(ctx, o)
	if err != nil {
		return nil, err
	}
	return run(ctx, from, to, o.Progress)
}

// run copies from one database to the other, and closes both.
func run(ctx context.Context, from origin, to target, progress func(Progress)) (*Copied, error) {
	c := &copying{from: from, to: to, progress: progress, copied: &Copied{From: from.Name(), To: to.Name()}}
	err := c.run(ctx)
	if ctx.Err() != nil && err != nil {
		err = fmt.Errorf("copy given up, and nothing of it is kept: %w", context.Cause(ctx))
	}
	if err != nil && !errors.Is(err, ErrDiffers) {
		c.copied = nil
	}
	if closed := errors.Join(to.Close(), from.Close()); err == nil && closed != nil {
		err = fmt.Errorf("the copy is complete, but: %w", closed)
	}
	return c.copied, err
}

// copying is a copy that is under way.
type copying struct {
	from     origin
	to       target
	progress func(Progress)
	at       Progress
	summer   summer
	copied   *Copied
}

func (c *copying) run(ctx context.Context) error {
	all, err := common(ctx, c.from, c.to)
	if err != nil {
		return err
	}
	counts := make([]int64, len(all))
	for i, t := range all {
		if counts[i], err = c.count(ctx, t); err != nil {
			return err
		}
		c.at.Total += 2 * counts[i]
	}
	differ := false
	for i, t := range all {
		count, err := c.table(ctx, t)
		if err != nil {
			return fmt.Errorf("copy table %s: %w", t.Name, err)
		}
		if count.From != counts[i] { // reading missed some
			count.From, count.Same = counts[i], false
		}
		c.copied.Tables = append(c.copied.Tables, count)
		differ = differ || !count.Same
	}
	if differ {
		return ErrDiffers
	}
	ends, err := c.from.Ends(ctx)
	if err != nil {
		return err
	}
	if err := c.from.Confirm(ctx); err != nil {
		return err
	}
	return c.to.Keep(ctx, ends)
}

// count counts the rows of a table that are to be copied, which the target must
// have none of.
func (c *copying) count(ctx context.Context, t store.Table) (int64, error) {
	there, err := c.to.Count(ctx, t.Name)
	if err != nil {
		return 0, fmt.Errorf("count table %s of %s: %w", t.Name, c.to.Name(), err)
	}
	if there > 0 {
		return 0, fmt.Errorf("%s is not empty: its table %s has %d rows; copy into a new database", c.to.Name(), t.Name, there)
	}
	n, err := c.from.Count(ctx, t.Name)
	if err != nil {
		return 0, fmt.Errorf("count table %s of %s: %w", t.Name, c.from.Name(), err)
	}
	return n, nil
}

// table copies a table, and reads what has become of it.
func (c *copying) table(ctx context.Context, t store.Table) (Count, error) {
	c.at.Table, c.at.Checking = t.Name, false
	var read, written sum
	err := c.to.Fill(ctx, t, func(yield func(store.Row, error) bool) {
		for row, err := range c.from.Rows(ctx, t) {
			if err != nil {
				yield(nil, fmt.Errorf("read %s: %w", c.from.Name(), err))
				return
			}
			c.summer.add(&read, row)
			if !yield(row, nil) {
				return
			}
			c.step()
		}
	})
	if err != nil {
		return Count{}, err
	}
	c.at.Checking = true
	for row, err := range c.to.Rows(ctx, t) {
		if err != nil {
			return Count{}, fmt.Errorf("read %s: %w", c.to.Name(), err)
		}
		c.summer.add(&written, row)
		c.step()
	}
	return Count{Table: t.Name, From: read.rows, To: written.rows, Same: read == written}, nil
}

// step tells of one row more.
func (c *copying) step() {
	c.at.Done++
	if c.progress != nil {
		c.progress(c.at)
	}
}
