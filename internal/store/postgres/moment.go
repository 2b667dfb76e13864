package postgres

import (
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/pollwire/pollwire/internal/store"
)

// moment is a time that stands as store.Micros has it.
type moment time.Time

var _ pgtype.Int64Scanner = (*moment)(nil)

func (m *moment) ScanInt64(v pgtype.Int8) error {
	*m = moment(store.FromMicros(v.Int64))
	return nil
}
