package control

import (
	"fmt"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mwlua/mwlua/core/machine"
)

// reference is docs/reference/control.md, by heading.
func reference(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../../docs/reference/control.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]string{}
	for _, section := range regexp.MustCompile(`(?m)^##+ `).Split(string(text), -1)[1:] {
		heading, body, _ := strings.Cut(section, "\n")
		sections[heading] = body
	}
	return sections
}

// rows are the first cells of the tables in text, without quotes.
func rows(text string) []string {
	var cells []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)`( –)? \\|").FindAllStringSubmatch(text, -1) {
		cells = append(cells, m[1]+m[2])
	}
	return cells
}

// fields are the names of v's fields in JSON, those that may be missing marked as in the reference.
func fields(v any) []string {
	var names []string
	for f := range reflect.TypeOf(v).Fields() {
		name, rest, ok := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous {
			continue
		}
		if ok && rest == "omitempty" {
			name += " –"
		}
		names = append(names, name)
	}
	return names
}

func TestReferenceHasTheFields(t *testing.T) {
	sections := reference(t)
	for _, v := range []any{Status{}, Supervisor{}, Program{}, Plugin{}, Instance{}, Health{}, Survivor{}, Exit{}, Plan{}, Change{}, Problem{}, Result{}} {
		name := reflect.TypeOf(v).Name()
		if diff := cmp.Diff(fields(v), rows(sections[name])); diff != "" {
			t.Errorf("%s (code -, reference +)\n%s", name, diff)
		}
	}
	whys := []machine.Why{
		machine.WhyFailed, machine.WhyDropped, machine.WhyUnknown, machine.WhyNotRunning, machine.WhySuperseded,
		WhyInvalid, WhyBadRequest, WhyUnknownPath, WhyWrongMethod, WhyForbidden, WhyBusy, WhyInternal,
	}
	want := fields(Failure{})
	for _, why := range whys {
		want = append(want, string(why))
	}
	if diff := cmp.Diff(want, rows(sections["Failure"])); diff != "" {
		t.Errorf("Failure (code -, reference +)\n%s", diff)
	}
}

func TestReferenceHasTheEndpoints(t *testing.T) {
	var want []string
	for path, e := range endpoints() {
		want = append(want, e.method+" "+path)
	}
	for verb := range verbs() {
		want = append(want, http.MethodPost+" /v1/programs/NAME/"+verb)
	}
	got := rows(reference(t)["Requests"])
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(code -, reference +)\n%s", diff)
	}
}

func TestReferenceHasTheBounds(t *testing.T) {
	text := strings.Join(strings.Fields(reference(t)["Bounds"]), " ")
	l := defaultLimits()
	for _, want := range []string{
		fmt.Sprintf("at most %d KiB", longestBody>>10), fmt.Sprintf("%.0f s to send its headers", l.header.Seconds()),
		fmt.Sprintf("%.0f s for a body", l.body.Seconds()), fmt.Sprintf("%.0f s to read", l.write.Seconds()),
		fmt.Sprintf("at most %d connections", l.conns), fmt.Sprintf("At most %d requests", l.waits),
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the bounds do not say %q", want)
		}
	}
}

// words are the values of the constants of a type of package machine.
func words(t *testing.T, typ string) []string {
	t.Helper()
	var text []byte
	for _, name := range []string{"state.go", "instance.go"} {
		more, err := os.ReadFile("../machine/" + name)
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, more...)
	}
	var words []string
	for _, m := range regexp.MustCompile(`(?m)^\t\w+ +`+typ+` += "(.+?)"`).FindAllStringSubmatch(string(text), -1) {
		words = append(words, m[1])
	}
	if len(words) == 0 {
		t.Fatalf("there are no constants of type %s", typ)
	}
	return words
}

func TestReferenceHasTheWords(t *testing.T) {
	sections := reference(t)
	for typ, section := range map[string]string{"Phase": "Program", "Step": "Instance", "Cause": "Instance", "ReloadStep": "Supervisor"} {
		for _, word := range words(t, typ) {
			if !strings.Contains(sections[section], "`"+word+"`") {
				t.Errorf("%s does not have the %s %q", section, typ, word)
			}
		}
	}
}
