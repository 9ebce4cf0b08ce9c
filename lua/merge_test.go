package lua

import "testing"

// TestKeysAreReportedInOneOrder, whatever they are: the first that has no name is told of.
func TestKeysAreReportedInOneOrder(t *testing.T) {
	for _, source := range []string{
		`program "web" { command = { "a" }, [true] = 3, [false] = 2 }`,
		`program "web" { command = { "a" }, [{}] = 3, [{}] = 2, [{}] = 1 }`,
		`program "web" { command = { "a" }, [{}] = 3, [true] = 2, [print] = 1 }`,
	} {
		first := ""
		for i := range 50 {
			_, problems := Load(virtual(map[string]string{"c.lua": source}, "c.lua"))
			switch text := problems.Error(); {
			case i == 0:
				first = text
			case text != first:
				t.Fatalf("%s: once it is %q, and once %q", source, first, text)
			}
		}
	}
}
