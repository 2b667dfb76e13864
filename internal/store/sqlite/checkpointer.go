package sqlite

import "log/slog"

const (
	// checkpointPages is how many pages of the write-ahead log may wait before
	// they are copied into the database.
	checkpointPages = 1000
	// resetPages is the length of the log from which readers are waited for, so
	// that it can start over: reads that overlap each other without end would
	// let it grow for ever.
	resetPages = 16 * checkpointPages
)

// checkpointer copies the write-ahead log into the database once it has grown
// long. SQLite could do so within a commit; done after the commits were
// answered, no commit waits for it and its errors are seen.
type checkpointer struct {
	path   string
	logger *slog.Logger
	// resetAt is the length at which the next reset is tried; it doubles each
	// time that a long read was in the way, whose end would be waited for.
	resetAt int
	// failing keeps repeats of an error out of the log.
	failing bool
}

// logState is what a checkpoint answers: whether somebody was in the way, the
// pages in the log, and those of them that are in the database too.
type logState struct {
	busy, pages, copied int
}

// run does what the length of the log asks for and returns an error in the
// terms of writeError.
func (c *checkpointer) run(s *session) error {
	err := c.step(s)
	if err != nil {
		err = writeError(c.path, err)
		if !c.failing {
			c.logger.Error("checkpoint of the database failed", "err", err)
		}
	}
	c.failing = err != nil
	return err
}

func (c *checkpointer) step(s *session) error {
	c.resetAt = max(c.resetAt, resetPages)
	state, err := checkpoint(s, "NOOP")
	if err != nil {
		return err
	}
	switch {
	case state.pages >= c.resetAt:
		if state, err = checkpoint(s, "RESTART"); err == nil && state.busy != 0 {
			c.resetAt *= 2
		}
		return err
	case state.pages-state.copied >= checkpointPages:
		_, err = checkpoint(s, "PASSIVE")
		return err
	case state.pages < checkpointPages:
		c.resetAt = resetPages
	}
	return nil
}

func checkpoint(s *session, mode string) (logState, error) {
	var state logState
	rows, err := s.query("PRAGMA wal_checkpoint(" + mode + ")")
	if err != nil {
		return state, err
	}
	defer func() { _ = rows.Close() }()
	if rows.Next() {
		if err := rows.Scan(&state.busy, &state.pages, &state.copied); err != nil {
			return state, err
		}
	}
	return state, rows.Err()
}
