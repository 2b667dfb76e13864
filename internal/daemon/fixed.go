package daemon

import "fmt"

// fixed are the values that a daemon keeps from its start to its end.
type fixed struct{ dsn, encryptionKey, listen, logFormat string }

// refuse says of each value that is another one in a new configuration why it
// cannot be taken.
func (f fixed) refuse(next fixed) (reasons []string) {
	for _, value := range []struct{ path, why, before, now string }{
		{"storage.dsn", "a running daemon stays with its database", f.dsn, next.dsn},
		{"storage.encryption_key", "what is stored was encrypted with the one from before", f.encryptionKey, next.encryptionKey},
		{"server.listen", "a running daemon goes on listening where it does", f.listen, next.listen},
		{"log.format", "the log of a running daemon goes on as it began", f.logFormat, next.logFormat},
	} {
		if value.before != value.now {
			reasons = append(reasons, fmt.Sprintf("%s: %s; restart pollwire to have the new value, or put the old one back", value.path, value.why))
		}
	}
	return reasons
}
