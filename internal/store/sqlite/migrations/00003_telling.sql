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
-- of it that is still to be told.
ALTER TABLE endpoint_states ADD COLUMN paused INTEGER NOT NULL DEFAULT 0;
ALTER TABLE endpoint_states ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE endpoint_states ADD COLUMN failing_since INTEGER NOT NULL DEFAULT 0;
ALTER TABLE endpoint_states ADD COLUMN failed_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE endpoint_states ADD COLUMN open_until INTEGER NOT NULL DEFAULT 0;
ALTER TABLE endpoint_states ADD COLUMN cooldown INTEGER NOT NULL DEFAULT 0;
ALTER TABLE endpoint_states ADD COLUMN told INTEGER NOT NULL DEFAULT 0;
ALTER TABLE endpoint_states ADD COLUMN untold TEXT NOT NULL DEFAULT '';

-- The endpoints of which it was told that something has waited for them for long.
CREATE TABLE overdue_told (
    endpoint TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- What an endpoint is told besides what happens now: the log again, or the log
-- from before it was there. The row of the latter stays for ever: its endpoint
-- is not new any more.
CREATE TABLE replays (
    -- Of the same id are those to several endpoints that were asked for together,
    -- 'first' are the ones of new endpoints.
    id          TEXT    NOT NULL,
    endpoint    TEXT    NOT NULL,
    source      TEXT    NOT NULL,
    since       INTEGER NOT NULL,
    until       INTEGER NOT NULL,
    dead        INTEGER NOT NULL,
    -- first says that the endpoint has not been told these events before.
    first       INTEGER NOT NULL,
    -- Where it began, what was reached, and where it ends: positions of the log,
    -- or delivery ids where "dead" is set.
    start       INTEGER NOT NULL,
    reached     INTEGER NOT NULL,
    last        INTEGER NOT NULL,
    told        INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    finished_at INTEGER NOT NULL,
    PRIMARY KEY (id, endpoint)
) STRICT, WITHOUT ROWID;

CREATE INDEX replays_open ON replays (created_at) WHERE finished_at = 0;
CREATE INDEX replays_first ON replays (endpoint) WHERE first = 1 AND finished_at = 0;
CREATE INDEX deliveries_replay ON deliveries (endpoint) WHERE state = 'waiting' AND replay = 1;

-- Whoever was told something before is not new.
INSERT INTO replays SELECT 'first', endpoint, '', 0, 0, 0, 1, 0, 0, 0, 0, 1, 1
    FROM (SELECT endpoint FROM deliveries UNION SELECT name FROM endpoint_states);

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
