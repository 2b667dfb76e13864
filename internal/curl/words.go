package curl

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"mvdan.cc/sh/v3/syntax"
)

// mark stands before and after the name of a variable of the shell, within the text
// of a word. No argument of a command can hold it.
const mark = "\x00"

// words are the arguments of the curl command in a line of a shell, without its
// name. Of a pipeline only the first command is looked at; rest says that there was
// more.
func words(line string) (args []string, rest bool, err error) {
	line = strings.TrimPrefix(strings.TrimSpace(line), "$ ") // a prompt
	switch {
	case strings.Contains(line, mark) || !utf8.ValidString(line):
		return nil, false, errors.New("this is no text")
	case strings.HasPrefix(line, `curl ^"`):
		return nil, false, errors.New("this is written for the cmd of Windows; copy it as cURL (bash)")
	}
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(line), "")
	if err != nil {
		return nil, false, fmt.Errorf("read the shell's words: %w", err)
	}
	call, rest, err := command(file)
	if err != nil {
		return nil, false, err
	}
	for _, w := range call.Args {
		var text strings.Builder
		if err := parts(&text, w.Parts, false); err != nil {
			return nil, false, err
		}
		args = append(args, text.String())
	}
	name := args[0]
	if slash := strings.LastIndexAny(name, `/\`); slash >= 0 {
		name = name[slash+1:]
	}
	if name != "curl" && name != "curl.exe" {
		return nil, false, errors.New("this is no curl command: it has to begin with curl")
	}
	return args[1:], rest, nil
}

// command is the first command of a line.
func command(file *syntax.File) (call *syntax.CallExpr, rest bool, err error) {
	if len(file.Stmts) == 0 {
		return nil, false, errors.New("there is no command")
	}
	stmt := file.Stmts[0]
	switch {
	case stmt.Background:
		return nil, false, errors.New("an & ends a command in a shell: put the URL into quotes")
	case len(file.Stmts) > 1:
		return nil, false, errors.New("want one command; lines that belong together end with a backslash (not with the ^ of Windows: copy it as cURL (bash)), and an address with a & or ; is quoted")
	}
	for {
		rest = rest || len(stmt.Redirs) > 0
		switch c := stmt.Cmd.(type) {
		case *syntax.BinaryCmd:
			stmt, rest = c.X, true
		case *syntax.CallExpr:
			if len(c.Args) == 0 {
				return nil, false, errors.New("this is no curl command: it has to begin with curl")
			}
			return c, rest, nil
		default:
			return nil, false, errors.New("this is no curl command: it has to begin with curl")
		}
	}
}

// parts writes what a shell makes of the parts of a word. Variables are marked.
func parts(text *strings.Builder, of []syntax.WordPart, quoted bool) error {
	for _, part := range of {
		switch p := part.(type) {
		case *syntax.Lit:
			text.WriteString(unescape(p.Value, quoted))
		case *syntax.SglQuoted:
			if !p.Dollar {
				text.WriteString(p.Value)
				continue
			}
			value, err := unescapeANSI(p.Value)
			if err != nil {
				return err
			}
			text.WriteString(value)
		case *syntax.DblQuoted:
			if err := parts(text, p.Parts, true); err != nil {
				return err
			}
		case *syntax.ParamExp:
			if !isSimple(p) {
				return errors.New("a ${…} that is more than a name cannot be read here: write what it stands for")
			}
			text.WriteString(mark + p.Param.Value + mark)
		case *syntax.CmdSubst:
			return errors.New("what a $(…) gives is not known here: keep it in a variable, and write $NAME in its place")
		default:
			return errors.New("only words, quotes and $NAME can be read here")
		}
	}
	return nil
}

// isSimple says whether an expansion is $NAME or ${NAME}.
func isSimple(p *syntax.ParamExp) bool {
	return p.Param != nil && p.NestedParam == nil && syntax.ValidName(p.Param.Value) && p.Flags == nil && !p.Excl && !p.Length && !p.Width &&
		!p.IsSet && p.Index == nil && p.Slice == nil && p.Repl == nil && p.Exp == nil && p.Names == 0 && len(p.Modifiers) == 0
}

// unescape takes the backslashes out of a literal, as a shell does without quotes
// or in double ones.
func unescape(text string, quoted bool) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			out.WriteByte(text[i])
			continue
		}
		next := text[i+1]
		if quoted && !strings.ContainsRune("$`\"\\\n", rune(next)) {
			out.WriteByte('\\')
			continue
		}
		i++
		if next != '\n' {
			out.WriteByte(next)
		}
	}
	return out.String()
}

// simpleEscapes are those of $'…' with one letter.
var simpleEscapes = map[byte]byte{
	'n': '\n', 't': '\t', 'r': '\r', 'a': '\a', 'b': '\b', 'f': '\f', 'v': '\v', 'e': 0x1b, 'E': 0x1b,
	'\\': '\\', '\'': '\'', '"': '"', '?': '?',
}

// unescapeANSI is the text of $'…', as Bash's manual says of ANSI-C quoting.
func unescapeANSI(text string) (string, error) {
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			out.WriteByte(text[i])
			continue
		}
		i++
		c := text[i]
		if simple, ok := simpleEscapes[c]; ok {
			out.WriteByte(simple)
			continue
		}
		var digits int
		base, wide := 16, true
		switch c {
		case 'x':
			digits, wide = 2, false
		case 'u':
			digits = 4
		case 'U':
			digits = 8
		case '0', '1', '2', '3', '4', '5', '6', '7':
			digits, base, wide = 3, 8, false
			i-- // the digit is the first of them
		default:
			out.WriteByte('\\')
			out.WriteByte(c)
			continue
		}
		number := leading(text[i+1:], digits, base)
		n, err := strconv.ParseUint(number, base, 32)
		switch {
		case err != nil || n == 0 || wide && !utf8.ValidRune(rune(n)) || !wide && n > 0xff:
			return "", fmt.Errorf("the escape \\%s in $'…' is no character", text[i:min(len(text), i+1+len(number))])
		case wide:
			out.WriteRune(rune(n))
		default:
			out.WriteByte(byte(n))
		}
		i += len(number)
	}
	if !utf8.ValidString(out.String()) {
		return "", errors.New("a $'…' holds bytes that are no text")
	}
	return out.String(), nil
}

// leading are the digits at the beginning of a text, at most so many.
func leading(text string, most, base int) string {
	n := 0
	for n < most && n < len(text) {
		if _, err := strconv.ParseUint(text[n:n+1], base, 8); err != nil {
			break
		}
		n++
	}
	return text[:n]
}
