package program

import (
	"fmt"
	"strings"
)

// Expand replaces what stands between ${ and } in text by lookup's answer for it; $${ becomes ${. A $ that no { follows is an
// ordinary character. It fails when a } is missing or lookup does not know a name; the text says which.
//
// Words of a declaration with Spec.Expand are expanded when an instance is spawned: ${name} is the program's name, ${instance}
// its Slot, ${env:X} the variable X of its environment.
func Expand(text string, lookup func(name string) (string, bool)) (string, error) {
	var out strings.Builder
	for {
		before, after, found := strings.Cut(text, "${")
		if !found {
			out.WriteString(text)
			return out.String(), nil
		}
		if escaped, ok := strings.CutSuffix(before, "$"); ok {
			out.WriteString(escaped + "${")
			text = after
			continue
		}
		name, rest, closed := strings.Cut(after, "}")
		if !closed {
			return "", fmt.Errorf("${ without a }")
		}
		value, known := lookup(name)
		if !known {
			return "", fmt.Errorf("unknown ${%s}", name)
		}
		out.WriteString(before + value)
		text = rest
	}
}
