package notify

import (
	"fmt"
	"strings"
)

const (
	// maxSlackBytes bounds a message to Slack: well below what it takes, and
	// more than any story has.
	maxSlackBytes = 64 << 10
	// maxSlackText is how many characters a text of a block may have.
	maxSlackText = 3000
)

// slackMessage is a message to an incoming webhook of Slack in Block Kit. What
// is told stands in rich text, which has no markup that it could break or use;
// "text" has it once more for notifications, and for the services that take
// Slack's messages but not its blocks.
func slackMessage(s *story) fields {
	title := fields{"type": "text", "text": s.title, "style": fields{"bold": true}}
	if s.link != "" {
		title = fields{"type": "link", "url": s.link, "text": s.title, "style": fields{"bold": true}}
	}
	rich := []fields{slackSection("rich_text_section", title)}
	if s.text != "" {
		rich = append(rich, slackSection("rich_text_section", slackText("\n"+s.text)))
	}
	if len(s.rows) > 0 {
		var items []fields
		for i := range s.rows {
			items = append(items, slackRow(&s.rows[i]))
		}
		rich = append(rich, fields{"type": "rich_text_list", "style": "bullet", "elements": items})
	}
	if len(s.diff) > 0 {
		rich = append(rich, slackSection("rich_text_preformatted", slackText(shorten(strings.Join(s.diff, "\n"), maxSlackText))))
	}
	if rest := s.rest(); rest != "" {
		rich = append(rich, slackSection("rich_text_section", fields{"type": "text", "text": rest, "style": fields{"italic": true}}))
	}
	return fields{
		"text":         slackFallback(s),
		"unfurl_links": false, "unfurl_media": false,
		"blocks": []fields{
			{"type": "rich_text", "elements": rich},
			{"type": "context", "elements": []fields{{"type": "mrkdwn", "text": slackFooter(s)}}},
		},
	}
}

func slackSection(kind string, elements ...fields) fields {
	return fields{"type": kind, "elements": elements}
}

func slackText(text string) fields { return fields{"type": "text", "text": text} }

func slackRow(r *row) fields {
	label := fields{"type": "text", "text": r.label, "style": fields{"bold": true}}
	return slackSection("rich_text_section", label, slackText(strings.TrimPrefix(r.String(), r.label)))
}

// slackFooter says where the event comes from and when it was seen, in the
// reader's own time.
func slackFooter(s *story) string {
	text := escapedTo(s.footer, 2000, escapeSlack) + fmt.Sprintf(" · <!date^%d^{date_short_pretty} {time_secs}|%s>", s.at.Unix(), s.at.Format("2006-01-02 15:04:05 UTC"))
	if s.event != "" {
		text += " · <" + escapeSlack(strings.ReplaceAll(s.event, "|", "%7C")) + "|event>"
	}
	return text
}

func slackFallback(s *story) string {
	text := "*" + escapeSlack(s.title) + "*"
	if s.link != "" {
		text = "*<" + escapeSlack(strings.ReplaceAll(s.link, "|", "%7C")) + "|" + escapeSlack(strings.ReplaceAll(s.title, "|", "¦")) + ">*"
	}
	if plain := s.plain(); plain != "" && len(s.diff) > 0 {
		text += "\n```\n" + escapedTo(strings.ReplaceAll(plain, "```", "'''"), maxSlackText, escapeSlack) + "\n```"
	} else if plain != "" {
		text += "\n" + escapedTo(plain, maxSlackText, escapeSlack)
	}
	return text
}

// escapeSlack keeps a text from being read as a link, a mention or a command.
func escapeSlack(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}
