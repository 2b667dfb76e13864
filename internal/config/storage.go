package config

// Storage says where state is kept.
type Storage struct {
	DSN           DSN       `yaml:"dsn" default:"sqlite:pollwire.db" doc:"The database: sqlite: and the path of its file, where a relative path begins at the working directory; or postgres://user:password@host/database, which many nodes may share. Where it has a password, the whole of it is best kept out of the file: ${credential:pollwire_dsn}." aka:"path|url|database"`
	Retention     Retention `yaml:"retention" doc:"How long what was kept stays."`
	EncryptionKey Secret    `yaml:"encryption_key" example:"${credential:pollwire_key}" doc:"The secret that refresh tokens and subscriptions are encrypted with, at least 32 characters; make one with: openssl rand -base64 32. With another one, what was stored cannot be read any more." aka:"key|secret|encryption_secret"`
}

// Retention says how long what was kept stays.
type Retention struct {
	Events    Duration `yaml:"events" default:"30d" min:"1h" doc:"Age at which events leave the log. A dead delivery stays so long after it died, and its event with it."`
	Snapshots int      `yaml:"snapshots" default:"20" min:"1" max:"100000" doc:"How many versions of each source's answer are kept; older ones take little room, as their difference from the next."`
	Waiting   Duration `yaml:"waiting" default:"90d" min:"1h" doc:"Age at which an undelivered delivery is dead. The other endpoints are told at half of it, and when it is."`
}

// Engine is the kind of the database.
func (s Storage) Engine() Engine { return s.DSN.Engine() }

// Path is the path of the SQLite file, empty for other engines.
func (s Storage) Path() string { return s.DSN.Path() }

// Name is what people call the database: the path of a SQLite file, and of another
// one its DSN without what is secret.
func (s Storage) Name() string {
	if s.Engine() == SQLite {
		return s.Path()
	}
	return s.DSN.String()
}

// minEncryptionKey is the length of an encryption key at least, in bytes: a key
// is derived from the text as it is, so 32 random bytes in base64 have enough.
const minEncryptionKey = 32

func (v *validator) storage(at place, s *Storage) {
	if key, ok := at.key("encryption_key"); ok {
		v.hasEncryptionKey = true // one that is wrong is said below
		if n := len(s.EncryptionKey.Reveal()); n < minEncryptionKey && !v.bad[key.node] {
			v.add(key, "it has %d characters, and needs %d at least; make one with: openssl rand -base64 32", n, minEncryptionKey)
		}
	}
}
