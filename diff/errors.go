package diff

import "errors"

// The errors that this package can be asked about. Their messages say where and
// what; with several wrapped, errors.Is finds each.
var (
	// ErrInvalidJSON says that a body, or what a path made of it, is not one
	// JSON value in UTF-8, nested at most 10,000 deep. The message gives the
	// byte offset, from 0.
	ErrInvalidJSON = errors.New("invalid JSON")
	// ErrNoList says that the items path leads to nothing, or to something
	// that is no array.
	ErrNoList = errors.New("no list of items")
	// ErrBadKey says that the keys do not tell the items apart: one is missing,
	// empty, null, neither a string nor a number, or occurs twice.
	ErrBadKey = errors.New("bad item key")
	// ErrNothingSelected says that select leads to nothing in the document.
	ErrNothingSelected = errors.New("nothing selected")
	// ErrBefore says, together with one of the others, that it is the older
	// answer which does not fit the rules. Comparing with it will fail whatever
	// the newer answer is, so a caller may want to start anew.
	ErrBefore = errors.New("the older answer does not fit the rules")
	// ErrBadPatch says that something is no JSON patch (RFC 6902). The message
	// gives the index of the operation, from 0.
	ErrBadPatch = errors.New("not a JSON patch")
	// ErrPatchConflict says that a patch does not fit the document that it is
	// applied to: a path leads nowhere, a test has failed, or the result would be
	// out of bounds. The message gives the index of the operation, from 0.
	ErrPatchConflict = errors.New("the patch does not fit the document")
	// ErrNoMergePatch says that no merge patch (RFC 7396) leads from one
	// document to another, as it would have to set a member to null.
	ErrNoMergePatch = errors.New("no merge patch leads there")
)
