package haproxycfg

import (
	"reflect"
	"strings"
	"testing"
)

// FuzzLoad feeds arbitrary bytes as a file: whatever they are, the result is the same twice, problems have a place and one
// line, and what is accepted can be used.
func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		"", "\x00", "\n", minimal, "\ufeff" + minimal, "[a]\n",
		"global\n master-worker no-exit-on-failure\n setenv A \"a b\"\nprogram p\n command x \"${A[*]}\" '$A' \"${U-d}\" \\x41\\ b\n",
		"global\n setenv A \"$A$A$A$A\"\n resetenv PATH\n hard-stop-after 5m\n mworker-max-reloads 3\n stats socket /x\n",
		".if 1 && (!defined(A) || streq(\"$E\",'a \\b'))\nprogram \"p$.LINE\"\n.elif version_atleast(2.6-dev1)\n.else\n.endif\n command /bin/sh\n",
		"program p\n no option start-on-reload\n user web\n group adm\n.notice \"${.FILE}${.SECTION}\"\n",
		"program p\r\n command /bin/sh \"\\\"\\t\" # comment\r\n default option start-on-reload\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		load := func() (any, any) {
			config, problems := loadText(string(data), "A=x", "E= a  b ", "PATH=/nowhere")
			for _, p := range problems {
				if p.Place.File == "" || p.Text == "" || strings.ContainsAny(p.String(), "\n\r\x00") {
					t.Errorf("problem %q", p)
				}
			}
			if len(problems.Errors()) == 0 && len(config.Validate()) > 0 {
				t.Errorf("accepted, but invalid: %v", config.Validate())
			}
			return config, problems
		}
		config, problems := load()
		again, problemsAgain := load()
		if !reflect.DeepEqual(config, again) || !reflect.DeepEqual(problems, problemsAgain) {
			t.Error("a second load differs")
		}
	})
}
