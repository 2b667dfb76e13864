package server

import (
	"net/http"
	"time"
)

// metricsPath is where Prometheus asks.
const metricsPath = "/metrics"

// metrics answers a scrape.
func (s *Server) metrics(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout)) // writers of tests have none
	s.opts.Metrics.ServeHTTP(w, r)
}
