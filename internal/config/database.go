package config

import (
	"reflect"

	"gopkg.in/yaml.v3"
)

// LoadStorage reads where the configuration at path keeps its state: of the result,
// the DSN alone is set. It looks at nothing else, so that it serves where the rest
// cannot be read: a command beside a service has neither its environment nor its
// credentials, and a file that is being edited may have mistakes. Its error is an
// [Errors].
func LoadStorage(path string) (Storage, error) {
	doc, err := loadDocument(path)
	if err != nil {
		return Storage{}, err
	}
	d := newDecoder(System(), make(keyring))
	at := place{doc, &yaml.Node{Kind: yaml.MappingNode}, "storage"}
	if written, ok := doc.top().key("storage"); ok {
		at = written
		d.structure(at)
	}
	if at.node.Kind != yaml.MappingNode && !d.bad[at.node] {
		d.fail(at, "want a mapping (keys and values), got %s", describe(at.node))
	}
	var s Storage
	f, _ := d.field(reflect.TypeFor[Storage](), "dsn")
	into := reflect.ValueOf(&s).Elem().FieldByIndex(f.index)
	if dsn, ok := at.key("dsn"); ok {
		d.value(dsn, into, f)
	} else {
		d.fallback(at, into, f)
	}
	return s, d.err()
}
