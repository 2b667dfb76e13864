package poller

import (
	"fmt"

	"github.com/tidwall/gjson"
)

// checkGraphQL refuses an answer to a GraphQL query that has errors, whatever
// data it has too: what is missing from that would seem to be gone.
func (f *Fetcher) checkGraphQL(t *template, body []byte) error {
	if !gjson.ValidBytes(body) {
		return &unfit{text: "answer to a GraphQL query is not JSON: " + f.mask(t).Excerpt(body[:min(len(body), excerptRead)], len(body) > excerptRead, excerptShown)}
	}
	answer := gjson.ParseBytes(body)
	failures, data, repeated := members(answer)
	switch {
	case !answer.IsObject():
		return &unfit{text: "answer to a GraphQL query is not an object"}
	case repeated:
		return &unfit{text: "answer to a GraphQL query has data or errors twice"}
	case isFailure(failures):
		return &unfit{text: "answered with GraphQL errors" + f.firstMessage(t, failures)}
	case !data.Exists() || data.Type == gjson.Null:
		return &unfit{text: "answer to a GraphQL query has no data"}
	}
	return nil
}

// members finds the two members of an answer that count, by their exact names.
func members(answer gjson.Result) (failures, data gjson.Result, repeated bool) {
	answer.ForEach(func(name, value gjson.Result) bool {
		into := &data
		switch name.String() {
		case "errors":
			into = &failures
		case "data":
		default:
			return true
		}
		repeated = repeated || into.Exists()
		*into = value
		return true
	})
	return failures, data, repeated
}

// isFailure says whether there are errors. A list of none is none.
func isFailure(failures gjson.Result) bool {
	switch {
	case !failures.Exists(), failures.Type == gjson.Null:
		return false
	case failures.IsArray():
		return len(failures.Array()) > 0
	default:
		return true
	}
}

// firstMessage is what the first error says, as the end of a sentence.
func (f *Fetcher) firstMessage(t *template, failures gjson.Result) string {
	first, more := failures, ""
	if list := failures.Array(); failures.IsArray() {
		first = list[0]
		if len(list) > 1 {
			more = fmt.Sprintf(" (and %d more)", len(list)-1)
		}
	}
	message := first.Raw
	switch {
	case first.Type == gjson.String:
		message = first.String()
	case first.IsObject() && first.Get("message").Exists():
		message = first.Get("message").String()
	}
	return ": " + f.mask(t).Excerpt([]byte(message), false, excerptShown) + more
}
