package lua

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"github.com/mwlua/mwlua/core/program"
)

// maxFrames bounds the calls that an error's message lists, and that are looked at for it.
const maxFrames = 12

// failure is an error that a script raised and nobody in it caught.
type failure struct {
	place    program.Place
	text     string
	callers  []program.Place // the lines that led there, the innermost first, without place itself
	reported bool            // the problem is known: this only ends the script
	object   any             // of Script.Raise
}

// known is raised to end a script whose problem is reported already.
type known struct{}

// raise ends the running function with an error at the line that called it.
func raise(L *lua.LState, format string, args ...any) {
	L.RaiseError("%s", fmt.Sprintf(format, args...))
}

// abort ends the script without a further problem.
func abort(L *lua.LState) { L.Error(&lua.LUserData{Value: known{}, Metatable: lua.LNil}, 0) }

// protected calls fn with args and one result. gopher-lua's own PCall writes a traceback whenever it has no handler, with a line
// for each tail call: an endless one took 6.4 s and 876 MB.
func (l *loader) protected(fn lua.LValue, args ...lua.LValue) (result lua.LValue, failed *failure) {
	L := l.vm
	top := L.GetTop()
	L.Push(fn)
	for _, arg := range args {
		L.Push(arg)
	}
	var callers []program.Place
	handler := L.NewFunction(func(L *lua.LState) int {
		callers = l.frames(L)
		return 1
	})
	err := L.PCall(len(args), 1, handler)
	if err == nil {
		result = L.Get(-1)
		L.SetTop(top)
		return result, nil
	}
	L.SetTop(top)
	return lua.LNil, l.failure(err, callers)
}

// frames are the lines of the Lua functions that are being run, the innermost first.
func (l *loader) frames(L *lua.LState) []program.Place {
	var found []program.Place
	for level := 1; level < 4*maxFrames && len(found) < maxFrames; level++ {
		dbg, ok := L.GetStack(level)
		if !ok {
			break
		}
		if _, err := L.GetInfo("Sl", dbg, lua.LNil); err != nil || dbg.CurrentLine <= 0 {
			continue
		}
		at := place(dbg.Source, dbg.CurrentLine)
		if len(found) == 0 || found[len(found)-1] != at {
			found = append(found, at)
		}
	}
	return found
}

func (l *loader) failure(err error, callers []program.Place) *failure {
	f := &failure{}
	found, ok := err.(*lua.ApiError)
	if !ok {
		f.text = err.Error()
		return f
	}
	switch object := found.Object.(type) {
	case *lua.LUserData:
		_, f.reported = object.Value.(known)
		f.text = "an error that is no text was raised"
		if r, ok := object.Value.(carried); ok {
			f.object, f.text = r.object, fmt.Sprint(r.object)
		}
	case lua.LString:
		f.place, f.text = l.position(string(object))
		if strings.TrimSpace(f.text) == "" {
			f.text = "an error without a message was raised"
		}
	default:
		f.text = fmt.Sprintf("an error that is no text was raised (%s)", describe(object))
	}
	if f.place == nowhere && len(callers) > 0 {
		f.place = callers[0]
	}
	// error(…, 2) names a caller: what lies between is of no interest.
	f.callers = callers[slices.Index(callers, f.place)+1:]
	return f
}

// position takes the FILE:LINE: that gopher-lua puts before messages from one. Files are compared as a whole: their names may
// hold colons.
func (l *loader) position(text string) (program.Place, string) {
	for _, file := range l.compiled {
		rest, ok := strings.CutPrefix(text, file+":")
		if !ok {
			continue
		}
		number, rest, ok := strings.Cut(rest, ":")
		if n, err := strconv.Atoi(number); ok && err == nil {
			at, prefix := place(file, n), file+":"+number+": "
			for rest = strings.TrimPrefix(rest, " "); strings.HasPrefix(rest, prefix); { // raised again by a handler
				rest = rest[len(prefix):]
			}
			return at, rest
		}
	}
	return nowhere, strings.TrimSpace(text)
}

// reportFailure makes a problem of f.
func (l *loader) reportFailure(f *failure) {
	l.failed = true
	if f.reported {
		return
	}
	at := f.place
	if at == nowhere {
		at = place(l.main, 0)
	}
	if cause := l.bounds.cause(); cause != "" {
		l.errorf(at, "%s", cause)
		return
	}
	l.errorf(at, "%s%s", translate(f.text), via(at, f.callers))
}

// via names the lines that led to an error.
func via(at program.Place, callers []program.Place) string {
	var lines []string
	for _, c := range callers {
		if c != at && len(lines) < 3 {
			lines = append(lines, c.String())
		}
	}
	if len(lines) == 0 {
		return ""
	}
	return " (called from " + strings.Join(lines, ", from ") + ")"
}

// translate puts gopher-lua's words for common mistakes into ours, with what to do.
func translate(text string) string {
	switch {
	case text == "stack overflow":
		return "functions call each other more than 200 deep: does a recursion not end?"
	case strings.Contains(text, "registry overflow"):
		return "too many values at once: a call or a table got more than fit"
	case strings.HasPrefix(text, "attempt to call a non-function object"):
		return "what is called here is no function: is a name misspelt, a comma missing, or pairs() in a for?"
	case strings.HasPrefix(text, "attempt to index a non-table object("):
		return indexed(strings.TrimPrefix(text, "attempt to index a non-table object("))
	case text == "__len undefined":
		return "only strings and tables have a length"
	case strings.HasPrefix(text, "cannot perform concat operation between "):
		return "cannot join " + strings.TrimPrefix(text, "cannot perform concat operation between ") + " with ..: use tostring()"
	case strings.HasPrefix(text, "runtime error: ") || strings.HasPrefix(text, "interface conversion: "):
		return "this call cannot be carried out: are its arguments right? (" + text + ")"
	}
	return text
}

// indexed is about a key of what is no table: TYPE) with key 'KEY'.
func indexed(text string) string {
	kind, key, _ := strings.Cut(text, ") with key ")
	if kind == "nil" {
		kind = "nil: what stands before it has no value"
	} else {
		kind = "a " + kind + ": only tables have keys"
	}
	return "cannot take the key " + strings.Trim(key, "'") + " of " + kind
}
