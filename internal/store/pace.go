package store

import (
	"context"

	"github.com/pollwire/pollwire/notify"
	"github.com/pollwire/pollwire/poller"
)

// The pace of an endpoint is kept as the budget of a limit of its own, whose name is
// its resource. No other limit has such a name.

// ReadPace reads the pace of an endpoint from where the budgets are.
func ReadPace(ctx context.Context, s poller.BudgetStore, endpoint string) (notify.Pace, error) {
	p := notify.Pace{Endpoint: endpoint}
	found, err := s.Budgets(ctx, EndpointResource(endpoint))
	if err != nil || len(found) == 0 {
		return p, err
	}
	p.Reserved = found[0].Reserved
	for _, spent := range found[0].Spent {
		p.Spent = append(p.Spent, notify.Spend(spent))
	}
	return p, nil
}

// SavePaces saves the paces of endpoints where the budgets are.
func SavePaces(ctx context.Context, s poller.BudgetStore, paces []notify.Pace) error {
	budgets := make([]poller.Budget, len(paces))
	for i, p := range paces {
		budgets[i] = poller.Budget{Limit: EndpointResource(p.Endpoint), Reserved: p.Reserved}
		for _, spent := range p.Spent {
			budgets[i].Spent = append(budgets[i].Spent, poller.Spend(spent))
		}
	}
	return s.SaveBudgets(ctx, budgets)
}
