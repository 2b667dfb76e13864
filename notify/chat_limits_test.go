package notify

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// mustBeChatMessage holds a message against what its service demands.
func mustBeChatMessage(tb testing.TB, format Format, body []byte) {
	tb.Helper()
	var m map[string]any
	if err := json.Unmarshal(body, &m); err != nil {
		tb.Fatalf("%s: %v", format, err)
	}
	switch format {
	case FormatSlack:
		mustBeSlack(tb, m)
	case FormatDiscord:
		mustBeDiscord(tb, m)
	case FormatTeams:
		mustBeTeams(tb, m, body)
	}
}

// within is a text of at least one character and at most so many.
func within(tb testing.TB, what string, v any, most int) string {
	tb.Helper()
	s, ok := v.(string)
	if !ok || s == "" || units(s) > most {
		tb.Errorf("%s has %d characters of %d: %q", what, units(s), most, s)
	}
	return s
}

func members(v any) []map[string]any {
	items, _ := v.([]any)
	var all []map[string]any
	for _, item := range items {
		m, _ := item.(map[string]any)
		all = append(all, m)
	}
	return all
}

// mustBeSlack: https://docs.slack.dev/reference/block-kit/blocks
func mustBeSlack(tb testing.TB, m map[string]any) {
	tb.Helper()
	text := within(tb, "text", m["text"], 40_000)
	for _, command := range []string{"<!channel", "<!here", "<@U1"} {
		if strings.Contains(text, command) {
			tb.Errorf("text mentions somebody: %s", text)
		}
	}
	blocks := members(m["blocks"])
	if len(blocks) == 0 || len(blocks) > 50 {
		tb.Fatalf("%d blocks", len(blocks))
	}
	for _, b := range blocks {
		switch b["type"] {
		case "rich_text":
			for _, e := range members(b["elements"]) {
				mustBeRichText(tb, e)
			}
		case "context":
			elements := members(b["elements"])
			if len(elements) == 0 || len(elements) > 10 {
				tb.Errorf("a context of %d", len(elements))
			}
			for _, e := range elements {
				if text := within(tb, "context", e["text"], 3000); e["type"] != "mrkdwn" || strings.Contains(text, "<!channel") {
					tb.Errorf("context %v", e)
				}
			}
		default:
			tb.Errorf("block of type %v", b["type"])
		}
	}
}

func mustBeRichText(tb testing.TB, e map[string]any) {
	tb.Helper()
	elements := members(e["elements"])
	if len(elements) == 0 {
		tb.Errorf("%v is empty", e["type"])
	}
	switch e["type"] {
	case "rich_text_list":
		if e["style"] != "bullet" && e["style"] != "ordered" {
			tb.Errorf("a list of style %v", e["style"])
		}
		for _, section := range elements {
			mustBeRichText(tb, section)
		}
	case "rich_text_section", "rich_text_preformatted":
		for _, part := range elements {
			within(tb, "rich text", part["text"], 3000)
			if url, ok := part["url"].(string); part["type"] == "link" && (!ok || !isWebLink(url)) || part["type"] != "link" && part["type"] != "text" {
				tb.Errorf("part %v", part)
			}
			if part["type"] == "link" && e["type"] == "rich_text_preformatted" {
				continue
			}
		}
	default:
		tb.Errorf("rich text of type %v", e["type"])
	}
}

// mustBeDiscord: https://discord.com/developers/docs/resources/message#embed-object-embed-limits
func mustBeDiscord(tb testing.TB, m map[string]any) {
	tb.Helper()
	mentions, _ := m["allowed_mentions"].(map[string]any)
	if parse, ok := mentions["parse"].([]any); !ok || len(parse) > 0 {
		tb.Error("it may mention somebody")
	}
	embeds := members(m["embeds"])
	if len(embeds) != 1 {
		tb.Fatalf("%d embeds", len(embeds))
	}
	e := embeds[0]
	footer, _ := e["footer"].(map[string]any)
	total := units(within(tb, "title", e["title"], 256)) + units(within(tb, "footer", footer["text"], 2048))
	if description, ok := e["description"].(string); !ok || units(description) > 4096 {
		tb.Errorf("a description of %d", units(description))
	} else if total += units(description); total > 6000 {
		tb.Errorf("%d characters", total)
	}
	if color, ok := e["color"].(float64); !ok || color < 0 || color > 0xFFFFFF {
		tb.Errorf("color %v", e["color"])
	}
	if url, ok := e["url"].(string); ok && !isWebLink(url) {
		tb.Errorf("url %q", url)
	}
}

// mustBeTeams: https://adaptivecards.io/explorer and a limit of 28 KB.
func mustBeTeams(tb testing.TB, m map[string]any, body []byte) {
	tb.Helper()
	attachments := members(m["attachments"])
	if m["type"] != "message" || len(attachments) != 1 || len(body) > 28<<10 {
		tb.Fatalf("%d attachments in %d bytes", len(attachments), len(body))
	}
	card, _ := attachments[0]["content"].(map[string]any)
	if attachments[0]["contentType"] != "application/vnd.microsoft.card.adaptive" || card["type"] != "AdaptiveCard" || card["version"] != "1.4" {
		tb.Errorf("attachment %v", attachments[0]["contentType"])
	}
	blocks := members(card["body"])
	for len(blocks) > 0 {
		b := blocks[0]
		blocks = blocks[1:]
		switch b["type"] {
		case "Container":
			if !slices.Contains([]any{"good", "attention", "warning", "emphasis", "accent"}, b["style"]) {
				tb.Errorf("style %v", b["style"])
			}
			blocks = append(blocks, members(b["items"])...)
		case "RichTextBlock":
			if len(members(b["inlines"])) == 0 {
				tb.Error("an empty text")
			}
			for _, run := range members(b["inlines"]) {
				if within(tb, "run", run["text"], 2000); run["type"] != "TextRun" {
					tb.Errorf("run %v", run)
				}
			}
		default:
			tb.Errorf("element of type %v", b["type"])
		}
	}
	for _, a := range members(card["actions"]) {
		if url, ok := a["url"].(string); a["type"] != "Action.OpenUrl" || !ok || !isWebLink(url) || a["title"] == "" {
			tb.Errorf("action %v", a)
		}
	}
}
