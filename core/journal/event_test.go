package journal

import (
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
)

// TestEveryEventHasAName: kinds are the types that core/machine declares as events, each once.
func TestEveryEventHasAName(t *testing.T) {
	parsed, err := parser.ParseFile(token.NewFileSet(), "../machine/event.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var declared []string
	for _, decl := range parsed.Decls {
		if fn, ok := decl.(*ast.FuncDecl); ok && fn.Name.Name == "event" {
			declared = append(declared, fn.Recv.List[0].Type.(*ast.Ident).Name)
		}
	}
	var known []string
	for _, k := range kinds {
		known = append(known, k.name)
	}
	slices.Sort(declared)
	slices.Sort(known)
	if len(declared) < 30 || !slices.Equal(declared, known) {
		t.Errorf("kinds differ (-core/machine +core/journal): add the event to kinds, and its texts to words.event\n%s",
			cmp.Diff(declared, known))
	}
}

// events are all of them, made by decoding nothing.
func events(t *testing.T) []machine.Event {
	t.Helper()
	var all []machine.Event
	for _, k := range kinds {
		ev, err := k.decode([]byte("{}"))
		if err != nil {
			t.Fatalf("%s: %v", k.name, err)
		}
		all = append(all, ev)
	}
	return all
}

// fill puts text into every plain string below v, an element into every slice, and numbers into what is counted.
func fill(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.String:
		if v.Type() == reflect.TypeFor[string]() {
			v.SetString(text)
		}
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Uint64:
		v.SetUint(7)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), text)
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte(text))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), text)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), text)
	}
}

// filled is an event of the same type with text in all its strings.
func filled(ev machine.Event, text string) machine.Event {
	v := reflect.New(reflect.TypeOf(ev)).Elem()
	fill(v, text)
	return v.Interface().(machine.Event)
}

// TestAnyBytesOfAnEventSurvive: names may hold bytes that are no UTF-8 (H-1.4), and a text that words.event forgets would come back
// changed.
func TestAnyBytesOfAnEventSurvive(t *testing.T) {
	open := words{name: machine.Escape, text: machine.Escape, data: func(b []byte) []byte { return b },
		config: func(c program.Config) program.Config { return c }}
	for _, text := range []string{"\xff\xfe", "a\xc3", "\ufdd0", "\ufffd", "ü;|=\n\"", "plain"} {
		for _, ev := range events(t) {
			want := Step{At: 7, Event: filled(ev, text)}
			fill(reflect.ValueOf(&want.Ends).Elem(), text)
			fill(reflect.ValueOf(&want.Asked).Elem(), text)
			fill(reflect.ValueOf(&want.Quit).Elem(), text)
			data, err := encodeStep(open.step(want))
			if err != nil {
				t.Fatal(err)
			}
			got, err := decodeLine(data)
			if err != nil {
				t.Fatalf("%v: %s", err, data)
			}
			if diff := cmp.Diff(&want, got.Step); diff != "" {
				t.Errorf("%T %q (-written +read):\n%s", ev, text, diff)
			}
		}
	}
}
