package notify

import "testing"

func TestOriginShowsNoMoreThanTheHost(t *testing.T) {
	t.Parallel()
	d := NewDispatcher(DispatcherOptions{})
	d.Apply([]Endpoint{
		{Name: "chat", URL: "https://user:secret@hooks.example.com:8443/services/secret?key=secret#secret"},
		{Name: "bad", URL: "https://%zz/secret"},
	})
	for name, want := range map[string]string{"chat": "https://hooks.example.com:8443", "bad": "", "nobody": ""} {
		if got := d.Origin(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
