-- +goose Up

-- What an incremental source has reached.
ALTER TABLE sources ADD COLUMN cursor TEXT NOT NULL DEFAULT '';

-- Sealed before they come here.
CREATE TABLE tokens (
    name   TEXT NOT NULL PRIMARY KEY,
    sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Bodies may be large, so this table keeps its rowid.
CREATE TABLE details (
    source   TEXT    NOT NULL REFERENCES sources (name),
    key      TEXT    NOT NULL,
    seen     BLOB    NOT NULL,
    at       INTEGER NOT NULL,
    format   TEXT    NOT NULL,
    encoding INTEGER NOT NULL,
    body     BLOB    NOT NULL,
    PRIMARY KEY (source, key)
) STRICT;

-- What was seen of all items of a source is read without their bodies.
CREATE INDEX details_seen ON details (source, key, seen);

-- The pages of snapshots of several. Such a snapshot's own body lists the
-- numbers of its pages, and its encoding is 4. A page that did not change is
-- one row, which all versions that have it list; one that no version lists
-- stands in loose_pages. AUTOINCREMENT: no number is used again, so that a
-- reader never meets another page under it.
CREATE TABLE pages (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    -- SHA-256 of the page.
    hash       BLOB    NOT NULL,
    -- How many pages it has replaced, one after the other.
    generation INTEGER NOT NULL,
    -- The page that a difference is from; 0 of a page that is whole.
    base       INTEGER NOT NULL,
    encoding   INTEGER NOT NULL,
    body       BLOB    NOT NULL
) STRICT;

-- The pages that no version lists: those of a commit that is under way or was
-- not finished, and those whose versions are gone, until they are removed.
CREATE TABLE loose_pages (
    id INTEGER PRIMARY KEY
) STRICT;
