package haproxycfg

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestLex has what the recorded cases lack, seen on HAProxy 2.6.12 where no fact says that we do better.
func TestLex(t *testing.T) {
	words := func(n int) []string { return strings.Fields(strings.Repeat("w ", n)) }
	for _, test := range []struct {
		name, line string
		want       []string
	}{
		{"CR ends the line after a word", "a b\rc", []string{"a", "b"}},
		{"CR among blanks is a blank", "\r a \rb \r", []string{"a", "b"}},
		{"CR in a default", "\"${U-b\rc}\" d", []string{"b\rc", "d"}},
		{"64 words and a blank (H-2.6)", strings.Repeat("w ", 64), words(64)},
		{"64 words and a comment (H-2.6)", strings.Repeat("w ", 64) + "# c", words(64)},
		{"64 words and an empty one", strings.Repeat("w ", 64) + "''", words(64)},
		{"long default (H-2.39)", `"${U-` + strings.Repeat("d", 5000) + `}" z`, []string{strings.Repeat("d", 5000), "z"}},
		{"empty words stay where they are", `a "" b ''`, []string{"a", "", "b", ""}},
		{"blanks around a split value", `x"${L[*]}"y`, []string{"x", "a", "b", "y"}},
		{"long word", strings.Repeat("w", 131072), []string{strings.Repeat("w", 131072)}},
	} {
		t.Run(test.name, func(t *testing.T) {
			lookup := func(name string) (string, bool) { return " a  b ", name == "L" }
			out, err := lex(test.line, lookup, maxExpanded)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, w := range out.words {
				got = append(got, w.text)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("words (-want +got):\n%s", diff)
			}
		})
	}
}

func TestColumns(t *testing.T) {
	out, _ := lex("  a\t'b c' \"${L[*]}\"", func(string) (string, bool) { return "x y", true }, maxExpanded)
	want := []word{{text: "a", column: 3}, {text: "b c", column: 5}, {text: "x", column: 11}, {text: "y", column: 12}}
	if diff := cmp.Diff(want, out.words, cmp.AllowUnexported(word{})); diff != "" {
		t.Errorf("words (-want +got):\n%s", diff)
	}
}
