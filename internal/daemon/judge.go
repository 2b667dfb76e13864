package daemon

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/internal/bridge"
	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/expression"
	"github.com/pollwire/pollwire/poller"
)

// judge is a source as the bridge knows it; asked is the same as the poller does.
func judge(s *config.Source, asked *poller.Source, c conditions) (*bridge.Source, error) {
	rules, unfiltered, err := newRules(s, c)
	if err != nil {
		return nil, err
	}
	when, err := c.compile(expression.OfChange, s.When)
	if err != nil {
		return nil, fmt.Errorf("when: %w", err)
	}
	expected, err := c.compile(expression.OfAnswer, s.Expect.When)
	if err != nil {
		return nil, fmt.Errorf("expect.when: %w", err)
	}
	judged := &bridge.Source{
		Name:             s.Name,
		RequestKey:       asked.RequestKey,
		Format:           format(s.Format),
		Rules:            rules,
		Unfiltered:       unfiltered,
		Incremental:      s.Incremental != nil,
		Queue:            s.Acknowledge != nil,
		Seen:             s.Detect.CompareWith == "seen",
		MinItems:         s.Expect.MinItems,
		ExpectWhen:       expected,
		MaxRemoved:       bridge.MaxRemoved(s.Expect.MaxRemoved),
		Emit:             s.Detect.FirstPoll == "emit",
		EventType:        s.EventType,
		When:             when,
		Notify:           s.Notify,
		NotifyAll:        s.NotifiesAll(),
		FailureThreshold: s.Alerts.FailureThreshold,
		ReminderInterval: time.Duration(s.Alerts.ReminderInterval),
	}
	if s.Items != nil {
		judged.Items, judged.Window = true, bridge.Window(s.Items.Window)
	}
	if s.Detail != nil {
		if judged.Detail, err = detail(s); err != nil {
			return nil, err
		}
	}
	for _, kind := range s.Detect.Events {
		judged.Events = append(judged.Events, diff.Kind(kind))
	}
	return judged, nil
}

// newRules are what of a source's answers is compared, with the filter of its
// items and without it; the latter is nil where there is none.
func newRules(s *config.Source, c conditions) (rules, unfiltered *diff.Rules, err error) {
	o := options(s)
	if s.Detail != nil {
		o = diff.Options{Items: o.Items} // the others are those of the details
	}
	if s.Items != nil && s.Items.Filter != "" {
		filter, err := c.compile(expression.OfItem, s.Items.Filter)
		if err != nil {
			return nil, nil, fmt.Errorf("items.filter: %w", err)
		}
		if unfiltered, err = diff.Compile(o); err != nil {
			return nil, nil, err
		}
		o.Items.Filter, o.Items.FilterKey = filter.Item, s.Items.Filter
	}
	rules, err = diff.Compile(o)
	return rules, unfiltered, err
}

// detail says how the details of a source's items are judged.
func detail(s *config.Source) (*bridge.Detail, error) {
	rules, err := diff.Compile(options(s))
	if err != nil {
		return nil, fmt.Errorf("detail: %w", err)
	}
	return &bridge.Detail{Rules: rules, MaxPerPoll: s.Detail.MaxPerPoll}, nil
}

// options are the rules of a source's comparisons, for answers in JSON.
func options(s *config.Source) diff.Options {
	o := diff.Options{
		Select:            s.Detect.Select,
		Ignore:            s.Detect.Ignore,
		IgnoreOrder:       s.Detect.IgnoreOrder,
		SignificantDigits: s.Detect.SignificantDigits,
	}
	if s.Items != nil {
		o.Items = &diff.Items{Path: s.Items.Path, Key: s.Items.Key}
	}
	if len(s.Detect.Keys) > 0 {
		o.Keys = make(map[string][]string, len(s.Detect.Keys))
		for path, key := range s.Detect.Keys {
			o.Keys[path] = key
		}
	}
	return o
}

// format is empty where the content type decides.
func format(name string) diff.Format {
	if name == "auto" {
		return ""
	}
	return diff.Format(name)
}

// requestKey identifies what is asked: whatever decides what the answer is
// about. Credentials are left out, so that they can be renewed.
func requestKey(s *poller.Source) string {
	r := &s.Request
	parts := []string{
		r.Method, r.URL, string(r.Body), r.Header.Get("Accept"), r.Header.Get("Accept-Language"), r.Header.Get("Content-Type"),
	}
	if paging := pagingKey(s); paging != "" {
		parts = append(parts, paging)
	}
	if s.Detail != nil {
		parts = append(parts, "detail", s.Detail.URL)
	}
	encoded, err := json.Marshal(parts)
	if err != nil {
		panic(err) // strings encode
	}
	sum := sha256.Sum256(encoded)
	return hex.EncodeToString(sum[:])
}
