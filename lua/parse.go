package lua

import (
	"errors"
	"fmt"
	"strings"

	"github.com/yuin/gopher-lua/ast"
	"github.com/yuin/gopher-lua/parse"

	"github.com/mwlua/mwlua/core/program"
)

// parsed is a file of Lua as a tree.
type parsed struct {
	file  string // as it is named in messages
	src   string
	stmts []ast.Stmt
}

// parseFile checks src and parses it. It reports what is wrong and is false then.
func (l *loader) parseFile(file, src string) (*parsed, bool) {
	if i := strings.IndexByte(src, 0); i >= 0 {
		l.errorf(place(file, 1+strings.Count(src[:i], "\n")), "holds NUL bytes: this is no Lua file")
		return nil, false
	}
	if strings.HasPrefix(src, "\x1bLua") {
		l.errorf(program.Place{File: file}, "is compiled Lua: name the source")
		return nil, false
	}
	src = strings.TrimPrefix(src, "\ufeff")
	if strings.HasPrefix(src, "#!") { // gopher-lua knows no interpreter line; a comment keeps the numbers of the lines
		src = "--" + src[2:]
	}
	if line, text := scan(src); text != "" {
		l.errorf(place(file, line), "%s", text)
		return nil, false
	}
	stmts, err := parse.Parse(strings.NewReader(src), file)
	if err != nil {
		l.syntax(file, src, err)
		return nil, false
	}
	return &parsed{file, src, stmts}, true
}

func place(file string, line int) program.Place { return program.Place{File: file, Line: line} }

// syntax reports an error of the parser in our own words: its line is not where ours stand, and what it found is often far from
// what is missing.
func (l *loader) syntax(file, src string, err error) {
	var found *parse.Error
	if !errors.As(err, &found) {
		l.errorf(place(file, 0), "syntax error: %v", err)
		return
	}
	last := 1 + strings.Count(strings.TrimRight(src, "\n"), "\n")
	line, near := found.Pos.Line, "near "+quote(found.Token)
	if line == parse.EOF || line > last || found.Token == "" && line >= last {
		line, near = last, "at the end of the file"
	}
	text := found.Message
	if text == "syntax error" || text == "parse error" || text == "" {
		text = "syntax error"
	}
	l.errorf(place(file, line), "%s %s%s", strings.ToLower(text), near, missing(src, found, near))
}

// missing guesses what a parser did not find.
func missing(src string, found *parse.Error, near string) string {
	line := found.Pos.Line
	if near == "at the end of the file" {
		line = -1
	}
	if hint := foreign(src, found); hint != "" {
		return hint
	}
	open := openAt(src, line, found.Pos.Column)
	if len(open) == 0 {
		return ""
	}
	inner := open[len(open)-1]
	switch {
	case line < 0 || found.Token == "end" || found.Token == "}" || found.Token == ")":
		return fmt.Sprintf(" (%q of line %d is not closed)", inner.text, inner.line)
	case inner.text == "{" && found.Token != "=":
		return " (is a comma missing before it?)"
	}
	return ""
}

// foreign knows what people write who think of another language.
func foreign(src string, found *parse.Error) string {
	if found.Pos.Line < 1 {
		return ""
	}
	lines := strings.SplitN(src, "\n", found.Pos.Line+1)
	if len(lines) < found.Pos.Line {
		return ""
	}
	text := lines[found.Pos.Line-1]
	column := min(max(found.Pos.Column-1, 0), len(text))
	before := strings.TrimSpace(text[:column])
	switch {
	case found.Token == "!":
		return " (Lua writes ~= and not)"
	case found.Token == "/" || found.Token == "#":
		return " (a comment begins with --)"
	case found.Token == "[" && strings.HasSuffix(before, "="):
		return " (Lua writes a list as { … })"
	case found.Token == "=" && !strings.HasSuffix(before, "=") && strings.HasPrefix(strings.TrimSpace(text), "if"):
		return " (Lua compares with ==)"
	case strings.HasSuffix(before, ":"):
		return " (Lua writes KEY = VALUE)"
	}
	return ""
}
