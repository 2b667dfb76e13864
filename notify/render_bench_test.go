package notify

import (
	"testing"
)

// BenchmarkRender makes what endpoints of each format are posted of an order that
// changed in three places.
func BenchmarkRender(b *testing.B) {
	event := chatEvents(b)["order-updated"]
	for name, e := range map[string]*Endpoint{
		"standard": {},
		"thin":     {Payload: Payload{Thin: true}},
		"fields":   {Payload: Payload{Fields: []string{"after.id", "after.status"}}},
		"template": {Format: FormatTemplate, Template: mustTemplate(b, "", `{"text": {{ json .Subject }}, "status": {{ json .Item.status }}}`)},
		"words":    {Format: FormatTemplate, Template: mustTemplate(b, "", `{"text": {{ json (printf "%s\n%s" .Title .Text) }}}`)},
		"slack":    {Format: FormatSlack},
		"discord":  {Format: FormatDiscord},
		"teams":    {Format: FormatTeams},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Render(e, event, "https://pollwire.example.com"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
