-- +goose Up

-- "key" names the item of a delivery of which only the latest is to be told,
-- '' where all are. "batch" is the id of the batch that the delivery is told
-- in, '' before it has one, and for ever where it is told alone.
ALTER TABLE deliveries ADD COLUMN key TEXT NOT NULL DEFAULT '';
ALTER TABLE deliveries ADD COLUMN batch TEXT NOT NULL DEFAULT '';

CREATE INDEX deliveries_key ON deliveries (endpoint, key, id) WHERE state = 'waiting' AND key <> '';
CREATE INDEX deliveries_batch ON deliveries (batch) WHERE state = 'waiting' AND batch <> '';
CREATE INDEX deliveries_dead ON deliveries (endpoint, id) WHERE state = 'dead';

-- "told" says that it was told to be failing, "untold" is the type of an alert
-- of it that is still to be told. "lane_order" is the order by which its waiting
-- deliveries have their lanes, '' for the one of earlier versions: source.
ALTER TABLE endpoint_states ADD COLUMN paused INTEGER NOT NULL DEFAULT 0;
ALTER TABLE endpoint_states ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE endpoint_states ADD COLUMN failing_since INTEGER NOT NULL DEFAULT 0;
ALTER TABLE endpoint_states ADD COLUMN failed_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE endpoint_states ADD COLUMN open_until INTEGER NOT NULL DEFAULT 0;
ALTER TABLE endpoint_states ADD COLUMN cooldown INTEGER NOT NULL DEFAULT 0;
ALTER TABLE endpoint_states ADD COLUMN told INTEGER NOT NULL DEFAULT 0;
ALTER TABLE endpoint_states ADD COLUMN untold TEXT NOT NULL DEFAULT '';
ALTER TABLE endpoint_states ADD COLUMN lane_order TEXT NOT NULL DEFAULT '';

-- What an endpoint is told besides what happens now: the log again, or the log
-- from before it was there.
CREATE TABLE replays (
    id          TEXT    NOT NULL PRIMARY KEY,
    endpoint    TEXT    NOT NULL,
    source      TEXT    NOT NULL,
    since       INTEGER NOT NULL,
    until       INTEGER NOT NULL,
    dead        INTEGER NOT NULL,
    -- first says that the endpoint has not been told these events before.
    first       INTEGER NOT NULL,
    -- The position that was reached, and the one where it ends.
    reached     INTEGER NOT NULL,
    last        INTEGER NOT NULL,
    told        INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    finished_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Endpoints that were registered over the API. URL and secret are sealed
-- before they come here; sources and events are JSON arrays.
CREATE TABLE subscriptions (
    id         TEXT    NOT NULL PRIMARY KEY,
    sealed     BLOB    NOT NULL,
    sources    TEXT    NOT NULL,
    events     TEXT    NOT NULL,
    filter     TEXT    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
