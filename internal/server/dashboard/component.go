package dashboard

import (
	"fmt"

	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/notify"
)

// Tones say how good or bad something is; the style sheet knows their colours.
// They are never the only sign of it.
const (
	toneOK   = "ok"
	toneWarn = "warn"
	toneBad  = "bad"
	toneIdle = "idle"
	toneInfo = "info"
)

// badge is a word with a colour; template "badge".
type badge struct {
	Tone, Text string
}

// sourceBadge shows the state of a source.
func sourceBadge(state server.SourceState) badge {
	tones := map[server.SourceState]string{
		server.SourceOK: toneOK, server.SourceFailing: toneBad, server.SourcePaused: toneWarn, server.SourceNew: toneInfo,
	}
	return toned(tones, state)
}

// outcomeBadge shows what a poll came to.
func outcomeBadge(outcome server.PollOutcome) badge {
	tones := map[server.PollOutcome]string{
		server.PollChanged: toneInfo, server.PollFailed: toneBad, server.PollBaseline: toneOK, server.PollRebaselined: toneWarn,
	}
	return toned(tones, outcome)
}

// deliveryBadge shows where a delivery stands.
func deliveryBadge(state notify.State) badge {
	tones := map[notify.State]string{notify.Waiting: toneInfo, notify.Delivered: toneOK, notify.Dead: toneBad}
	return toned(tones, state)
}

// nodeBadge shows how a node stands.
func nodeBadge(state server.NodeState) badge {
	tones := map[server.NodeState]string{server.NodeOK: toneOK, server.NodeLeaving: toneInfo, server.NodeSuspended: toneBad}
	return toned(tones, state)
}

// toned is a badge of a word, idle where the word has no tone.
func toned[T ~string](tones map[T]string, word T) badge {
	tone, ok := tones[word]
	if !ok {
		tone = toneIdle
	}
	return badge{tone, string(word)}
}

// mark is the sign of a change; template "mark".
type mark struct {
	Tone, Sign, Text string
}

// changeMark is the sign of a change of an event; alerts have none of their own.
func changeMark(change string) mark {
	switch change {
	case "created":
		return mark{toneOK, "+", change}
	case "updated":
		return mark{toneInfo, "~", change}
	case "deleted":
		return mark{toneBad, "−", change}
	default:
		return mark{toneWarn, "!", "alert"}
	}
}

// button is a form that is nothing but a button; template "button".
type button struct {
	// Action is the path that takes the form.
	Action, Label string
	// Kind is "primary", "danger" or "" for a plain one.
	Kind string
	// Fields are sent along.
	Fields []field
}

type field struct{ Name, Value string }

// newButton is a button with the names and values of fields by turns.
func newButton(action, label, kind string, fields ...string) (button, error) {
	if len(fields)%2 != 0 {
		return button{}, fmt.Errorf("the button %q has a field without a value", label)
	}
	b := button{Action: action, Label: label, Kind: kind}
	for i := 0; i < len(fields); i += 2 {
		b.Fields = append(b.Fields, field{fields[i], fields[i+1]})
	}
	return b, nil
}

// pager leads to what does not fit on a page; template "pager".
type pager struct {
	// Label names what is paged.
	Label string
	// Before and After are addresses; empty where there is nothing there.
	Before, After string
	// BeforeText and AfterText are their words, such as Newer and Older.
	BeforeText, AfterText string
	// Text says what is shown.
	Text string
}

// cut returns a page of a list, counted from 1, the last one where a later one is
// asked for, and the pager below it. address is that of a page.
func cut[T any](list []T, perPage, page int, label string, address func(page int) string) ([]T, pager) {
	pages := max(1, (len(list)+perPage-1)/perPage)
	page = min(page, pages)
	from := (page - 1) * perPage
	to := min(from+perPage, len(list))
	p := pager{Label: label, BeforeText: "Previous", AfterText: "Next"}
	if pages > 1 {
		p.Text = fmt.Sprintf("%s to %s of %s", count(from+1), count(to), count(len(list)))
	}
	if page > 1 {
		p.Before = address(page - 1)
	}
	if page < pages {
		p.After = address(page + 1)
	}
	return list[from:to], p
}

// emptyState stands where there is nothing to show; template "empty".
type emptyState struct {
	Icon, Title, Text string
}
