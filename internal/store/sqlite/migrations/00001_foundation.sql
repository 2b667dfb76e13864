-- +goose Up

-- "polw": tells our databases from those of others.
PRAGMA application_id = 1886350455;

-- All times are microseconds since 1970 in UTC, 0 for none; durations are
-- microseconds. Where a row has "encoding", 0 is plain and 1 is zstd.

CREATE TABLE sources (
    name           TEXT    NOT NULL PRIMARY KEY,
    request_key    TEXT    NOT NULL,
    rules_key      TEXT    NOT NULL,
    version        INTEGER NOT NULL,
    sequence       INTEGER NOT NULL,
    etag           TEXT    NOT NULL,
    last_modified  TEXT    NOT NULL,
    raw_hash       BLOB    NOT NULL,
    alert_since    INTEGER NOT NULL,
    alert_failures INTEGER NOT NULL,
    alert_reason   TEXT    NOT NULL,
    alert_told_at  INTEGER NOT NULL,
    accept_removal INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- Bodies are large, so this table keeps its rowid.
CREATE TABLE snapshots (
    source   TEXT    NOT NULL REFERENCES sources (name),
    version  INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    format   TEXT    NOT NULL,
    encoding INTEGER NOT NULL,
    body     BLOB    NOT NULL,
    PRIMARY KEY (source, version)
) STRICT;

CREATE TABLE departed (
    source   TEXT    NOT NULL REFERENCES sources (name),
    key      TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    encoding INTEGER NOT NULL,
    item     BLOB    NOT NULL,
    PRIMARY KEY (source, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX departed_at ON departed (at);

-- The log. AUTOINCREMENT: a position is never used again, even after
-- retention has removed the last one.
CREATE TABLE events (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id       TEXT    NOT NULL UNIQUE,
    type     TEXT    NOT NULL,
    source   TEXT    NOT NULL,
    subject  TEXT    NOT NULL,
    time     INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    alert    INTEGER NOT NULL,
    encoding INTEGER NOT NULL,
    data     BLOB    NOT NULL
) STRICT;

CREATE UNIQUE INDEX events_sequence ON events (source, sequence) WHERE sequence > 0;
CREATE INDEX events_time ON events (time);

CREATE TABLE deliveries (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    event      INTEGER NOT NULL REFERENCES events (position),
    endpoint   TEXT    NOT NULL,
    lane       TEXT    NOT NULL,
    state      TEXT    NOT NULL,
    posts      INTEGER NOT NULL,
    attempts   INTEGER NOT NULL,
    not_before INTEGER NOT NULL,
    replay     INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX deliveries_event ON deliveries (event);
CREATE INDEX deliveries_waiting ON deliveries (endpoint, id) WHERE state = 'waiting';
CREATE INDEX deliveries_waiting_lane ON deliveries (endpoint, lane, id) WHERE state = 'waiting';

CREATE TABLE attempts (
    delivery INTEGER NOT NULL REFERENCES deliveries (id) ON DELETE CASCADE,
    number   INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    duration INTEGER NOT NULL,
    status   INTEGER NOT NULL,
    error    TEXT    NOT NULL,
    encoding INTEGER NOT NULL,
    response BLOB    NOT NULL,
    PRIMARY KEY (delivery, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE endpoint_states (
    name         TEXT    NOT NULL PRIMARY KEY,
    disabled     INTEGER NOT NULL,
    reason       TEXT    NOT NULL,
    since        INTEGER NOT NULL,
    paused_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- "spent" is a JSON array of [time, count].
CREATE TABLE budgets (
    name         TEXT    NOT NULL PRIMARY KEY,
    spent        TEXT    NOT NULL,
    reserved     INTEGER NOT NULL,
    paused_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE next_runs (
    source TEXT    NOT NULL PRIMARY KEY,
    at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One row that is written to learn whether writing works.
CREATE TABLE heartbeat (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    at INTEGER NOT NULL
) STRICT;
