package server

import (
	"context"
	"net/http"
)

// visitKey is the key of a visit in the context of its request.
type visitKey struct{}

// visit is what the guard knows of a request that it let in.
type visit struct {
	// session says that it was let in for a session, which can be ended.
	session bool
	// secure says that the browser reached the server by https.
	secure bool
}

// visiting gives a request to whoever answers it, with what is known of it.
func visiting(r *http.Request, v visit) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), visitKey{}, v))
}

func visitOf(r *http.Request) visit {
	v, _ := r.Context().Value(visitKey{}).(visit) // over the socket there is none
	return v
}

// HasSession says whether a request was let in for a session: somebody has
// logged in, and can log out.
func HasSession(r *http.Request) bool { return visitOf(r).session }

// IsSecure says whether the browser reached the server by https, so that cookies
// may ask for that.
func IsSecure(r *http.Request) bool { return visitOf(r).secure }
