-- needs 1

-- The tables and columns are those of SQLite's engine, so that a database moves
-- from one to the other row by row. All times are microseconds since 1970 in UTC,
-- 0 for none, but for those that the database's own clock gives; durations are
-- microseconds; yes is 1 and no is 0. Where a row has "encoding", 0 is plain and 1
-- is zstd. Text is ordered by its bytes.
--
-- There are no foreign keys: each would lock a row for each row that is written.

CREATE TABLE sources (
    name           TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    request_key    TEXT             NOT NULL,
    rules_key      TEXT             NOT NULL,
    version        BIGINT           NOT NULL,
    sequence       BIGINT           NOT NULL,
    etag           TEXT             NOT NULL,
    last_modified  TEXT             NOT NULL,
    raw_hash       BYTEA            NOT NULL,
    alert_since    BIGINT           NOT NULL,
    alert_failures BIGINT           NOT NULL,
    alert_reason   TEXT             NOT NULL,
    alert_told_at  BIGINT           NOT NULL,
    accept_removal BIGINT           NOT NULL DEFAULT 0,
    -- What an incremental source has reached.
    cursor         TEXT             NOT NULL DEFAULT ''
);

CREATE TABLE snapshots (
    source   TEXT COLLATE "C" NOT NULL,
    version  BIGINT           NOT NULL,
    at       BIGINT           NOT NULL,
    format   TEXT             NOT NULL,
    encoding BIGINT           NOT NULL,
    body     BYTEA            NOT NULL,
    PRIMARY KEY (source, version)
);

CREATE TABLE departed (
    source   TEXT COLLATE "C" NOT NULL,
    key      TEXT COLLATE "C" NOT NULL,
    at       BIGINT           NOT NULL,
    encoding BIGINT           NOT NULL,
    item     BYTEA            NOT NULL,
    PRIMARY KEY (source, key)
);

CREATE INDEX departed_at ON departed (at);

CREATE TABLE details (
    source   TEXT COLLATE "C" NOT NULL,
    key      TEXT COLLATE "C" NOT NULL,
    seen     BYTEA            NOT NULL,
    at       BIGINT           NOT NULL,
    format   TEXT             NOT NULL,
    encoding BIGINT           NOT NULL,
    body     BYTEA            NOT NULL,
    PRIMARY KEY (source, key)
);

-- The pages of snapshots of several. Such a snapshot's own body lists the
-- numbers of its pages, and its encoding is 4. A page that did not change is
-- one row, which all versions that have it list; one that no version lists
-- stands in loose_pages.
CREATE TABLE pages (
    id         BIGINT NOT NULL PRIMARY KEY,
    -- SHA-256 of the page.
    hash       BYTEA  NOT NULL,
    -- How many pages it has replaced, one after the other.
    generation BIGINT NOT NULL,
    -- The page that a difference is from; 0 of a page that is whole.
    base       BIGINT NOT NULL,
    encoding   BIGINT NOT NULL,
    body       BYTEA  NOT NULL
);

-- The pages that no version lists: those of a commit that is under way or was
-- not finished, and those whose versions are gone, until they are removed. Those
-- of a commit under way are of a node that lives.
CREATE TABLE loose_pages (
    id   BIGINT           NOT NULL PRIMARY KEY,
    node TEXT COLLATE "C" NOT NULL DEFAULT ''
);

-- The last number that was given to a page. None is used again, so that a reader
-- never meets another page under it.
CREATE TABLE page_numbers (
    id   INT    NOT NULL PRIMARY KEY CHECK (id = 1),
    last BIGINT NOT NULL
);
INSERT INTO page_numbers VALUES (1, 0);

-- The end of the log. Whoever adds to the log or to the deliveries takes his
-- numbers from this row, and holds it until his commit: so numbers become visible
-- in their order, and whoever has read up to one has missed nothing below it.
CREATE TABLE log_head (
    id       INT    NOT NULL PRIMARY KEY CHECK (id = 1),
    position BIGINT NOT NULL,
    delivery BIGINT NOT NULL
) WITH (fillfactor = 10);
INSERT INTO log_head VALUES (1, 0, 0);

CREATE TABLE events (
    position BIGINT           NOT NULL PRIMARY KEY,
    id       TEXT COLLATE "C" NOT NULL UNIQUE,
    type     TEXT             NOT NULL,
    source   TEXT COLLATE "C" NOT NULL,
    subject  TEXT             NOT NULL,
    time     BIGINT           NOT NULL,
    sequence BIGINT           NOT NULL,
    alert    BIGINT           NOT NULL,
    encoding BIGINT           NOT NULL,
    data     BYTEA            NOT NULL
);

CREATE UNIQUE INDEX events_sequence ON events (source, sequence) WHERE sequence > 0;
CREATE INDEX events_time ON events (time, position) INCLUDE (source, sequence);

CREATE TABLE deliveries (
    id         BIGINT           NOT NULL PRIMARY KEY,
    event      BIGINT           NOT NULL,
    endpoint   TEXT COLLATE "C" NOT NULL,
    lane       TEXT COLLATE "C" NOT NULL,
    state      TEXT             NOT NULL,
    posts      BIGINT           NOT NULL,
    attempts   BIGINT           NOT NULL,
    not_before BIGINT           NOT NULL,
    replay     BIGINT           NOT NULL,
    created_at BIGINT           NOT NULL,
    -- The item of a delivery of which only the latest is to be told, '' where all
    -- are; and the id of the batch that it is told in, '' before it has one, and
    -- for ever where it is told alone.
    key        TEXT COLLATE "C" NOT NULL DEFAULT '',
    batch      TEXT COLLATE "C" NOT NULL DEFAULT ''
);

CREATE INDEX deliveries_event ON deliveries (event);
CREATE INDEX deliveries_waiting ON deliveries (endpoint, id) WHERE state = 'waiting';
CREATE INDEX deliveries_waiting_lane ON deliveries (endpoint, lane, id) WHERE state = 'waiting';
CREATE INDEX deliveries_key ON deliveries (endpoint, key, id) WHERE state = 'waiting' AND key <> '';
CREATE INDEX deliveries_batch ON deliveries (batch) WHERE state = 'waiting' AND batch <> '';
CREATE INDEX deliveries_dead ON deliveries (endpoint, id) WHERE state = 'dead';
CREATE INDEX deliveries_replay ON deliveries (endpoint) WHERE state = 'waiting' AND replay = 1;

CREATE TABLE attempts (
    delivery BIGINT NOT NULL,
    number   BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    duration BIGINT NOT NULL,
    status   BIGINT NOT NULL,
    error    TEXT   NOT NULL,
    encoding BIGINT NOT NULL,
    response BYTEA  NOT NULL,
    PRIMARY KEY (delivery, number)
);

CREATE TABLE endpoint_states (
    name          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    disabled      BIGINT           NOT NULL,
    reason        TEXT             NOT NULL,
    since         BIGINT           NOT NULL,
    paused_until  BIGINT           NOT NULL,
    paused        BIGINT           NOT NULL DEFAULT 0,
    failures      BIGINT           NOT NULL DEFAULT 0,
    failing_since BIGINT           NOT NULL DEFAULT 0,
    failed_at     BIGINT           NOT NULL DEFAULT 0,
    open_until    BIGINT           NOT NULL DEFAULT 0,
    cooldown      BIGINT           NOT NULL DEFAULT 0,
    told          BIGINT           NOT NULL DEFAULT 0,
    untold        TEXT             NOT NULL DEFAULT ''
);

-- "spent" is a JSON array of [time, count].
CREATE TABLE budgets (
    name         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    spent        TEXT             NOT NULL,
    reserved     BIGINT           NOT NULL,
    paused_until BIGINT           NOT NULL
);

CREATE TABLE next_runs (
    source TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    at     BIGINT           NOT NULL
);

CREATE TABLE paused_sources (
    source TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    since  BIGINT           NOT NULL
);

-- Sealed before they come here.
CREATE TABLE tokens (
    name   TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    sealed BYTEA            NOT NULL
);

-- The endpoints of which it was told that something has waited for them for long.
CREATE TABLE overdue_told (
    endpoint TEXT COLLATE "C" NOT NULL PRIMARY KEY
);

-- What an endpoint is told besides what happens now: the log again, or the log
-- from before it was there. The row of the latter stays for ever: its endpoint
-- is not new any more.
CREATE TABLE replays (
    id          TEXT COLLATE "C" NOT NULL,
    endpoint    TEXT COLLATE "C" NOT NULL,
    source      TEXT             NOT NULL,
    since       BIGINT           NOT NULL,
    until       BIGINT           NOT NULL,
    dead        BIGINT           NOT NULL,
    first       BIGINT           NOT NULL,
    start       BIGINT           NOT NULL,
    reached     BIGINT           NOT NULL,
    last        BIGINT           NOT NULL,
    told        BIGINT           NOT NULL,
    created_at  BIGINT           NOT NULL,
    finished_at BIGINT           NOT NULL,
    PRIMARY KEY (id, endpoint)
);

CREATE INDEX replays_open ON replays (created_at) WHERE finished_at = 0;
CREATE INDEX replays_first ON replays (endpoint) WHERE first = 1 AND finished_at = 0;

-- Endpoints that were registered over the API. URL and secret are sealed
-- before they come here; sources and events are JSON arrays.
CREATE TABLE subscriptions (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    sealed     BYTEA            NOT NULL,
    sources    TEXT             NOT NULL,
    events     TEXT             NOT NULL,
    filter     TEXT             NOT NULL,
    created_at BIGINT           NOT NULL
);

-- One row that is written to learn whether writing works.
CREATE TABLE heartbeat (
    id INT    NOT NULL PRIMARY KEY CHECK (id = 1),
    at BIGINT NOT NULL
);

-- The nodes that live. Each has another id in each of its lives, so that a row
-- that is gone never comes back. "seen_at" is by the database's clock.
CREATE TABLE nodes (
    id            TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name          TEXT COLLATE "C" NOT NULL,
    host          TEXT             NOT NULL,
    pid           BIGINT           NOT NULL,
    version       TEXT             NOT NULL,
    -- A fingerprint of the configuration, which shows whether nodes have the same.
    config        TEXT             NOT NULL,
    started_at    BIGINT           NOT NULL,
    configured_at BIGINT           NOT NULL,
    -- A node that is about to stop is given nothing more.
    leaving       BIGINT           NOT NULL DEFAULT 0,
    seen_at       TIMESTAMPTZ      NOT NULL
);

-- Who does what. A resource is of a node that lives, or free: its node is '', or
-- is not among the nodes any more. With each new owner its epoch is one more, so
-- that what an older one writes is refused. A row is locked for sharing by those
-- who write under it until they have committed.
CREATE TABLE leases (
    resource TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    node     TEXT COLLATE "C" NOT NULL,
    epoch    BIGINT           NOT NULL,
    since    TIMESTAMPTZ      NOT NULL
) WITH (fillfactor = 50);

CREATE INDEX leases_since ON leases (since);

-- Counts what nodes must look at again: who lives, what is free, what the
-- operator has changed.
CREATE TABLE cluster (
    id         INT    NOT NULL PRIMARY KEY CHECK (id = 1),
    generation BIGINT NOT NULL
);
INSERT INTO cluster VALUES (1, 0);

-- What one node asks of another: a request of the API, and its answer.
CREATE TABLE relayed (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    -- The node that is to answer.
    node       TEXT COLLATE "C" NOT NULL,
    method     TEXT             NOT NULL,
    path       TEXT             NOT NULL,
    body       BYTEA            NOT NULL,
    -- 0 before the answer.
    status     BIGINT           NOT NULL DEFAULT 0,
    answer     BYTEA            NOT NULL DEFAULT '',
    created_at TIMESTAMPTZ      NOT NULL
);

CREATE INDEX relayed_node ON relayed (node) WHERE status = 0;
