package expression

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm/runtime"
)

// stepName counts the steps of loops. No expression can name it.
const stepName = "$step"

// withinName is what takes the place of in, to count its steps.
const withinName = "$in"

// forgiver makes an expression take nil for what is not there: it puts
// functions of ours in the place of what would fail. It leaves alone what is
// known to be of a type, so that mistakes are still found.
type forgiver struct {
	uses map[string]bool
	err  *file.Error // the first mistake that the library does not find
}

// comparisons are the functions that take the place of operators.
var comparisons = map[string]string{"<": "$lt", "<=": "$le", ">": "$gt", ">=": "$ge", "+": "$add"}

// loops are the builtins whose first argument is a list.
var loops = []string{
	"all", "none", "any", "one", "filter", "map", "find", "findIndex", "findLast", "findLastIndex", "count", "sum", "groupBy", "sortBy", "reduce",
}

// conditions are those of them whose predicate is true or false.
var conditions = []string{"all", "none", "any", "one", "filter", "find", "findIndex", "findLast", "findLastIndex", "count"}

// Visit replaces one node, whose own parts have been visited before.
func (f *forgiver) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		f.name(n)
	case *ast.MemberNode:
		if open(n.Node) && !n.Method {
			replace(node, "$get", n.Node, n.Property)
		}
	case *ast.UnaryNode:
		if n.Operator == "!" || n.Operator == "not" {
			isTrue(&n.Node)
		}
	case *ast.ConditionalNode:
		isTrue(&n.Cond)
	case *ast.BinaryNode:
		f.kinds(n)
		f.operator(node, n)
	case *ast.BuiltinNode:
		loop(n)
	}
}

// name takes note of a name, and refuses what is not for expressions.
func (f *forgiver) name(n *ast.IdentifierNode) {
	f.uses[n.Value] = true
	if n.Value[0] == '$' && f.err == nil {
		f.err = &file.Error{Location: n.Location(), Message: "unknown name " + n.Value}
	}
}

// kinds finds a change that is compared with what it never is: such a condition
// would keep back, or let through, everything.
func (f *forgiver) kinds(n *ast.BinaryNode) {
	var others []ast.Node
	switch {
	case n.Operator != "==" && n.Operator != "!=" && n.Operator != "in":
		return
	case isChange(n.Left):
		others = append(others, n.Right)
	case isChange(n.Right) && n.Operator != "in":
		others = append(others, n.Left)
	}
	if len(others) > 0 {
		if list, ok := others[0].(*ast.ArrayNode); ok {
			others = list.Nodes
		}
	}
	for _, other := range others {
		text, ok := other.(*ast.StringNode)
		if ok && !slices.Contains([]string{"created", "updated", "deleted"}, text.Value) && f.err == nil {
			f.err = &file.Error{Location: other.Location(), Message: fmt.Sprintf("change is never %.40q: it is created, updated or deleted", text.Value)}
		}
	}
}

// isChange says whether a node is the variable change.
func isChange(node ast.Node) bool {
	name, ok := node.(*ast.IdentifierNode)
	return ok && name.Value == "change"
}

func (f *forgiver) operator(node *ast.Node, n *ast.BinaryNode) {
	switch n.Operator {
	case "&&", "and", "||", "or":
		isTrue(&n.Left)
		isTrue(&n.Right)
	case "+":
		if known(n.Left, reflect.Int, reflect.Float64) || known(n.Right, reflect.Int, reflect.Float64) {
			return // no text
		}
		if open(n.Left) || open(n.Right) || known(n.Left, reflect.String) && known(n.Right, reflect.String) {
			replace(node, comparisons[n.Operator], n.Left, n.Right)
		}
	case "in":
		// Of a list that is written out, the library makes a table.
		if open(n.Right) || known(n.Right, reflect.Slice) && !written(n.Right) {
			replace(node, withinName, n.Left, n.Right)
		}
	case "<", "<=", ">", ">=":
		if open(n.Left) || open(n.Right) {
			replace(node, comparisons[n.Operator], n.Left, n.Right)
		}
	}
}

// loop counts the steps of a loop, and lets it go over nil.
func loop(n *ast.BuiltinNode) {
	if !slices.Contains(loops, n.Name) || len(n.Arguments) == 0 {
		return
	}
	if open(n.Arguments[0]) {
		replace(&n.Arguments[0], "$list", n.Arguments[0])
	}
	for _, argument := range n.Arguments[1:] {
		if predicate, ok := argument.(*ast.PredicateNode); ok {
			isBool := known(predicate.Node, reflect.Bool)
			replace(&predicate.Node, stepName, predicate.Node)
			if isBool || slices.Contains(conditions, n.Name) {
				isTrue(&predicate.Node)
			}
		}
	}
}

// isTrue lets what may be nil stand where true or false is wanted.
func isTrue(node *ast.Node) {
	if open(*node) {
		replace(node, "$true", *node)
	}
}

// open says whether the type of a node is not known before it is run.
func open(node ast.Node) bool {
	t := node.Type()
	return t == nil || t.Kind() == reflect.Interface
}

func known(node ast.Node, kinds ...reflect.Kind) bool {
	t := node.Type()
	return t != nil && slices.Contains(kinds, t.Kind())
}

// written says whether a node is a list that is written out, or a range.
func written(node ast.Node) bool {
	switch n := node.(type) {
	case *ast.ArrayNode, *ast.ConstantNode:
		return true
	case *ast.BinaryNode:
		return n.Operator == ".."
	}
	return false
}

func replace(node *ast.Node, function string, arguments ...ast.Node) {
	callee := &ast.IdentifierNode{Value: function}
	callee.SetLocation((*node).Location())
	ast.Patch(node, &ast.CallNode{Callee: callee, Arguments: arguments})
}

// replacements are the functions that the forgiver puts in, and builtins that
// are to take nil.
func replacements() []expr.Option {
	compare := func(name string, holds func(a, b any) bool) expr.Option {
		return expr.Function(name, func(args ...any) (any, error) {
			if args[0] == nil || args[1] == nil {
				return false, nil
			}
			return holds(args[0], args[1]), nil
		}, new(func(any, any) bool))
	}
	return []expr.Option{
		compare("$lt", runtime.Less), compare("$le", runtime.LessOrEqual),
		compare("$gt", runtime.More), compare("$ge", runtime.MoreOrEqual),
		expr.Function("$add", add, new(func(any, any) any)),
		expr.Function("$get", get, new(func(any, any) any)),
		expr.Function("$list", list, new(func(any) any)),
		expr.Function("$true", func(args ...any) (any, error) { return truth(args[0]) }, new(func(any) bool)),
		expr.Function("len", length, new(func(any) int)),
		expr.Function("abs", absolute, new(func(any) any)),
		expr.Function("string", text, new(func(any) string)),
	}
}

// truth takes nil for false.
func truth(value any) (any, error) {
	switch value := value.(type) {
	case nil:
		return false, nil
	case bool:
		return value, nil
	default:
		return nil, fmt.Errorf("%s stands where true or false is wanted; compare it with something", nameOfValue(value))
	}
}

// add bounds the texts that grow by it.
func add(args ...any) (any, error) {
	a, ok := args[0].(string)
	b, ok2 := args[1].(string)
	if ok && ok2 && len(a)+len(b) > maxText {
		return nil, errText
	}
	return runtime.Add(args[0], args[1]), nil
}

// get is a member of an object, or an element of a list, -1 being the last.
func get(args ...any) (any, error) {
	switch from := args[0].(type) {
	case nil:
		return nil, nil
	case map[string]any:
		name, ok := args[1].(string)
		if !ok {
			return nil, fmt.Errorf("an object has no element %v: its members have names", args[1])
		}
		return from[name], nil
	case []any:
		if _, ok := args[1].(string); ok {
			return nil, fmt.Errorf("a list has no member %.80q: name one of its elements, such as [0], or all of them, as in any(list, .member > 1)", args[1])
		}
		i := runtime.ToInt(args[1])
		if i < 0 {
			i += len(from)
		}
		if i < 0 || i >= len(from) {
			return nil, nil
		}
		return from[i], nil
	case string, bool, int, int64, float64:
		return nil, fmt.Errorf("%s has no member %v", nameOfValue(from), args[1])
	default:
		return runtime.Fetch(args[0], args[1]), nil
	}
}

// list takes nil for a list without elements.
func list(args ...any) (any, error) {
	switch value := args[0].(type) {
	case nil:
		return []any{}, nil
	case string, bool, int, int64, float64, map[string]any:
		return nil, fmt.Errorf("%s stands where a list is wanted", nameOfValue(value))
	default:
		return value, nil
	}
}

// length counts elements, members, or the characters of a text.
func length(args ...any) (any, error) {
	switch value := args[0].(type) {
	case nil:
		return 0, nil
	case string:
		return len([]rune(value)), nil
	}
	switch v := reflect.ValueOf(args[0]); v.Kind() {
	case reflect.Slice, reflect.Array, reflect.Map:
		return v.Len(), nil
	default:
		return nil, fmt.Errorf("%s has no length", nameOf(v.Type()))
	}
}

// absolute takes the sign off a number, so that abs(delta("price")) > 1 can be
// said of what has no price.
func absolute(args ...any) (any, error) {
	switch n := args[0].(type) {
	case nil:
		return nil, nil
	case int, int64, float64:
		if runtime.Less(n, 0) {
			return runtime.Negate(n), nil
		}
		return n, nil
	default:
		return nil, fmt.Errorf("%s has no absolute value", nameOfValue(n))
	}
}

// text writes what is no list and no object.
func text(args ...any) (any, error) {
	switch value := args[0].(type) {
	case map[string]any, []any:
		return nil, fmt.Errorf("%s cannot be written as a text", nameOfValue(value))
	default:
		return fmt.Sprint(value), nil
	}
}
