-- needs 1

-- By how many microseconds a node's wall clock is ahead of the database's, as the
-- node sees it; 0 where they are about the same.
ALTER TABLE nodes ADD COLUMN clock_ahead BIGINT NOT NULL DEFAULT 0;
