package notify

import "strings"

// maxTeamsBytes bounds a card: a workflow of Teams takes about 28 KB.
const maxTeamsBytes = 24 << 10

// teamsMessage is a message to a workflow of Teams that waits for a webhook: an
// adaptive card. What is told stands in rich text, which has no markup that it
// could break or use.
func teamsMessage(s *story) fields {
	body := []fields{{
		"type": "Container", "style": teamsStyle(s.tone), "bleed": true,
		"items": []fields{teamsText(fields{"text": s.title, "weight": "Bolder", "size": "Medium"})},
	}}
	if s.text != "" {
		body = append(body, teamsText(fields{"text": s.text}))
	}
	for i := range s.rows {
		r := &s.rows[i]
		body = append(body, closely(teamsText(
			fields{"text": r.label, "weight": "Bolder"}, fields{"text": strings.TrimPrefix(r.String(), r.label)},
		), i))
	}
	for i, line := range s.diff {
		run := fields{"text": line, "fontType": "Monospace", "size": "Small"}
		switch {
		case strings.TrimSpace(line) == "":
			run["text"] = "\u00a0" // a text must not be empty
		case strings.HasPrefix(line, "+"):
			run["color"] = "Good"
		case strings.HasPrefix(line, "-"):
			run["color"] = "Attention"
		case strings.HasPrefix(line, "@@"):
			run["isSubtle"] = true
		}
		body = append(body, closely(teamsText(run), i))
	}
	if rest := s.rest(); rest != "" {
		body = append(body, teamsText(fields{"text": rest, "italic": true}))
	}
	footer := shorten(s.footer, 300) + " · " + s.at.Format("2006-01-02 15:04:05 UTC")
	body = append(body, teamsText(fields{"text": footer, "isSubtle": true, "size": "Small"}))
	card := fields{
		"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4",
		"msteams": fields{"width": "Full"}, "fallbackText": s.title, "body": body,
	}
	if actions := teamsActions(s); len(actions) > 0 {
		card["actions"] = actions
	}
	return fields{"type": "message", "attachments": []fields{{
		"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": nil, "content": card,
	}}}
}

// teamsText is a paragraph of pieces of text.
func teamsText(runs ...fields) fields {
	for _, run := range runs {
		run["type"] = "TextRun"
	}
	return fields{"type": "RichTextBlock", "inlines": runs}
}

// closely sets a paragraph close to the one before it, unless it is the first.
func closely(paragraph fields, i int) fields {
	if i > 0 {
		paragraph["spacing"] = "None"
	}
	return paragraph
}

func teamsActions(s *story) []fields {
	var actions []fields
	if s.link != "" && s.link != s.event {
		actions = append(actions, fields{"type": "Action.OpenUrl", "title": "Open", "url": s.link})
	}
	if s.event != "" {
		actions = append(actions, fields{"type": "Action.OpenUrl", "title": "Event", "url": s.event})
	}
	return actions
}

func teamsStyle(t tone) string {
	switch t {
	case toneCreated, toneGood:
		return "good"
	case toneBad:
		return "attention"
	case toneNote:
		return "warning"
	case toneDeleted:
		return "emphasis"
	case toneUpdated:
	}
	return "accent"
}
