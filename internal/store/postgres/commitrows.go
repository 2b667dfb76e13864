package postgres

const (
	// replaceSnapshots keeps the last snapshots as their differences from the new ones.
	// Since the oldest versions go first, the one that another is rebuilt from is
	// always kept longer.
	replaceSnapshots = `UPDATE snapshots s SET encoding = u.encoding, body = decode(u.body, 'base64')
		FROM unnest($1, $2, $3, $4, $5) AS u (source, version, encoding, body, length)
		WHERE s.source = u.source AND s.version = u.version AND length(s.body) > u.length`
	insertSnapshots = `INSERT INTO snapshots (source, version, at, format, encoding, body)
		SELECT u.source, u.version, u.at, u.format, u.encoding, decode(u.body, 'base64')
		FROM unnest($1, $2, $3, $4, $5, $6) AS u (source, version, at, format, encoding, body)`
	// listPages takes from the loose pages those that snapshots list now, and fails
	// where one is missing.
	listPages = `WITH listed AS (DELETE FROM loose_pages WHERE id = ANY($1) RETURNING id)
		SELECT 1 / (CASE count(*) WHEN $2 THEN 1 ELSE 0 END) FROM listed`
	deleteVersions = `DELETE FROM snapshots s USING unnest($1, $2) AS u (source, oldest)
		WHERE s.source = u.source AND s.version < u.oldest`
	// loosenPages makes pages loose that are removed afterwards: there may be many.
	loosenPages = `INSERT INTO loose_pages (id) SELECT id FROM unnest($1) AS u (id) ON CONFLICT DO NOTHING`

	forgetDeparted = `DELETE FROM departed WHERE source = ANY($1)`
	forgetDetails  = `DELETE FROM details WHERE source = ANY($1)`
	insertDeparted = `INSERT INTO departed (source, key, at, encoding, item)
		SELECT u.source, u.key, u.at, u.encoding, decode(u.item, 'base64')
		FROM unnest($1, $2, $3, $4, $5) AS u (source, key, at, encoding, item)
		ON CONFLICT (source, key) DO UPDATE SET at = excluded.at, encoding = excluded.encoding, item = excluded.item`
	returnDeparted = `DELETE FROM departed d USING unnest($1, $2) AS u (source, key) WHERE d.source = u.source AND d.key = u.key`
	insertDetails  = `INSERT INTO details (source, key, at, encoding, body, seen, format)
		SELECT u.source, u.key, u.at, u.encoding, decode(u.body, 'base64'), decode(u.seen, 'base64'), u.format
		FROM unnest($1, $2, $3, $4, $5, $6, $7) AS u (source, key, at, encoding, body, seen, format)
		ON CONFLICT (source, key) DO UPDATE SET seen = excluded.seen, at = excluded.at, format = excluded.format,
		encoding = excluded.encoding, body = excluded.body`
	deleteDetails = `DELETE FROM details d USING unnest($1, $2) AS u (source, key) WHERE d.source = u.source AND d.key = u.key`
)

// writeRows adds to a script what commits write besides the rows of their sources
// and the log.
func writeRows(s *script, commits []*commit) {
	writeSnapshots(s, commits)
	var forget []string
	var departed, details blobColumns
	var returned, dropped keyColumns
	for _, c := range commits {
		if c.Forget {
			forget = append(forget, c.Source.Name)
		}
		// One statement writes a row once: the last one of a key counts.
		last := lastOf(c.Departed)
		for i, row := range c.Departed {
			if last[row.Key] == i {
				departed.add(c.Source.Name, 0, row)
			}
		}
		last = lastOf(c.Details)
		for i, row := range c.Details {
			if last[row.Key] == i {
				details.add(c.Source.Name, 0, row)
			}
		}
		for _, key := range c.Returned {
			returned.add(c.Source.Name, key)
		}
		for _, key := range c.Dropped {
			dropped.add(c.Source.Name, key)
		}
	}
	if len(forget) > 0 {
		s.add(forgetDeparted, forget)
		s.add(forgetDetails, forget)
	}
	if len(departed.source) > 0 {
		s.add(insertDeparted, departed.source, departed.key, departed.at, departed.encoding, departed.blob)
	}
	if len(returned.source) > 0 {
		s.add(returnDeparted, returned.source, returned.key)
	}
	if len(dropped.source) > 0 {
		s.add(deleteDetails, dropped.source, dropped.key)
	}
	if len(details.source) > 0 {
		s.add(insertDetails, details.source, details.key, details.at, details.encoding, details.blob, details.seen, details.format)
	}
}

func writeSnapshots(s *script, commits []*commit) {
	var previous, snapshots blobColumns
	var staged, loosened, oldest []int64
	var aging []string
	for _, c := range commits {
		if c.Snapshot == nil {
			continue
		}
		name := c.Source.Name
		if c.Previous != nil {
			previous.add(name, c.Source.Version, *c.Previous)
		}
		snapshots.add(name, c.Version, *c.Snapshot)
		if c.Staging != nil {
			staged = append(staged, c.Staging.Staged...)
		}
		if c.Version > c.Keep {
			aging, oldest = append(aging, name), append(oldest, c.oldest())
			loosened = append(loosened, c.loosened...)
		}
	}
	if len(previous.source) > 0 {
		s.add(replaceSnapshots, previous.source, previous.version, previous.encoding, previous.blob, previous.length)
	}
	if len(snapshots.source) > 0 {
		s.add(insertSnapshots, snapshots.source, snapshots.version, snapshots.at, snapshots.format, snapshots.encoding, snapshots.blob)
	}
	if len(staged) > 0 {
		s.add(listPages, staged, int64(len(staged)))
	}
	if len(aging) > 0 {
		s.add(deleteVersions, aging, oldest)
	}
	if len(loosened) > 0 {
		s.add(loosenPages, loosened)
	}
}
