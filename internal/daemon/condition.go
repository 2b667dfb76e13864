package daemon

import "github.com/pollwire/pollwire/internal/expression"

// conditions are the expressions of a configuration. Sources that have one from
// defaults share it.
type conditions map[condition]*expression.Program

type condition struct {
	kind expression.Kind
	text string
}

// compile returns an expression, nil where there is none.
func (c conditions) compile(kind expression.Kind, text string) (*expression.Program, error) {
	if text == "" {
		return nil, nil
	}
	key := condition{kind, text}
	if program := c[key]; program != nil {
		return program, nil
	}
	program, err := expression.Compile(kind, text)
	if err != nil {
		return nil, err
	}
	c[key] = program
	return program, nil
}
