package dashboard

import (
	"fmt"
	"html/template"
	"net/http"
	"time"

	"github.com/pollwire/pollwire/internal/server"
)

// shownSharers is how many sources of a limit are named.
const shownSharers = 6

// limitRow is a rate limit as its page shows it.
type limitRow struct {
	server.Limit
	Badge badge
	Meter template.HTML
	// Held is until when its server asked to be left alone; nil where it does not.
	Held *time.Time
	// Named are the first of its sources, MoreSources how many there are besides.
	Named       []string
	MoreSources int
}

func newLimitRow(l *server.Limit) limitRow {
	row := limitRow{Limit: *l, Badge: badge{toneOK, "ok"}, Meter: limitMeter(l)}
	row.Named = l.Sources[:min(len(l.Sources), shownSharers)]
	row.MoreSources = len(l.Sources) - len(row.Named)
	switch tone := limitTone(l); {
	case l.PausedUntil != nil && l.PausedUntil.After(time.Now()):
		row.Held, row.Badge = l.PausedUntil, badge{toneWarn, "held"}
	case tone == toneBad:
		row.Badge = badge{toneBad, "used up"}
	case tone == toneWarn:
		row.Badge = badge{toneWarn, "nearly used"}
	}
	return row
}

// limits shows how much of each budget is used and left.
func (h *Handler) limits(r *http.Request) (*view, error) {
	list, err := h.opts.Controller.Limits(r.Context())
	if err != nil {
		return nil, fmt.Errorf("look at limits: %w", err)
	}
	rows := make([]limitRow, len(list))
	for i := range list {
		rows[i] = newLimitRow(&list[i])
	}
	return &view{Title: "Limits", Page: rows}, nil
}
