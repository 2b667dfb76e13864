package daemon

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/poller"
)

// ask is a source as the poller knows it.
func ask(s *config.Source) (*poller.Source, error) {
	schedule, err := poller.ParseSchedule(s.Schedule, s.Location(), s.Name)
	if err != nil {
		return nil, fmt.Errorf("schedule: %w", err)
	}
	request, err := request(s)
	if err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	asked := &poller.Source{
		Name:     s.Name,
		Schedule: schedule,
		Jitter:   time.Duration(s.Jitter),
		OnMissed: poller.OnMissed(s.OnMissed),
		Request:  request,
		Limit:    limitName(s),
		Cost:     s.Cost,
		Retry: poller.Retry{
			MaxAttempts:   s.Retry.MaxAttempts,
			WaitMin:       time.Duration(s.Retry.WaitMin),
			WaitMax:       time.Duration(s.Retry.WaitMax),
			MaxRetryAfter: time.Duration(s.Retry.MaxRetryAfter),
		},
		FailureThreshold: s.Alerts.FailureThreshold,
		Pagination:       pagination(s),
		Incremental:      incremental(s),
		Format:           format(s.Format),
	}
	if s.Items != nil {
		asked.Items = s.Items.Path
	}
	if s.Detail != nil {
		asked.Detail = &poller.DetailRequest{URL: s.Detail.URL.Reveal()}
	}
	if a := s.Acknowledge; a != nil {
		asked.Acknowledge = &poller.Acknowledgement{Method: a.Method, URL: a.URL.Reveal()}
	}
	asked.RequestKey = requestKey(asked)
	return asked, nil
}

// request is how a source is asked.
func request(s *config.Source) (poller.Request, error) {
	r := &s.Request
	u, err := address(r.URL, r.Params)
	if err != nil {
		return poller.Request{}, err
	}
	header := r.Headers.Header()
	body := body(header, r.Body, r.JSON)
	if r.GraphQL != nil {
		body = r.GraphQL.Body()
		setAbsent(header, "Content-Type", "application/json")
		setAbsent(header, "Accept", "application/graphql-response+json, application/json;q=0.9")
	}
	credentials, err := auth(&s.Auth)
	if err != nil {
		return poller.Request{}, err
	}
	return poller.Request{
		GraphQL:            r.GraphQL != nil,
		Method:             r.Method,
		URL:                u,
		Header:             header,
		Body:               body,
		Auth:               credentials,
		Route:              route(r.ProxyURL, &r.TLS),
		Timeout:            time.Duration(r.Timeout),
		MaxBodySize:        int64(r.MaxBodySize),
		Conditional:        r.Conditional,
		FollowRedirects:    r.FollowRedirects,
		SuccessStatusCodes: r.SuccessStatusCodes,
		ContentType:        s.Expect.ContentType,
		AllowNetworks:      s.AllowNetworks,
	}, nil
}

// address is a URL with the parameters that are added to its query.
func address(written config.URL, params config.Params) (string, error) {
	u, err := url.Parse(written.Reveal())
	if err != nil {
		return "", fmt.Errorf("parse url: %w", err)
	}
	if len(params) > 0 {
		query := u.Query()
		for name, values := range params.Values() {
			query[name] = values
		}
		u.RawQuery = query.Encode()
	}
	return u.String(), nil
}

// body is what is sent, and sets its type in the header where it is JSON.
func body(header http.Header, text config.Secret, json config.JSON) []byte {
	if json.IsZero() {
		return []byte(text.Reveal())
	}
	setAbsent(header, "Content-Type", "application/json")
	return []byte(json.Reveal())
}

// route is the way to the servers of a source, or to the receiver of an endpoint.
func route(proxy config.ProxyURL, t *config.TLS) poller.Route {
	return poller.Route{
		Proxy:              proxy.Reveal(),
		CAFile:             t.CAFile,
		CAVersion:          caVersion(t.CAFile),
		CertFile:           t.CertFile,
		KeyFile:            t.KeyFile,
		ServerName:         t.ServerName,
		InsecureSkipVerify: t.InsecureSkipVerify,
	}
}

// caVersion tells apart what a file of authorities holds. Of one that cannot be
// read nothing is known, which whoever uses it says.
func caVersion(path string) string {
	if path == "" {
		return ""
	}
	data, err := os.ReadFile(path) //nolint:gosec // the operator names it
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// setAbsent sets a header that was not configured.
func setAbsent(header http.Header, name, value string) {
	if header.Get(name) == "" {
		header.Set(name, value)
	}
}

// limitName is the limit of a source: one of rate_limits, or its own, whose
// name no other can have.
func limitName(s *config.Source) string {
	if s.RateLimit.Inline != nil {
		return store.OwnLimit(s.Name)
	}
	return s.RateLimit.Name
}

// limits are all request budgets.
func limits(cfg *config.Config) []poller.Limit {
	var list []poller.Limit
	add := func(name string, r *config.Rate) {
		list = append(list, poller.Limit{
			Name: name, Requests: r.Requests, Per: time.Duration(r.Per), Reserve: r.Reserve.Of(r.Requests),
			Burst: r.Burst, Concurrency: r.Concurrency,
		})
	}
	for i := range cfg.RateLimits {
		add(cfg.RateLimits[i].Name, &cfg.RateLimits[i].Rate)
	}
	for i := range cfg.Sources {
		if s := &cfg.Sources[i]; s.RateLimit.Inline != nil {
			add(limitName(s), s.RateLimit.Inline)
		}
	}
	return list
}
