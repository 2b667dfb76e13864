package config

// Template makes the body of webhooks.
type Template struct {
	ContentType string `yaml:"content_type" default:"application/json" is:"content_type" doc:"The content type of the body." aka:"type|mime_type"`
	Body        Secret `yaml:"body" required:"true" example:"'{\"text\": {{ json .Subject }} }'" doc:"The body, a template of Go's text/template over the event. check tries it on sample events." aka:"text|template|content"`
}

// template checks that there is a template where one is used, and only there.
// Whether it can be carried out is for those to say who do it.
func (v *validator) template(at place, e *Endpoint) {
	p, ok := at.key("template")
	switch {
	case e.Format == "template" && !ok:
		v.add(at, "format: template needs a template, such as template: {body: '{\"text\": {{ json .Subject }} }'}")
		return
	case e.Format != "template" && ok:
		v.add(p, "format: %s has no template: set format: template, or remove it", e.Format)
		return
	}
	if body, ok := v.written(p, "body"); ok && e.Template != nil && e.Template.Body.IsZero() {
		v.add(body, "the template is empty")
	}
}
