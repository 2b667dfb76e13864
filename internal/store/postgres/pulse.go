package postgres

import (
	"context"

	"github.com/pollwire/pollwire/internal/store"
)

const (
	pulse = `SELECT h.position, h.delivery, c.generation FROM log_head AS h, cluster AS c WHERE h.id = 1 AND c.id = 1`
	stir  = `UPDATE cluster SET generation = generation + 1 WHERE id = 1`
)

// Pulse returns how far the database has come, whoever wrote it.
func (s *Store) Pulse(ctx context.Context) (p store.Pulse, err error) {
	err = s.vital.QueryRow(ctx, pulse).Scan(&p.Position, &p.Delivery, &p.Generation)
	return p, s.failure(ctx, err)
}

// Stir makes all nodes look at what is shared: something is new there.
func (s *Store) Stir(ctx context.Context) error {
	return s.exec(ctx, stir)
}
