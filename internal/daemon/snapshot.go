package daemon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/store"
)

func (c *control) Snapshot(ctx context.Context, q server.SnapshotQuery) (*server.Snapshot, error) {
	if c.d.setup.Load().sources[q.Source] == nil {
		return nil, noSource(q.Source)
	}
	var kept store.Snapshot
	var err error
	if q.Version == 0 {
		kept, err = c.d.store.Snapshot(ctx, q.Source)
	} else {
		kept, err = c.d.store.SnapshotAt(ctx, q.Source, q.Version)
	}
	if errors.Is(err, store.ErrNotFound) {
		return nil, c.noSnapshot(ctx, q)
	}
	if err != nil {
		return nil, err
	}
	pages := kept.Pages
	if pages == nil {
		pages = diff.OnePage(kept.Body)
	}
	told := &server.Snapshot{Version: kept.Version, At: kept.At, Format: kept.Format, Pages: pages.Len()}
	if q.Page > told.Pages {
		return nil, &server.Refusal{Status: http.StatusNotFound, Reason: fmt.Sprintf("snapshot %d of source %q has no page %d: the last is %d", kept.Version, q.Source, q.Page, told.Pages)}
	}
	body, err := pages.Page(q.Page - 1)
	if errors.Is(err, store.ErrNotFound) {
		return nil, c.noSnapshot(ctx, q) // a newer one has taken its place meanwhile
	}
	told.Body = bytes.Clone(body)
	return told, err
}

// noSnapshot says why there is no such snapshot, and which there are.
func (c *control) noSnapshot(ctx context.Context, q server.SnapshotQuery) error {
	kept, err := c.d.store.Snapshots(ctx, q.Source)
	if err != nil {
		return err
	}
	reason := fmt.Sprintf("source %q has no snapshot yet: none of its answers has been accepted", q.Source)
	if len(kept) > 0 {
		reason = fmt.Sprintf("snapshot %d of source %q is not kept: those from %d to %d are (storage.retention.snapshots)",
			q.Version, q.Source, kept[0].Number, kept[len(kept)-1].Number)
	}
	return &server.Refusal{Status: http.StatusNotFound, Reason: reason}
}
