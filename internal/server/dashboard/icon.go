package dashboard

import (
	"fmt"
	"html/template"
)

// icons are drawn with a pen of 1.6 on a field of 20 by 20.
var icons = map[string]template.HTML{
	"overview":      `<path d="M3 10.5 10 4l7 6.5M5 9v7h10V9"/>`,
	"sources":       `<path d="M4 13a8 8 0 0 1 8-8M4 9a4 4 0 0 1 4-4"/><circle cx="13" cy="13" r="3.4"/><path d="m15.5 15.5 2 2"/>`,
	"events":        `<path d="M3 10h3.2l2-5.5 3.4 11 2.2-5.5H17"/>`,
	"deliveries":    `<path d="m17 3.5-7.5 7.5M17 3.5l-4.6 13-2.9-5.5L4 8.1z"/>`,
	"endpoints":     `<circle cx="5" cy="10" r="2.2"/><circle cx="15" cy="5" r="2.2"/><circle cx="15" cy="15" r="2.2"/><path d="m7 9 6-3M7 11l6 3"/>`,
	"limits":        `<path d="M3.5 14.5a7 7 0 1 1 13 0"/><path d="m10 11.5 3.2-4"/>`,
	"subscriptions": `<path d="M10 3.5v13M3.5 10h13"/><circle cx="10" cy="10" r="7"/>`,
	"nodes":         `<rect x="3.5" y="4" width="13" height="5" rx="1.5"/><rect x="3.5" y="11" width="13" height="5" rx="1.5"/><path d="M6.5 6.5h.1M6.5 13.5h.1M10 6.5h3.5M10 13.5h3.5"/>`,
	"check":         `<path d="m4.5 10.5 3.7 3.7 7.3-8"/>`,
	"alert":         `<path d="M10 3 2.8 16h14.4zM10 8v3.6"/><path d="M10 13.8v.2"/>`,
	"pause":         `<path d="M7.5 5v10M12.5 5v10"/>`,
	"clock":         `<circle cx="10" cy="10" r="7"/><path d="M10 6v4.2l2.6 1.6"/>`,
	"search":        `<circle cx="9" cy="9" r="5"/><path d="m13 13 4 4"/>`,
	"logout":        `<path d="M12 4H5v12h7M9 10h8m-2.5-2.5L17 10l-2.5 2.5"/>`,
	"empty":         `<path d="M3.5 11.5 5.5 5h9l2 6.5v4h-13zM3.5 11.5h4l1 2h3l1-2h4"/>`,
}

// icon draws one. It says nothing that the words beside it do not.
func icon(name string) (template.HTML, error) {
	drawing, ok := icons[name]
	if !ok {
		return "", fmt.Errorf("there is no icon %q", name)
	}
	return `<svg class="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">` + drawing + `</svg>`, nil
}
