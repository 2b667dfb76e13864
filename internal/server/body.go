package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
)

// badBody says what is wrong with the body of a request.
type badBody struct {
	status int
	detail string
}

// readBody decodes the JSON object in the body of r into v. It refuses unknown
// members and anything after the object. An empty body leaves v as it is.
func readBody(w http.ResponseWriter, r *http.Request, v any) *badBody {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBodyBytes))
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return &badBody{http.StatusRequestEntityTooLarge, fmt.Sprintf("the body exceeds %d bytes", tooLarge.Limit)}
	}
	if err != nil {
		return &badBody{http.StatusBadRequest, "the body broke off: " + err.Error()}
	}
	body = bytes.TrimSpace(body)
	if len(body) == 0 {
		return nil
	}
	if mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); mediaType != "application/json" {
		return &badBody{http.StatusUnsupportedMediaType, "the body must be sent with Content-Type: application/json"}
	}
	if body[0] != '{' {
		return &badBody{http.StatusBadRequest, "the body must be a JSON object"}
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return &badBody{http.StatusBadRequest, "the body cannot be read: " + jsonError(err)}
	}
	if dec.InputOffset() != int64(len(body)) {
		return &badBody{http.StatusBadRequest, "the body goes on after its JSON object"}
	}
	return nil
}

// jsonError says what is wrong with a JSON text, without words of Go.
func jsonError(err error) string {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Sprintf("%q cannot be a %s", wrong.Field, wrong.Value)
	}
	if wrong, ok := errors.AsType[*time.ParseError](err); ok {
		return fmt.Sprintf("%.40s is no time: it must look like \"2026-01-02T15:04:05Z\"", wrong.Value)
	}
	return strings.TrimPrefix(err.Error(), "json: ")
}

// writeJSON answers with v as JSON.
func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	write(w, status, v)
}

// write encodes before it answers: what cannot be encoded panics here, while a
// 500 can still be sent.
func write(w http.ResponseWriter, status int, v any) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(fmt.Errorf("encode answer: %w", err))
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	// A client that does not read holds the handler no longer than this. Not
	// every writer has deadlines; those of tests have none.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
	w.WriteHeader(status)
	_, _ = w.Write(buf.Bytes()) // A client that has gone away is no error of ours.
}
