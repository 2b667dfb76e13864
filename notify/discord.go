package notify

import (
	"strings"
	"time"
)

const (
	// maxDiscordBytes bounds a message to Discord; its own limits are in
	// characters.
	maxDiscordBytes = 64 << 10
	// maxDiscordTitle, maxDiscordDescription and maxDiscordFooter are its limits
	// of an embed, the last one far below what it takes, so that all together
	// stay below 6,000.
	maxDiscordTitle, maxDiscordDescription, maxDiscordFooter = 256, 4096, 512
)

// discordMessage is a message to a webhook of Discord: one embed, which mentions
// nobody.
func discordMessage(s *story) fields {
	embed := fields{
		"title":       escapedTo(s.title, maxDiscordTitle, escapeDiscord),
		"description": discordDescription(s),
		"color":       discordColor(s.tone),
		"footer":      fields{"text": shorten(s.footer, maxDiscordFooter/2)},
		"timestamp":   s.at.Format(time.RFC3339),
	}
	if s.link != "" {
		embed["url"] = s.link
	}
	return fields{"embeds": []fields{embed}, "allowed_mentions": fields{"parse": []string{}}}
}

// discordDescription is the body of the embed. What does not fit is counted.
func discordDescription(s *story) string {
	tail := ""
	if s.event != "" && s.event != s.link {
		tail = "\n[event](" + s.event + ")"
	}
	var lines []string
	if s.text != "" {
		lines = append(lines, escapedTo(s.text, 2000, escapeDiscord))
	}
	for i := range s.rows {
		r := &s.rows[i]
		lines = append(lines, "**"+escapeDiscord(r.label)+"**"+escapeDiscord(strings.TrimPrefix(r.String(), r.label)))
	}
	if len(s.diff) > 0 {
		lines = append(lines, "```diff\n"+strings.ReplaceAll(strings.Join(s.diff, "\n"), "```", "`\u200b``")+"\n```")
	}
	if rest := s.rest(); rest != "" {
		lines = append(lines, "*"+rest+"*")
	}
	text := strings.Join(lines, "\n")
	if units(text)+units(tail) > maxDiscordDescription {
		short := *s
		if short.shrink() {
			return discordDescription(&short)
		}
	}
	return text + tail
}

func discordColor(t tone) int {
	switch t {
	case toneCreated, toneGood:
		return 0x2E_A0_43
	case toneDeleted:
		return 0x6E_76_81
	case toneBad:
		return 0xD7_3A_49
	case toneNote:
		return 0xD2_99_22
	case toneUpdated:
	}
	return 0x1F_6F_EB
}

// escapeDiscord keeps a text from being read as Markdown. A link stays one.
func escapeDiscord(s string) string {
	escape := strings.NewReplacer(
		`\`, `\\`, `*`, `\*`, `_`, `\_`, `~`, `\~`, "`", "\\`", `|`, `\|`, `>`, `\>`, `<`, `\<`,
		`[`, `\[`, `]`, `\]`, `(`, `\(`, `)`, `\)`, `#`, `\#`,
	)
	words := strings.Split(s, " ")
	for i, word := range words {
		if !isWebLink(word) || strings.ContainsAny(word, "*~`|<>[]()\\") {
			words[i] = escape.Replace(word)
		}
	}
	return strings.Join(words, " ")
}
