package poller

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestAnswersToGraphQL: the code is 200 whatever went wrong, and data that are
// there beside errors are only a part.
func TestAnswersToGraphQL(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ body, want string }{
		"data":                     {`{"data":{"a":1}}`, ""},
		"no errors in a list":      {`{"data":{"a":1},"errors":[]}`, ""},
		"null for errors":          {`{"errors":null,"data":{"a":1}}`, ""},
		"errors of another name":   {`{"data":{"errors":[1]},"Errors":[{"message":"x"}]}`, ""},
		"an error":                 {`{"errors":[{"message":"Field 'x' is unknown"}]}`, "answered with GraphQL errors: Field 'x' is unknown"},
		"an error and a part":      {`{"data":{"a":1},"errors":[{"message":"m"},{},{}]}`, "answered with GraphQL errors: m (and 2 more)"},
		"an error with a secret":   {`{"errors":[{"message":"token topsecret is\nexpired"}]}`, "answered with GraphQL errors: token <secret> is expired"},
		"an escaped name":          {`{"\u0065rrors":[{"message":"m"}],"data":{}}`, "answered with GraphQL errors: m"},
		"an error without message": {`{"errors":[{"code":7}]}`, `answered with GraphQL errors: {"code":7}`},
		"errors that are a string": {`{"errors":"busy"}`, "answered with GraphQL errors: busy"},
		"errors that are an object": {
			`{"errors":{"message":"busy"},"data":{}}`, "answered with GraphQL errors: busy",
		},
		"a list of strings":     {`{"errors":["busy"]}`, "answered with GraphQL errors: busy"},
		"errors twice":          {`{"data":{},"errors":[{"message":"m"}],"errors":[]}`, "has data or errors twice"},
		"no data":               {`{"extensions":{}}`, "answer to a GraphQL query has no data"},
		"null for data":         {`{"data":null}`, "answer to a GraphQL query has no data"},
		"a list":                {`[{"data":{}}]`, "answer to a GraphQL query is not an object"},
		"an error page":         {`<h1>Bad gateway</h1>`, "answer to a GraphQL query is not JSON: <h1>Bad gateway</h1>"},
		"a cut answer":          {`{"data":{"a":1}`, `answer to a GraphQL query is not JSON: {"data":{"a":1}`},
		"a page with a secret":  {`no topsecret`, "is not JSON: no <secret>"},
		"a long message is cut": {`{"errors":[{"message":"` + strings.Repeat("x", 500) + `"}]}`, strings.Repeat("x", excerptShown)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := newServer(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/graphql-response+json")
				_, _ = io.WriteString(w, tc.body)
			})
			s := newSource(srv.URL)
			s.Request.Method, s.Request.GraphQL = http.MethodPost, true
			s.Request.Auth = Bearer{Token: "topsecret"}
			o, err := newFetcher(t, FetcherOptions{}).Fetch(t.Context(), s, State{})
			if tc.want == "" {
				if err != nil || string(o.Body) != tc.body {
					t.Fatalf("got %v", err)
				}
				o.Release()
				return
			}
			fe := mustFail(t, o, err)
			if !strings.HasSuffix(fe.Error(), tc.want) || strings.Contains(fe.Error(), "topsecret") || fe.Retryable || fe.Status != 200 {
				t.Errorf("got %v, want %s", fe, tc.want)
			}
		})
	}
}
