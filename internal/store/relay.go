package store

// Relayed is a request of the API that one node asks another to carry out.
type Relayed struct {
	// ID is a ULID, Node that of the member that is to carry it out.
	ID, Node string
	// Method and Path, with its query, are those of the request; Body is empty where
	// it has none.
	Method, Path string
	Body         []byte
}

// RelayedAnswer is what came of a relayed request.
type RelayedAnswer struct {
	// Taken says that the other node has begun to carry it out.
	Taken bool
	// Status is that of the answer, 0 before there is one. Body is what it says.
	Status int
	Body   []byte
}
