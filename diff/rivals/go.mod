module github.com/pollwire/pollwire/diff/rivals

go 1.26.0

replace github.com/pollwire/pollwire => ../..

require (
	github.com/evanphx/json-patch/v5 v5.9.11
	github.com/josephburnett/jd/v2 v2.5.0
	github.com/pollwire/pollwire v0.0.0
	github.com/r3labs/diff/v3 v3.0.2
	github.com/wI2L/jsondiff v0.7.1
)

require (
	github.com/aymanbagabas/go-udiff v0.4.1 // indirect
	github.com/tidwall/gjson v1.20.1 // indirect
	github.com/tidwall/match v1.1.1 // indirect
	github.com/tidwall/pretty v1.2.1 // indirect
	github.com/tidwall/sjson v1.2.5 // indirect
	github.com/vmihailenco/msgpack/v5 v5.4.1 // indirect
	github.com/vmihailenco/tagparser/v2 v2.0.0 // indirect
	go.yaml.in/yaml/v3 v3.0.4 // indirect
)
