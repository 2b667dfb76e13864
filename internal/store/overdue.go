package store

import "time"

// Overdue is what has waited for an endpoint for too long.
type Overdue struct {
	Endpoint string
	// Count is how many deliveries have, Since when the oldest was created.
	Count int
	Since time.Time
	// Told says that the endpoint is one of those of SaveOverdueTold.
	Told bool
}
