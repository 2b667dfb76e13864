package bridge

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/poller"
)

// wait notes an item whose detail has not come. What failed before comes last,
// what failed least often first, so that it keeps no other from being fetched.
// The others go on behind where the poll before ended: those at the end of the
// list have their turn though those at its beginning change with each poll.
func (d *detailing) wait(key string, item []byte) {
	d.waiting++
	list := &d.next
	if d.passed {
		list = &d.beyond
	}
	if d.state.failedDetails[key] > 0 {
		list = &d.again
	} else if len(*list) >= d.state.source.Detail.MaxPerPoll {
		return
	}
	*list = append(*list, poller.Want{Key: key, Item: bytes.Clone(item)})
}

// wants are the details that are to be fetched now. A nil detailing wants none.
func (d *detailing) wants(st *state) []poller.Want {
	if d == nil {
		return nil
	}
	slices.SortStableFunc(d.again, func(x, y poller.Want) int {
		return cmp.Compare(st.failedDetails[x.Key], st.failedDetails[y.Key])
	})
	all := slices.Concat(d.beyond, d.next, d.again)
	return all[:min(len(all), st.source.Detail.MaxPerPoll)]
}

// scrolledOut goes through the items that have left a list of newest items
// before their detail has come.
func (d *detailing) scrolledOut(ctx context.Context) error {
	if !d.state.source.scrolls() {
		return nil
	}
	var keys []string
	for key, seen := range d.seen {
		if !d.there[key] && (!hasDetail(seen) || isStale(seen)) {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	left, err := d.bridge.departed(ctx, d.state.source.Name, keys)
	if err != nil {
		return err
	}
	for _, departed := range d.commit.Depart {
		if seen, ok := d.seen[departed.Key]; ok && (!hasDetail(seen) || isStale(seen)) {
			if left == nil {
				left = make(map[string][]byte)
			}
			left[departed.Key] = departed.Item
		}
	}
	for _, key := range slices.Sorted(maps.Keys(left)) {
		if err := d.item(key, left[key]); err != nil {
			return err
		}
	}
	return nil
}

// stale lets the rows of outdated details say so.
func (d *detailing) stale(ctx context.Context) error {
	rows, err := d.load(ctx, d.outdated)
	for _, row := range rows {
		row.Seen = staleItem()
		d.commit.Details = append(d.commit.Details, row)
	}
	return err
}

// sweepSlack is how many rows of items that are not in the list may come
// together until it is looked which of them are still needed.
const sweepSlack = 1000

// sweep drops the rows of items that are neither in the list nor known to have
// left it: what departed is forgotten in time, and other rules can give other
// keys to all items.
func (d *detailing) sweep(ctx context.Context) error {
	var keys []string
	for key := range d.seen {
		if !d.there[key] {
			keys = append(keys, key)
		}
	}
	st := d.state
	if len(keys) == 0 || len(keys) < st.keptDetails {
		return nil
	}
	left, err := d.bridge.departed(ctx, st.source.Name, keys)
	if err != nil {
		return err
	}
	needed := make(map[string]bool, len(left))
	for key := range left {
		needed[key] = true
	}
	for _, departed := range d.commit.Depart {
		needed[departed.Key] = true
	}
	for _, key := range d.commit.DropDetails {
		needed[key] = true // is dropped already
	}
	for _, key := range keys {
		if !needed[key] {
			d.commit.DropDetails = append(d.commit.DropDetails, key)
		}
	}
	d.kept = 2*len(left) + sweepSlack
	return nil
}

// errNoDetail says that an answer is no detail.
var errNoDetail = errors.New("the answer is neither JSON nor XML, so that it is no detail; an error page?")

// readDetail returns a detail in JSON.
func (b *Bridge) readDetail(s *Source, contentType string, body []byte) ([]byte, error) {
	format := s.Format
	if format != diff.JSON && format != diff.XML {
		format = diff.FormatOf(contentType, body, false)
	}
	if format != diff.JSON && format != diff.XML {
		return nil, fmt.Errorf("content type %s: %w", cmp.Or(contentType, "missing"), errNoDetail)
	}
	document, err := b.document(body, format)
	return bytes.Clone(document), err
}

// failure is why the poll counts as failed though what came is kept: no detail
// came, or the credentials do not reach all of them. A nil detailing has none.
func (d *detailing) failure() error {
	if d == nil || len(d.failed) == 0 {
		return nil
	}
	at := -1
	if len(d.failed) == d.asked {
		at = 0
	}
	for i := range d.failed {
		f, ok := errors.AsType[*poller.FetchError](d.failed[i].Err)
		if ok && (f.Status == http.StatusUnauthorized || f.Status == http.StatusForbidden) {
			at = i
			break
		}
	}
	if at < 0 {
		return nil
	}
	return &poller.KeptError{Err: fmt.Errorf("%d of %d details could not be fetched; that of item %q: %w",
		len(d.failed), d.asked, d.failed[at].Key, d.failed[at].Err)}
}

// noteDetails remembers which details failed, and logs when there are new ones
// among them. The caller holds st.mu.
func (b *Bridge) noteDetails(st *state, d *detailing) {
	if d == nil {
		return
	}
	if d.kept > 0 {
		st.keptDetails = d.kept
	}
	for key := range d.came {
		delete(st.failedDetails, key)
	}
	if d.waiting == 0 {
		clear(st.failedDetails)
	}
	news := -1
	for i, f := range d.failed {
		if st.failedDetails == nil {
			st.failedDetails = make(map[string]int)
		}
		if st.failedDetails[f.Key]++; st.failedDetails[f.Key] == 1 && news < 0 {
			news = i
		}
	}
	if news >= 0 {
		b.logger.Warn("details could not be fetched, trying again with the next poll", "source", st.source.Name,
			"failed", len(d.failed), "of", d.asked, "key", d.failed[news].Key, "err", d.failed[news].Err)
	}
	st.lastDetail = ""
	if d.waiting > len(d.failed) {
		st.lastDetail = d.last
		b.logger.Info("details are left to the next poll", "source", st.source.Name, "count", d.waiting-len(d.failed))
	}
}

// hasDetails says whether a commit changes what is known of details.
func hasDetails(c *store.Commit) bool { return len(c.Details)+len(c.DropDetails) > 0 }
