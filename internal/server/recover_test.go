package server

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestPanicCutsAnAnswerThatHasBegun: the client must not take what came so far
// for all of it.
func TestPanicCutsAnAnswerThatHasBegun(t *testing.T) {
	t.Parallel()
	var logged strings.Builder
	srv := httptest.NewServer(recovered(slog.New(slog.NewTextHandler(&logged, nil)),
		http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"half":`)
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Errorf("flush: %v", err)
			}
			panic(errors.New("boom"))
		})))
	defer srv.Close()
	resp, err := srv.Client().Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("read %q to its end: %v", body, err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	srv.Close()
	if !strings.Contains(logged.String(), "panic=boom") {
		t.Errorf("logged %q", logged.String())
	}
}

func TestDeliberateAbortIsNoPanicOfOurs(t *testing.T) {
	t.Parallel()
	var logged strings.Builder
	h := recovered(slog.New(slog.NewTextHandler(&logged, nil)), http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		panic(fmt.Errorf("stream: %w", http.ErrAbortHandler))
	}))
	defer func() {
		if cause := recover(); cause != http.ErrAbortHandler { //nolint:errorlint // The server compares identity too.
			t.Errorf("panicked with %v", cause)
		}
		if logged.Len() > 0 {
			t.Errorf("logged %q", logged.String())
		}
	}()
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", http.NoBody))
	t.Error("the abort was swallowed")
}
