package store

import (
	"errors"
	"strings"
)

// ErrNotHeld says that a write was under a lease that this node has not, or not
// any more: another one does now what this one did. Nothing was written.
var ErrNotHeld = errors.New("another node holds the lease")

// ErrNewTimeline says that a node is a member no more because the database is on
// another timeline than the one on which it joined, as after a failover or a restore.
var ErrNewTimeline = errors.New("the database has begun a new timeline")

// Fence says under which leases this node writes. An engine that many nodes share
// refuses, in the transaction of a write, what is not under the epoch of the
// lease's row. Its methods may be called concurrently, and do not wait.
type Fence interface {
	// Epoch returns under which epoch this node holds a resource; false where it does
	// not.
	Epoch(resource string) (epoch int64, held bool)
}

// The kinds of resources of which there are leases: what only one node may do at a
// time.
const (
	KindSource   = "source"
	KindLimit    = "limit"
	KindEndpoint = "endpoint"
	KindToken    = "token"
	KindTask     = "task"
)

const (
	sourcePrefix   = KindSource + "/"
	limitPrefix    = KindLimit + "/"
	endpointPrefix = KindEndpoint + "/"
	tokenPrefix    = KindToken + "/"
	// TaskPrune is the resource of retention.
	TaskPrune = KindTask + "/prune"
)

// SplitResource returns of which kind a resource is, and of what name.
func SplitResource(resource string) (kind, name string) {
	kind, name, _ = strings.Cut(resource, "/")
	return kind, name
}

// SourceResource is the resource of a source: to poll it, and to commit what was
// seen. It is that of its [OwnLimit] too.
func SourceResource(source string) string { return sourcePrefix + source }

// LimitResource is the resource of a limit: to spend its budget.
func LimitResource(limit string) string {
	if strings.HasPrefix(limit, sourcePrefix) || strings.HasPrefix(limit, endpointPrefix) {
		return limit // the own one of a source or an endpoint
	}
	return limitPrefix + limit
}

// EndpointResource is the resource of an endpoint: to post to it, and to keep its
// state.
func EndpointResource(endpoint string) string { return endpointPrefix + endpoint }

// TokenResource is the resource of a token that is kept: to renew it.
func TokenResource(token string) string { return tokenPrefix + token }
