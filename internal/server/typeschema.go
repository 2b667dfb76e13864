package server

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/pollwire/pollwire/notify"
)

// typeSchemas makes JSON Schemas of the types that the API encodes and decodes.
// Of a struct field it reads, beside what encoding/json does:
//
//	doc       what it is
//	required  "true" if a request must have it; an answer has what is not omitempty
//
// Named structs become components, so that clients that are made from the
// document have a type for each.
type typeSchemas struct {
	components map[string]*jsonschema.Schema
}

func newTypeSchemas() *typeSchemas {
	return &typeSchemas{make(map[string]*jsonschema.Schema)}
}

// words are the values of the types that are one of a few words.
func words(t reflect.Type) []any {
	switch t {
	case reflect.TypeFor[notify.State]():
		return anyOf([]notify.State{notify.Waiting, notify.Delivered, notify.Dead, notify.Superseded})
	case reflect.TypeFor[notify.BreakerState]():
		return anyOf([]notify.BreakerState{notify.BreakerClosed, notify.BreakerOpen, notify.BreakerHalfOpen})
	case reflect.TypeFor[Outcome](), reflect.TypeFor[PollOutcome]():
		return anyOf([]Outcome{Baseline, Unchanged, Rebaselined, Changed, Failed})
	case reflect.TypeFor[SourceState]():
		return anyOf([]SourceState{SourceOK, SourceNew, SourceFailing, SourcePaused, SourceDisabled})
	case reflect.TypeFor[NodeState]():
		return anyOf([]NodeState{NodeOK, NodeLeaving, NodeSuspended})
	case reflect.TypeFor[NodeAspect]():
		return anyOf([]NodeAspect{NodeVersion, NodeConfiguration, NodeClock})
	default:
		return nil
	}
}

// of is the schema of the type of v, in an answer.
func (ts *typeSchemas) of(v any) *jsonschema.Schema { return ts.schema(reflect.TypeOf(v)) }

// ofRequest is the schema of the type of v as a body of a request, of which
// unknown members are refused.
func (ts *typeSchemas) ofRequest(v any) *jsonschema.Schema {
	t := reflect.TypeOf(v)
	name := componentName(t)
	if ts.components[name] == nil {
		ts.components[name] = ts.object(t, true)
	}
	return &jsonschema.Schema{Ref: "#/components/schemas/" + name}
}

func (ts *typeSchemas) schema(t reflect.Type) *jsonschema.Schema {
	switch t {
	case reflect.TypeFor[time.Time]():
		return &jsonschema.Schema{Type: "string", Format: "date-time"}
	case reflect.TypeFor[json.RawMessage]():
		return &jsonschema.Schema{}
	case reflect.TypeFor[LoggedEvent]():
		return ts.envelope()
	}
	switch t.Kind() {
	case reflect.Pointer:
		return ts.schema(t.Elem())
	case reflect.Slice:
		return &jsonschema.Schema{Type: "array", Items: ts.schema(t.Elem())}
	case reflect.Map:
		return &jsonschema.Schema{Type: "object", AdditionalProperties: ts.schema(t.Elem())}
	case reflect.String:
		return &jsonschema.Schema{Type: "string", Enum: words(t)}
	case reflect.Bool:
		return &jsonschema.Schema{Type: "boolean"}
	case reflect.Int, reflect.Int64:
		return &jsonschema.Schema{Type: "integer"}
	case reflect.Float64:
		return &jsonschema.Schema{Type: "number"}
	case reflect.Struct:
		return ts.component(t)
	default:
		panic("server: a " + t.String() + " has no schema")
	}
}

// component is a reference to the schema of a struct, which it adds where it is
// missing.
func (ts *typeSchemas) component(t reflect.Type) *jsonschema.Schema {
	name := componentName(t)
	if ts.components[name] == nil {
		ts.components[name] = ts.object(t, false)
	}
	return &jsonschema.Schema{Ref: "#/components/schemas/" + name}
}

// componentName is the name of a struct type, or of an element of a generic one.
func componentName(t reflect.Type) string {
	name := []rune(t.Name())
	if len(name) == 0 {
		panic("server: " + t.String() + " needs a name to be described")
	}
	name[0] = unicode.ToUpper(name[0])
	return string(name)
}

// object is the schema of a struct, members of embedded ones included.
func (ts *typeSchemas) object(t reflect.Type, request bool) *jsonschema.Schema {
	object := &jsonschema.Schema{Type: "object", Properties: make(map[string]*jsonschema.Schema)}
	if request {
		object.AdditionalProperties = &jsonschema.Schema{Not: &jsonschema.Schema{}}
	}
	for _, field := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if field.Anonymous || name == "" || name == "-" {
			continue
		}
		property := ts.schema(field.Type)
		if request && field.Type.Kind() == reflect.Slice {
			property.Types, property.Type = []string{property.Type, "null"}, "" // as clients write a list that they have not
		}
		property.Description = field.Tag.Get("doc")
		object.Properties[name] = property
		object.PropertyOrder = append(object.PropertyOrder, name)
		optional := slices.Contains(strings.Split(options, ","), "omitempty")
		if request && field.Tag.Get("required") == "true" || !request && !optional {
			object.Required = append(object.Required, name)
		}
	}
	return object
}

// envelope is a reference to the schema of an event of the log: the body of the
// webhook that tells it.
func (ts *typeSchemas) envelope() *jsonschema.Schema {
	const name = "Envelope"
	if ts.components[name] == nil {
		ts.components[name] = envelopeSchema()
	}
	return &jsonschema.Schema{Ref: "#/components/schemas/" + name}
}
