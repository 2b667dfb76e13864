package dashboard

import (
	"html/template"
	"net/url"
	"strings"
	"time"

	"github.com/pollwire/pollwire/internal/server"
)

// functions are what templates can call besides their own.
func (h *Handler) functions() template.FuncMap {
	return template.FuncMap{
		"asset":    h.assets.address,
		"icon":     icon,
		"ago":      func(t any) (template.HTML, error) { return relative(t, time.Now()) },
		"due":      func(t *time.Time) (template.HTML, error) { return due(t, time.Now()) },
		"bytes":    byteCount,
		"number":   number,
		"ms":       milliseconds,
		"seconds":  seconds,
		"plural":   plural,
		"badge":    func(tone, text string) badge { return badge{Tone: tone, Text: text} },
		"button":   newButton,
		"empty":    func(icon, title, text string) emptyState { return emptyState{icon, title, text} },
		"escape":   url.PathEscape,
		"join":     strings.Join,
		"state":    sourceBadge,
		"outcome":  outcomeBadge,
		"delivery": deliveryBadge,
		"change":   changeMark,
		"spark":    sparkline,
		"success":  successMeter,
		"rate":     successRate,
		"percent":  percent,
		"status":   statusText,
		"node":     nodeBadge,
		"changes":  func(s server.Source) int64 { return totalChanges(&s) },
	}
}
