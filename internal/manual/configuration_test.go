package manual

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func contains(t *testing.T, page Page, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(string(page.Text), part) {
			t.Errorf("%s does not have %q:\n%s", page.Name, part, page.Text)
		}
	}
}

// schema has each shape of a key that the configuration has.
const schema = `{"properties": {
  "log": {"description": "What is logged.", "properties": {
    "level": {"description": "The least level.", "default": "info", "anyOf": [{"enum": ["info", "warn"]}, {"$ref": "#/$defs/reference"}]},
    "keep": {"description": "How many.", "default": 0, "anyOf": [{"type": "integer", "minimum": 0}]}
  }},
  "defaults": {"description": "For all sources.", "properties": {"never": {"description": "Said of sources."}}},
  "sources": {"description": "What is polled.", "items": {"required": ["name"], "properties": {
    "name": {"description": "Its name.", "examples": ["a", "b"]},
    "count": {"description": "How often.", "anyOf": [{"minimum": 1, "maximum": 9}]},
    "most": {"description": "At all.", "maximum": 5},
    "least": {"description": "At all.", "minimum": 2},
    "tls": {"description": "Trust.", "properties": {"ca": {"description": "Whom."}}},
    "auth": {"description": "Who asks.", "examples": [{"type": "none", "n": ["1", 1]}], "anyOf": [
      {"required": ["token"], "properties": {"type": {"const": "bearer"}, "token": {"description": "It."}}},
      {"properties": {"type": {"const": "basic", "description": "User and password."}, "user": {"description": "Who."}}}]}
  }}},
  "endpoints": {"description": "Who is told.", "items": {"properties": {
    "tls": {"description": "Trust again.", "properties": {"ca": {"description": "Whom."}}},
    "secrets": {"description": "Keys.", "items": {"anyOf": [{"type": "string"}, {"properties": {"until": {"description": "When."}}}]}},
    "events": {"description": "Which.", "items": {"enum": ["x", "y"]}}
  }}}
}}`

func TestConfiguration(t *testing.T) {
	t.Parallel()
	page, err := Configuration([]byte(schema), imprint)
	if err != nil {
		t.Fatal(err)
	}
	if page.Name != "pollwire.yaml.5" {
		t.Errorf("the page is called %s", page.Name)
	}
	_, got, ok := strings.Cut(string(page.Text), "\n.SH LOG\n")
	if !ok {
		t.Fatalf("no section of the first key:\n%s", page.Text)
	}
	got, _, _ = strings.Cut(got, ".SH FILES")
	want := `What is logged.
.TP
\fBlevel\fR
The least level. One of info, warn. Default: info
.TP
\fBkeep\fR
How many. Default: 0
.SH DEFAULTS
For all sources.
.SH SOURCES
What is polled.
.TP
\fBname\fR
Its name. Required. Example: a
.TP
\fBcount\fR
How often. From 1 to 9.
.TP
\fBmost\fR
At all. At most 5.
.TP
\fBleast\fR
At all. At least 2.
.TP
\fBtls\fR
Trust.
.TP
\fBtls.ca\fR
Whom.
.TP
\fBauth\fR
Who asks. Example: {type: none, n: ["1", 1]}
.TP
\fBauth.type: bearer\fR
With token:
.TP
\fBauth.token\fR
It. Required.
.TP
\fBauth.type: basic\fR
User and password.
.TP
\fBauth.user\fR
Who.
.SH ENDPOINTS
Who is told.
.TP
\fBtls\fR
Trust again. Its keys are those of tls in SOURCES.
.TP
\fBsecrets\fR
Keys.
.TP
\fBsecrets.until\fR
When.
.TP
\fBevents\fR
Which. One of x, y.
`
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("page (-want +got):\n%s", d)
	}
}

func TestConfigurationOfNoSchema(t *testing.T) {
	t.Parallel()
	if _, err := Configuration([]byte(`{"properties": `), imprint); err == nil {
		t.Error("a schema that ends too soon is taken")
	}
	if _, err := Configuration(nil, imprint); err == nil {
		t.Error("no schema at all is taken")
	}
}
