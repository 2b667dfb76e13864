package store

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/pollwire/pollwire/poller"
)

// EncodeSpent gives the requests of a budget as engines store them: a JSON array of
// [microseconds, count].
func EncodeSpent(spent []poller.Spend) (string, error) {
	pairs := make([][2]int64, len(spent))
	for i, s := range spent {
		pairs[i] = [2]int64{Micros(s.At), int64(s.Count)}
	}
	text, err := json.Marshal(pairs)
	return string(text), err
}

// DecodeSpent is what EncodeSpent was given.
func DecodeSpent(text string) ([]poller.Spend, error) {
	var pairs [][2]int64
	if err := json.Unmarshal([]byte(text), &pairs); err != nil {
		return nil, fmt.Errorf("decode spent requests: %w", err)
	}
	spent := make([]poller.Spend, len(pairs))
	for i, p := range pairs {
		spent[i] = poller.Spend{At: FromMicros(p[0]), Count: int(p[1])}
	}
	return spent, nil
}

// AddBudgets returns the sum of budgets as that of one limit.
func AddBudgets(limit string, budgets []poller.Budget) poller.Budget {
	sum := poller.Budget{Limit: limit}
	for _, b := range budgets {
		sum.Spent = append(sum.Spent, b.Spent...)
		sum.Reserved += b.Reserved
		if b.PausedUntil.After(sum.PausedUntil) {
			sum.PausedUntil = b.PausedUntil
		}
	}
	slices.SortFunc(sum.Spent, func(a, b poller.Spend) int { return a.At.Compare(b.At) })
	return sum
}
