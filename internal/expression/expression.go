// Package expression compiles and runs the conditions of a configuration: when,
// filter, items.filter and expect.when, in the language of expr-lang/expr.
//
// JSON becomes plain values: objects maps, arrays slices, integers that fit 64
// bits integers, larger ones (and numbers beyond a double) strings with their
// digits, all other numbers doubles. What is not there is nil, and so is a
// member of nil, or an element beyond the end. Nil is not true; less, greater and
// the like are false of it; it has the length 0, and as a list no elements. So a
// condition can name what an answer may lack, and fails only where it makes no
// sense, such as where a text is compared with a number.
//
// A condition is bounded: the number of nodes, the elements that it makes, the
// steps of its loops and the length of a text that it puts together. It sees
// nothing but its variables. The one builtin that does not always give the same
// is now().
//
// The package knows nothing of sources and answers, and imports nothing of this
// project.
package expression

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/types"
	"github.com/expr-lang/expr/vm"
)

// Kind says what an expression is about, and by that which names it knows.
type Kind int

const (
	// OfChange is about a change: change, type, source, key, before, after and
	// item, and the functions changed, delta, delta_percent, increased and
	// decreased of a path.
	OfChange Kind = iota + 1
	// OfItem is about an item of a list, as it stands there: item.
	OfItem
	// OfAnswer is about an answer, or one page of it: document.
	OfAnswer
)

// maxLength bounds an expression, in bytes.
const maxLength = 16 << 10

// names are what an expression of a kind can name, with their types. They are
// told in this order.
func (k Kind) names() (order []string, env types.Map) {
	env = types.Map{
		stepName:   types.TypeOf(func(any) any { return nil }),
		withinName: types.TypeOf(func(any, any) bool { return false }),
	}
	switch k {
	case OfItem:
		order = []string{"item"}
	case OfAnswer:
		order = []string{"document"}
	default:
		order = []string{"change", "type", "source", "key", "before", "after", "item"}
		for name, function := range functions(nil) {
			env[name] = types.TypeOf(function)
		}
	}
	for _, name := range order {
		env[name] = types.Any
	}
	if k == OfChange {
		for _, name := range order[:4] {
			env[name] = types.String
		}
		order = append(order, "changed(path)", "delta(path)", "delta_percent(path)", "increased(path)", "decreased(path)")
	}
	return order, env
}

// Program is a compiled expression. It may be run by many goroutines at once.
type Program struct {
	kind    Kind
	text    string
	program *vm.Program
	// uses are the names in it: nothing else is parsed for it.
	uses map[string]bool
}

// String returns the expression as it was written.
func (p *Program) String() string { return p.text }

// Error says what is wrong with an expression, and where in it.
type Error struct {
	// Line and Column count from 1, in characters.
	Line, Column int
	Message      string
}

// Error gives the message with its position.
func (e *Error) Error() string {
	if e.Line > 1 {
		return fmt.Sprintf("%s (at line %d, character %d of the expression)", e.Message, e.Line, e.Column)
	}
	return fmt.Sprintf("%s (at character %d of the expression)", e.Message, e.Column)
}

// Compile reads an expression, which must give true or false, and checks its
// names and types. Its error is an [*Error].
func Compile(kind Kind, text string) (*Program, error) {
	switch {
	case strings.TrimSpace(text) == "":
		return nil, &Error{1, 1, "it is empty: write a condition, or leave it out"}
	case len(text) > maxLength:
		return nil, &Error{1, 1, fmt.Sprintf("it is longer than %d bytes", maxLength)}
	case !utf8.ValidString(text):
		return nil, &Error{1, 1, "it is not UTF-8"}
	}
	order, env := kind.names()
	patch := &forgiver{uses: make(map[string]bool)}
	options := []expr.Option{expr.Env(env), expr.DisableBuiltin("toJSON")}
	// What was written is checked first, and then what is made of it, of which
	// the library would tell other errors, or none.
	program, err := compile(text, options...)
	if err == nil {
		if t := program.Node().Type(); t != nil && t.Kind() != reflect.Bool && t.Kind() != reflect.Interface {
			return nil, &Error{1, 1, fmt.Sprintf("it gives %s, and must give true or false", nameOf(t))}
		}
		program, err = compile(text, slices.Concat(replacements(), bounded(), options, []expr.Option{expr.Patch(patch)})...)
	}
	if err != nil {
		return nil, explain(err, order)
	}
	if patch.err != nil {
		return nil, explain(patch.err.Bind(program.Source()), order)
	}
	return &Program{kind: kind, text: text, program: program, uses: patch.uses}, nil
}

// compile calls the library, which has panicked on odd input before.
func compile(text string, options ...expr.Option) (program *vm.Program, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("it cannot be compiled: %v", r)
		}
	}()
	return expr.Compile(text, options...)
}

// explain turns an error of the library into ours.
func explain(err error, names []string) *Error {
	e := &Error{Line: 1, Column: 1, Message: err.Error()}
	var at *file.Error
	if errors.As(err, &at) {
		e.Line, e.Column, e.Message = max(at.Line, 1), at.Column+1, at.Message
	}
	switch e.Message {
	case `unexpected token Operator("=")`:
		e.Message += "; to compare, write =="
	case "unexpected token EOF":
		e.Message = "something is missing at its end"
	}
	if strings.HasPrefix(e.Message, "unknown name ") {
		e.Message += "; there is " + strings.Join(names, ", ") + "; a text needs quotes"
	}
	return e
}

func nameOfValue(value any) string {
	if value == nil {
		return "nil"
	}
	return nameOf(reflect.TypeOf(value))
}

// nameOf names a type as a reader of JSON would.
func nameOf(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a text"
	case reflect.Int, reflect.Int64, reflect.Float64:
		return "a number"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Map:
		return "an object"
	default:
		return t.String()
	}
}

// use says which of the names the expression uses.
func (p *Program) use(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return p.uses[name] })
}

// run evaluates the expression.
func (p *Program) run(env map[string]any) (bool, error) {
	steps := 0
	count := func(n int) {
		if steps += n; steps > maxSteps {
			panic(fmt.Sprintf("its loops take more than %d steps", maxSteps))
		}
	}
	env[stepName] = func(value any) any {
		count(1)
		return value
	}
	env[withinName] = func(element, list any) bool { return within(element, list, count) }
	machine := vm.VM{}
	value, err := machine.Run(p.program, env)
	if err != nil {
		return false, p.failure(err)
	}
	result, err := truth(value)
	if err != nil {
		return false, p.failure(err)
	}
	return result.(bool), nil
}

// failure is an error of a run, which may quote what was asked.
func (p *Program) failure(err error) error {
	const most = 300
	e := explain(err, nil)
	if r := []rune(e.Message); len(r) > most {
		e.Message = string(r[:most]) + "..."
	}
	return e
}

var _ ast.Visitor = (*forgiver)(nil)
