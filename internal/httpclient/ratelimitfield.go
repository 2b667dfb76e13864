package httpclient

import (
	"net/http"
	"time"

	"github.com/dunglas/httpsfv"
)

// fieldQuotas reads the RateLimit field and the RateLimit-Policy that goes with
// it (draft-ietf-httpapi-ratelimit-headers, sections 3 and 4): a list of
// policies such as "default";r=50;t=30, each with how many requests remain and
// the seconds until there are more. Partition keys make no difference here: all
// of it is told of this request. Before draft 08 it was a dictionary, limit=100,
// remaining=50, reset=50.
func fieldQuotas(h http.Header) []quota {
	values := h["Ratelimit"]
	if len(values) == 0 || tooLong(values) {
		return nil
	}
	list, err := httpsfv.UnmarshalList(values)
	if err != nil {
		return dictionaryQuota(values)
	}
	policies := fieldPolicies(h)
	quotas := make([]quota, 0, len(list))
	for _, member := range list {
		item, ok := member.(httpsfv.Item)
		if !ok {
			continue
		}
		policy, known := policies[itemName(item)]
		if !known {
			policy = quota{limit: -1}
		}
		reset := seconds(parameter(item, "t"))
		if reset == 0 {
			reset = policy.reset
		}
		quotas = append(quotas, newQuota(policy.limit, parameter(item, "r"), reset))
	}
	return quotas
}

// dictionaryQuota reads the field as it was before draft 08.
func dictionaryQuota(values []string) []quota {
	dictionary, err := httpsfv.UnmarshalDictionary(values)
	if err != nil {
		return nil
	}
	number := func(name string) int {
		member, _ := dictionary.Get(name)
		item, ok := member.(httpsfv.Item)
		if !ok {
			return -1
		}
		return integer(item.Value)
	}
	return []quota{newQuota(number("limit"), number("remaining"), seconds(number("reset")))}
}

// fieldPolicies reads RateLimit-Policy: what each policy allows, and within how
// long, by name.
func fieldPolicies(h http.Header) map[string]quota {
	values := h["Ratelimit-Policy"]
	if len(values) == 0 || tooLong(values) {
		return nil
	}
	list, err := httpsfv.UnmarshalList(values)
	if err != nil {
		return nil
	}
	policies := make(map[string]quota, len(list))
	for _, member := range list {
		if item, ok := member.(httpsfv.Item); ok {
			policies[itemName(item)] = quota{limit: parameter(item, "q"), reset: seconds(parameter(item, "w"))}
		}
	}
	return policies
}

// policyWindow is the longest window of the policies that may follow the number
// in RateLimit-Limit, such as 100;w=60.
func policyWindow(policies string) (window time.Duration) {
	list, err := httpsfv.UnmarshalList([]string{policies})
	if err != nil {
		return 0
	}
	for _, member := range list {
		if item, ok := member.(httpsfv.Item); ok {
			window = max(window, seconds(parameter(item, "w")))
		}
	}
	return window
}

func tooLong(values []string) bool {
	total := 0
	for _, value := range values {
		total += len(value)
	}
	return total > maxRateLimitField
}

// itemName is the name of a policy, which is a string, or a token where a server
// forgot the quotes.
func itemName(item httpsfv.Item) string {
	switch name := item.Value.(type) {
	case string:
		return name
	case httpsfv.Token:
		return string(name)
	}
	return ""
}

// parameter is a parameter of an item, -1 where it is no sensible number.
func parameter(item httpsfv.Item, name string) int {
	value, _ := item.Params.Get(name)
	return integer(value)
}

func integer(value any) int {
	n, ok := value.(int64)
	if !ok || n < 0 || n > maxRateLimitCount {
		return -1
	}
	return int(n)
}

// seconds is so long, or 0 where it cannot be meant.
func seconds(n int) time.Duration {
	if n < 0 || n > int(maxReset/time.Second) {
		return 0
	}
	return time.Duration(n) * time.Second
}
