package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
	"github.com/pb33f/libopenapi-validator/errors"
	"github.com/pb33f/libopenapi-validator/helpers"

	"github.com/pollwire/pollwire/internal/server"
)

// described is what the tests read of the OpenAPI document.
type described struct {
	Paths map[string]map[string]struct {
		OperationID string `json:"operationId"`
		Summary     string `json:"summary"`
		Parameters  []struct {
			Name        string `json:"name"`
			In          string `json:"in"`
			Description string `json:"description"`
		} `json:"parameters"`
		RequestBody *struct{}                  `json:"requestBody"`
		Responses   map[string]json.RawMessage `json:"responses"`
	} `json:"paths"`
	Components struct {
		Schemas map[string]struct {
			Properties map[string]struct {
				Description string `json:"description"`
			} `json:"properties"`
		} `json:"schemas"`
	} `json:"components"`
}

// openAPI is the document of a server that has every route, as it answers it.
var openAPI = sync.OnceValues(func() (document []byte, err error) {
	s := server.New(server.Options{
		Listen: "127.0.0.1:0", Controller: &controller{}, Subscriptions: &subscriptions{}, Metrics: http.NotFoundHandler(), Reloader: newReloader(),
		Logger: slog.New(slog.DiscardHandler),
	})
	ctx := context.Background() // one server for all tests, whichever comes first
	if err := s.Start(ctx); err != nil {
		return nil, err
	}
	defer func() { err = s.Stop(ctx) }()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.Addr()+"/openapi.json", http.NoBody)
	if err != nil {
		return nil, err
	}
	req.Close = true
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
})

// judges are the validator of that document, which is not made for concurrent use.
var judges = sync.OnceValues(func() (validator.Validator, error) {
	text, err := openAPI()
	if err != nil {
		return nil, err
	}
	text, err = closed(text)
	if err != nil {
		return nil, err
	}
	document, err := libopenapi.NewDocument(text)
	if err != nil {
		return nil, fmt.Errorf("read document: %w", err)
	}
	v, errs := validator.NewValidator(document, config.WithFormatAssertions(), config.WithoutSecurityValidation())
	if len(errs) > 0 {
		return nil, fmt.Errorf("read document: %v", errs)
	}
	return v, nil
})

var judging sync.Mutex

// closed is the document for those who may not pass over what they do not know:
// no answer has a member that its type does not.
func closed(text []byte) ([]byte, error) {
	var document map[string]any
	if err := json.Unmarshal(text, &document); err != nil {
		return nil, fmt.Errorf("read document: %w", err)
	}
	schemas, _ := document["components"].(map[string]any)["schemas"].(map[string]any)
	for _, schema := range schemas {
		schema.(map[string]any)["additionalProperties"] = false
	}
	return json.Marshal(document)
}

func mustJudge(tb testing.TB) validator.Validator {
	tb.Helper()
	v, err := judges()
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

func mustDescribed(tb testing.TB) *described {
	tb.Helper()
	text, err := openAPI()
	if err != nil {
		tb.Fatal(err)
	}
	var d described
	if err := json.Unmarshal(text, &d); err != nil {
		tb.Fatal(err)
	}
	return &d
}

// judge holds an answer against the document, and the question too where it was
// taken. Refusals of what no route takes are not in the document, and only JSON has
// a schema.
func judge(tb testing.TB, q question, got reply) {
	tb.Helper()
	media := got.header.Get("Content-Type")
	switch {
	case q.method == http.MethodHead, media != "" && !strings.HasSuffix(media, "json"), got.status/100 == 3,
		strings.Contains(q.path, "/snapshot"), // whatever came, under any name
		strings.HasPrefix(q.path, "/%76"):     // /v, which the validator does not know again
		return
	}
	v := mustJudge(tb)
	ask := func() *http.Request {
		req := httptest.NewRequestWithContext(tb.Context(), q.method, q.path, strings.NewReader(q.body))
		req.Header.Set("Content-Type", "application/json")
		return req
	}
	answer := &http.Response{StatusCode: got.status, Header: got.header, Body: io.NopCloser(strings.NewReader(got.body))}
	judging.Lock()
	defer judging.Unlock()
	_, wrong := v.ValidateHttpResponse(ask(), answer)
	if got.status < 300 && !strings.HasPrefix(q.path, "/poke/") {
		_, more := v.ValidateHttpRequestSync(ask())
		wrong = append(wrong, more...)
	}
	for _, err := range wrong {
		if got.status >= 400 && err.ValidationType == helpers.PathValidation {
			return
		}
		tb.Errorf("%s %s answers %d %.300s\nwhich the OpenAPI document does not allow: %s", q.method, q.path, got.status, got.body, explain(err))
	}
}

func explain(err *errors.ValidationError) string {
	text := err.Message + ": " + err.Reason
	for _, e := range err.SchemaValidationErrors {
		text += "\n  " + e.FieldPath + ": " + e.Reason
	}
	return text
}

func TestOpenAPIDocumentIsOne(t *testing.T) {
	t.Parallel()
	v := mustJudge(t)
	judging.Lock()
	defer judging.Unlock()
	if ok, wrong := v.ValidateDocument(); !ok {
		for _, err := range wrong {
			t.Error(explain(err))
		}
	}
}

// TestOpenAPIDescribes holds all that the document names to a description.
func TestOpenAPIDescribes(t *testing.T) {
	t.Parallel()
	d := mustDescribed(t)
	ids := make(map[string]string)
	for path, operations := range d.Paths {
		for method, op := range operations {
			name := method + " " + path
			if other, taken := ids[op.OperationID]; taken || op.OperationID == "" {
				t.Errorf("%s: the id %q is that of %s too", name, op.OperationID, other)
			}
			ids[op.OperationID] = name
			if op.Summary == "" || len(op.Responses) < 2 {
				t.Errorf("%s: summary %q, answers %v", name, op.Summary, op.Responses)
			}
			for _, p := range op.Parameters {
				if p.Description == "" {
					t.Errorf("%s: the parameter %s is not described", name, p.Name)
				}
			}
		}
	}
	for name, schema := range d.Components.Schemas {
		for member, s := range schema.Properties {
			if s.Description == "" {
				t.Errorf("%s.%s is not described: its field needs a tag doc", name, member)
			}
		}
	}
}

// TestOpenAPINamesTheParameters asks each route for a parameter that there is not:
// the answer lists those that its handler reads.
func TestOpenAPINamesTheParameters(t *testing.T) {
	t.Parallel()
	addr := start(t, server.Options{Reloader: newReloader()}).Addr()
	for path, operations := range mustDescribed(t).Paths {
		var documented []string
		for _, p := range operations["get"].Parameters {
			if p.In == "query" {
				documented = append(documented, p.Name)
			}
		}
		if documented == nil {
			continue
		}
		got := ask(t, addr, question{method: "GET", path: strings.NewReplacer("{name}", "ops", "{id}", "1").Replace(path) + "?nosuch=1"})
		var problem server.Problem
		if err := json.Unmarshal([]byte(got.body), &problem); err != nil {
			t.Fatal(err)
		}
		_, list, _ := strings.Cut(problem.Detail, "; there are ")
		read := strings.Split(list, ", ")
		slices.Sort(read)
		slices.Sort(documented)
		if diff := cmp.Diff(read, documented); diff != "" {
			t.Errorf("%s: what the handler reads (-) and the document names (+):\n%s", path, diff)
		}
	}
}

// TestOpenAPIHasWhatIsServed tries each operation: none is answered as a path or a
// method that there is not.
func TestOpenAPIHasWhatIsServed(t *testing.T) {
	t.Parallel()
	addr := start(t, server.Options{Subscriptions: &subscriptions{}, Metrics: http.NotFoundHandler(), Reloader: newReloader()}).Addr()
	for path, operations := range mustDescribed(t).Paths {
		if strings.HasSuffix(path, "/stream") {
			continue // it answers for ever
		}
		for method := range operations {
			got := ask(t, addr, question{method: strings.ToUpper(method), path: strings.NewReplacer("{name}", "a", "{id}", "1", "{source}", "a").Replace(path)})
			if got.status == http.StatusMethodNotAllowed || strings.Contains(got.body, "nothing at this path") {
				t.Errorf("%s %s: %d %s", method, path, got.status, got.body)
			}
		}
	}
}

// TestOpenAPIHasWhatWasPromised: clients rely on these paths, so none may go.
func TestOpenAPIHasWhatWasPromised(t *testing.T) {
	t.Parallel()
	d := mustDescribed(t)
	for operation := range strings.Lines(`get /healthz
get /readyz
get /metrics
get /openapi.json
post /poke/{source}
get /v1/sources
get /v1/sources/{name}
get /v1/sources/{name}/snapshot
get /v1/sources/{name}/polls
post /v1/sources/{name}/poll
post /v1/sources/{name}/pause
post /v1/sources/{name}/resume
post /v1/sources/{name}/accept
get /v1/events
get /v1/events/{id}
get /v1/events/stream
get /v1/endpoints
get /v1/endpoints/{name}
get /v1/endpoints/{name}/events
post /v1/endpoints/{name}/test
post /v1/endpoints/{name}/enable
post /v1/endpoints/{name}/disable
post /v1/endpoints/{name}/pause
post /v1/endpoints/{name}/resume
get /v1/deliveries
get /v1/deliveries/{id}
post /v1/deliveries/{id}/retry
post /v1/replay
get /v1/replay/{id}
post /v1/subscriptions
get /v1/subscriptions
get /v1/subscriptions/{id}
delete /v1/subscriptions/{id}
get /v1/limits
get /v1/nodes
get /v1/nodes/{id}
get /v1/health
post /v1/reload
get /v1/reload
`) {
		method, path, _ := strings.Cut(strings.TrimSpace(operation), " ")
		if _, ok := d.Paths[path][method]; !ok {
			t.Errorf("%s %s is gone", method, path)
		}
	}
}

// TestOpenAPIIsStable: the text is the same each time, for those who keep it.
func TestOpenAPIIsStable(t *testing.T) {
	t.Parallel()
	first, err := openAPI()
	if err != nil {
		t.Fatal(err)
	}
	addr := start(t, server.Options{Subscriptions: &subscriptions{}, Metrics: http.NotFoundHandler(), Reloader: newReloader()}).Addr()
	for range 3 {
		if again := ask(t, addr, question{method: "GET", path: "/openapi.json"}); !bytes.Equal([]byte(again.body), first) {
			t.Fatal("two answers differ")
		}
	}
}
