package store

import "time"

// Member is a node as others see it, in one of its lives: a node that was away for
// too long, and was given up by the others, joins again under another ID.
type Member struct {
	// ID is a ULID, another one for each life.
	ID string
	// Name is what the operator calls the node. It should be the same after a
	// restart, so that the node is given what it had.
	Name string
	// Host is the machine, PID the process, Version that of the program.
	Host    string
	PID     int
	Version string
	// Config is a fingerprint of the node's configuration: nodes with the same have
	// the same one.
	Config string
	// StartedAt is when the process started, ConfiguredAt when it took on its
	// configuration, both by the clock of the node.
	StartedAt, ConfiguredAt time.Time
	// Leaving says that the node is about to stop: it is given nothing more.
	Leaving bool
	// ClockAhead is by how much the wall clock of the node was ahead of the database's
	// when it last found that they are apart, negative where it was behind; 0 where
	// they are not.
	ClockAhead time.Duration

	// SeenAt is when the node last said that it lives, and Age how long ago that is,
	// both by the database's clock. They are only read.
	SeenAt time.Time
	Age    time.Duration
	// Leases is how many leases it holds. It is only read.
	Leases int
}

// Lease says who does what. Its epoch is one more with each new holder.
type Lease struct {
	Resource string
	// Node is the ID of the member that holds it. The lease is free where that is
	// empty, or is of no member.
	Node  string
	Epoch int64
	// Since is when that became so, by the database's clock.
	Since time.Time
}

// Pulse is how far a shared database has come: whatever another node did shows in
// one of the numbers, and none ever falls.
type Pulse struct {
	// Position is the end of the log, Delivery the last ID of a delivery.
	Position, Delivery int64
	// Generation counts what nodes must look at again: who lives, what is free, what
	// the operator has changed.
	Generation int64
}
