package postgres

import (
	"encoding/hex"
	"fmt"
	"time"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/blob"
)

const (
	shareLeases = `SELECT l.resource, l.node, l.epoch FROM leases l JOIN unnest($1, $2, $3) AS held (resource, node, epoch)
		ON l.resource = held.resource AND l.node = held.node AND l.epoch = held.epoch ORDER BY l.resource FOR SHARE OF l`
	// mayWrite holds for what is under no lease, or under one that shareLeases has
	// locked.
	mayWrite = `(u.resource = '' OR EXISTS
		(SELECT 1 FROM leases l WHERE l.resource = u.resource AND l.node = u.node AND l.epoch = u.epoch))`
	updateSources = `UPDATE sources s SET request_key = u.request_key, rules_key = u.rules_key, etag = u.etag,
		last_modified = u.last_modified, raw_hash = decode(u.raw_hash, 'base64'), cursor = u.cursor, alert_since = u.alert_since,
		alert_failures = u.alert_failures, alert_reason = u.alert_reason, alert_told_at = u.alert_told_at,
		version = s.version + u.grow, sequence = s.sequence + u.changes,
		accept_removal = CASE u.consume WHEN 1 THEN 0 ELSE s.accept_removal END
		FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) AS u (name, request_key, rules_key,
		etag, last_modified, raw_hash, cursor, alert_since, alert_failures, alert_reason, alert_told_at, version, grow, changes, consume,
		resource, node, epoch)
		WHERE s.name = u.name AND s.version = u.version AND ` + mayWrite + `
		RETURNING s.name, s.version, s.sequence, s.accept_removal`
	// insertSources makes the rows of new sources. Their numbers go on after those
	// that the log has under their names, of sources that have another name now.
	insertSources = `INSERT INTO sources (name, request_key, rules_key, etag, last_modified, raw_hash, cursor,
		alert_since, alert_failures, alert_reason, alert_told_at, version, sequence)
		SELECT u.name, u.request_key, u.rules_key, u.etag, u.last_modified, decode(u.raw_hash, 'base64'), u.cursor,
		u.alert_since, u.alert_failures, u.alert_reason, u.alert_told_at, u.grow, u.changes +
		(SELECT coalesce(max(e.sequence), 0) FROM events e WHERE e.source = u.name AND e.sequence > 0)
		FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) AS u (name, request_key, rules_key,
		etag, last_modified, raw_hash, cursor, alert_since, alert_failures, alert_reason, alert_told_at, version, grow, changes, consume,
		resource, node, epoch)
		WHERE ` + mayWrite + ` ON CONFLICT DO NOTHING RETURNING name, version, sequence, accept_removal`
	// selectListed selects which pages are listed by versions that go, and by the
	// oldest one that is kept.
	selectListed = `SELECT s.source, s.version, encode(s.body, 'hex') FROM snapshots s JOIN unnest($1, $2) AS u (source, oldest)
		ON s.source = u.source AND s.version <= u.oldest WHERE s.encoding = 4`
)

// sourceScript begins the transaction of commits: it locks their leases and writes
// the rows of their sources.
type sourceScript struct {
	script
	commits []*commit
	// The places of what the statements give, 0 of those that are left out.
	locked, updated, inserted, listed int
}

func newSourceScript(commits []*commit, idle time.Duration) *sourceScript {
	s := &sourceScript{commits: commits}
	s.begin(idle)
	s.stayOnTimeline(commits)
	var resources, nodes []string
	var epochs []int64
	for _, c := range commits {
		if c.held != nil {
			resources, nodes, epochs = append(resources, c.held.resources[0]), append(nodes, c.held.node), append(epochs, c.held.epochs[0])
		}
	}
	if len(resources) > 0 {
		s.locked = s.add(shareLeases, resources, nodes, epochs)
	}
	var known, fresh sourceColumns
	var aging []string
	var oldest []int64
	for _, c := range commits {
		if c.Source == nil {
			continue
		}
		known.add(c)
		if c.Source.Version == 0 {
			fresh.add(c)
		}
		if c.Snapshot != nil && c.Source.Version >= c.Keep {
			aging, oldest = append(aging, c.Source.Name), append(oldest, c.oldest())
		}
	}
	if len(known.name) > 0 {
		s.updated = s.add(updateSources, known.arguments()...)
	}
	if len(fresh.name) > 0 {
		s.inserted = s.add(insertSources, fresh.arguments()...)
	}
	if len(aging) > 0 {
		s.listed = s.add(selectListed, aging, oldest)
	}
	return s
}

// oldest is the oldest version that is kept once the snapshot is written.
func (c *commit) oldest() int64 { return c.Source.Version + 1 - c.Keep + 1 }

// sourceColumns are the rows of sources by columns.
type sourceColumns struct {
	name, requestKey, rulesKey, etag, lastModified, cursor, reason, resource, node []string
	rawHash                                                                        [][]byte
	since, failures, toldAt, version, grow, changes, consume, epoch                []int64
}

func (s *sourceColumns) add(c *commit) {
	src := c.Source
	s.name, s.requestKey, s.rulesKey = append(s.name, src.Name), append(s.requestKey, src.RequestKey), append(s.rulesKey, src.RulesKey)
	s.etag, s.lastModified = append(s.etag, src.State.ETag), append(s.lastModified, src.State.LastModified)
	s.rawHash, s.cursor = append(s.rawHash, src.State.RawHash[:]), append(s.cursor, src.State.Cursor)
	s.since, s.failures = append(s.since, store.Micros(src.Alert.Since)), append(s.failures, int64(src.Alert.Failures))
	s.reason, s.toldAt = append(s.reason, src.Alert.Reason), append(s.toldAt, store.Micros(src.Alert.ToldAt))
	s.version, s.grow = append(s.version, src.Version), append(s.grow, number(c.Snapshot != nil))
	s.changes, s.consume = append(s.changes, c.Changes), append(s.consume, number(c.Consume))
	var resource, node string
	var epoch int64
	if c.held != nil {
		resource, node, epoch = c.held.resources[0], c.held.node, c.held.epochs[0]
	}
	s.resource, s.node, s.epoch = append(s.resource, resource), append(s.node, node), append(s.epoch, epoch)
}

func (s *sourceColumns) arguments() []any {
	return []any{
		s.name, s.requestKey, s.rulesKey, s.etag, s.lastModified, s.rawHash, s.cursor, s.since, s.failures, s.reason, s.toldAt,
		s.version, s.grow, s.changes, s.consume, s.resource, s.node, s.epoch,
	}
}

// read sets in the commits what their rows hold now, and in those that are refused
// why.
func (s *sourceScript) read(found results) {
	leases, rows := make(map[string]bool), make(map[string]*commit)
	if s.locked > 0 {
		for _, row := range found[s.locked].Rows {
			leases[leaseKey(string(row[0]), string(row[1]), integer(row[2]))] = true
		}
	}
	for _, c := range s.commits {
		if c.Source != nil {
			rows[text(c.Source.Name)] = c
			c.err = store.ErrConflict // until its row is found
		}
	}
	for _, place := range []int{s.updated, s.inserted} {
		if place == 0 {
			continue
		}
		for _, row := range found[place].Rows {
			c := rows[string(row[0])]
			c.Version, c.Sequence, c.Accept, c.err = integer(row[1]), integer(row[2]), integer(row[3]) != 0, nil
		}
	}
	for _, c := range s.commits {
		if c.held != nil && !leases[leaseKey(text(c.held.resources[0]), text(c.held.node), c.held.epochs[0])] {
			c.err = fmt.Errorf("%s: %w", c.held.resources[0], store.ErrNotHeld)
		}
	}
	s.readListed(found, rows)
}

func leaseKey(resource, node string, epoch int64) string {
	return fmt.Sprintf("%s\x00%s\x00%d", resource, node, epoch)
}

// readListed finds the pages that only versions list which go. Since a page is
// shared by versions that follow each other only, the oldest one that is kept lists
// what is still needed.
func (s *sourceScript) readListed(found results, rows map[string]*commit) {
	if s.listed == 0 {
		return
	}
	needed := make(map[*commit]map[int64]bool)
	for _, c := range s.commits {
		c.loosened = nil
	}
	for _, row := range found[s.listed].Rows {
		c := rows[string(row[0])]
		ids, err := decodeListed(row[2])
		if needed[c] == nil {
			needed[c] = c.listsItself()
		}
		switch kept := integer(row[1]) == c.oldest(); {
		case err != nil && kept:
			// What a damaged list has must stay: none of the source's goes.
			needed[c][0] = true
		case kept:
			for _, id := range ids {
				needed[c][id] = true
			}
		default:
			c.loosened = append(c.loosened, ids...)
		}
	}
	for c, kept := range needed {
		var loose []int64
		for _, id := range c.loosened {
			if !kept[id] && !kept[0] {
				kept[id] = true // once is enough
				loose = append(loose, id)
			}
		}
		c.loosened = loose
	}
}

// listsItself returns the pages that a commit lists itself, where its snapshot is the
// oldest one that is kept.
func (c *commit) listsItself() map[int64]bool {
	lists := make(map[int64]bool)
	if c.Staging != nil && c.oldest() == c.Source.Version+1 {
		for _, id := range c.Staging.IDs {
			lists[id] = true
		}
	}
	return lists
}

func decodeListed(column []byte) ([]int64, error) {
	packed, err := hex.DecodeString(string(column))
	if err != nil {
		return nil, err
	}
	return blob.DecodePages(packed)
}
