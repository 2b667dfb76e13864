package postgres

import (
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

// span is a duration that stands as microseconds.
type span time.Duration

var _ pgtype.Int64Scanner = (*span)(nil)

func (s *span) ScanInt64(v pgtype.Int8) error {
	*s = span(time.Duration(v.Int64) * time.Microsecond)
	return nil
}
