package notify

import (
	"fmt"
	"strings"
	"text/template"
	"text/template/parse"
)

// forgive changes a template so that what an event does not have is empty, and
// that it can be ended wherever it is. text/template by itself ends at a member
// of a member that is missing, and prints "<no value>" for one that is.
//
// .A.B becomes (field . "A" "B"), $x.A becomes (field $x "A"), what is printed
// goes through show, conditions through given, and each list of nodes that may
// be carried out again begins with an empty piece of text, which reaches the
// writer.
func forgive(t *template.Template) error {
	for _, defined := range t.Templates() {
		if defined.Tree == nil || defined.Root == nil {
			continue
		}
		f := &forgiver{tree: defined.Tree}
		f.list(defined.Root, true)
		if f.err != nil {
			return f.err
		}
	}
	return nil
}

type forgiver struct {
	tree *parse.Tree
	err  error
}

func (f *forgiver) list(l *parse.ListNode, repeated bool) {
	if l == nil {
		return
	}
	for _, n := range l.Nodes {
		f.node(n)
	}
	if repeated {
		l.Nodes = append([]parse.Node{&parse.TextNode{NodeType: parse.NodeText, Pos: l.Pos}}, l.Nodes...)
	}
}

func (f *forgiver) node(n parse.Node) {
	switch n := n.(type) {
	case *parse.ActionNode:
		f.pipe(n.Pipe)
		if len(n.Pipe.Decl) == 0 {
			n.Pipe.Cmds = append(n.Pipe.Cmds, call(n.Pos, "show"))
		}
	case *parse.IfNode:
		f.branch(&n.BranchNode, false)
		n.Pipe.Cmds = append(n.Pipe.Cmds, call(n.Pos, "given"))
	case *parse.RangeNode:
		f.branch(&n.BranchNode, true)
	case *parse.WithNode:
		f.branch(&n.BranchNode, false)
		n.Pipe.Cmds = append(n.Pipe.Cmds, call(n.Pos, "given"))
	case *parse.TemplateNode:
		f.pipe(n.Pipe)
	}
}

func (f *forgiver) branch(n *parse.BranchNode, repeated bool) {
	f.pipe(n.Pipe)
	f.list(n.List, repeated)
	f.list(n.ElseList, false)
}

func (f *forgiver) pipe(p *parse.PipeNode) {
	if p == nil {
		return
	}
	for _, c := range p.Cmds {
		for i, arg := range c.Args {
			c.Args[i] = f.arg(arg, i == 0 && len(c.Args) > 1)
		}
	}
}

// arg is what stands in place of an operand.
func (f *forgiver) arg(n parse.Node, isCalled bool) parse.Node {
	switch n := n.(type) {
	case *parse.FieldNode:
		return f.field(n, &parse.DotNode{NodeType: parse.NodeDot, Pos: n.Pos}, n.Ident, isCalled)
	case *parse.VariableNode:
		if len(n.Ident) > 1 {
			variable := &parse.VariableNode{NodeType: parse.NodeVariable, Pos: n.Pos, Ident: n.Ident[:1]}
			return f.field(n, variable, n.Ident[1:], isCalled)
		}
	case *parse.ChainNode:
		return f.field(n, f.arg(n.Node, false), n.Field, isCalled)
	case *parse.PipeNode:
		f.pipe(n)
	}
	return n
}

// field is the call that looks names up in a value.
func (f *forgiver) field(n, in parse.Node, names []string, isCalled bool) parse.Node {
	if isCalled && f.err == nil {
		location, _ := f.tree.ErrorContext(n)
		f.err = fmt.Errorf("%s: %s is a value and takes no arguments; a function stands before what it is about, such as date \"15:04\" .Time", location, n)
	}
	c := call(n.Position(), "field")
	c.Args = append(c.Args, in)
	for _, name := range names {
		c.Args = append(c.Args, &parse.StringNode{NodeType: parse.NodeString, Pos: n.Position(), Quoted: `"` + strings.TrimSpace(name) + `"`, Text: name})
	}
	return &parse.PipeNode{NodeType: parse.NodePipe, Pos: n.Position(), Cmds: []*parse.CommandNode{c}}
}

func call(at parse.Pos, name string) *parse.CommandNode {
	return &parse.CommandNode{
		NodeType: parse.NodeCommand, Pos: at,
		Args: []parse.Node{parse.NewIdentifier(name).SetPos(at)},
	}
}
