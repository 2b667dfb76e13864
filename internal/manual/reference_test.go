package manual

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReference(t *testing.T) {
	t.Parallel()
	const schema = `{"properties": {
		"server": {"description": "The server.", "properties": {
			"listen": {"type": "string", "default": "a:1", "description": "Where *.x|y is [1]."},
			"level": {"enum": ["low", "high"], "description": "How."}}},
		"defaults": {"description": "For all.", "properties": {"auth": {}}},
		"sources": {"description": "What is polled.", "items": {"required": ["name"], "properties": {
			"name": {"type": "string", "description": "Its name.", "examples": ["a` + "`" + `b"]},
			"auth": {"description": "Who.", "anyOf": [
				{"properties": {"type": {"const": "basic"}, "user": {"description": "The user."}}},
				{"properties": {"type": {"const": "bearer"}, "token": {"description": "The token."}}}]}}}},
		"endpoints": {"description": "Who is told.", "items": {"properties": {"auth": {"description": "Who.", "anyOf": [
				{"properties": {"type": {"const": "basic"}, "user": {"description": "The user."}}},
				{"properties": {"type": {"const": "bearer"}, "token": {"description": "The token."}}}]}}}}}}`
	got, err := Reference([]byte(schema))
	if err != nil {
		t.Fatal(err)
	}
	_, parts, _ := strings.Cut(string(got), "\n## ")
	const want = `server

The server.

| key | what it is |
| --- | --- |
| ` + "`listen`" + ` | Where \*.x\|y is \[1\]. Default: ` + "`a:1`" + ` |
| ` + "`level`" + ` | How. One of ` + "`low`, `high`" + `. |

## defaults

For all.

## sources

What is polled.

| key | what it is |
| --- | --- |
| ` + "`name`" + ` | Its name. **Required.** Example: ` + "`` a`b ``" + ` |
| ` + "`auth`" + ` | Who. |
| ` + "`auth.type: basic`" + ` | With user: |
| ` + "`auth.user`" + ` | The user. |
| ` + "`auth.type: bearer`" + ` | With token: |
| ` + "`auth.token`" + ` | The token. |

## endpoints

Who is told.

| key | what it is |
| --- | --- |
| ` + "`auth`" + ` | Who. Its keys are those of ` + "`auth` in [sources](#sources)" + `. |
`
	if diff := cmp.Diff(want, parts); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestReferenceRefuses(t *testing.T) {
	t.Parallel()
	for _, schema := range []string{"", "{"} {
		if got, err := Reference([]byte(schema)); err == nil {
			t.Errorf("%q gives %q", schema, got)
		}
	}
}
