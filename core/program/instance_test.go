package program

import (
	"slices"
	"strings"
	"testing"
)

func TestInstance(t *testing.T) {
	below := []string{"PATH=/bin", "HOME=/h", "LITERAL=${x}"}
	own := []string{"MWLUA_INSTANCE=web#3", "MWLUA_PROGRAM=${name}"}
	expanded := Spec{
		Name: "web", Expand: true,
		Command: []string{"/bin/${name}", "-i", "${instance}", "${env:A}", "${env:MWLUA_INSTANCE}", "$${x}", "$HOME", "${env:LITERAL}"},
		Dir:     "${env:HOME}/${name}", Stdin: "file:/${name}", Stdout: "file:/log/${name}", Stderr: "file:/log/${env:A}",
		Env: []string{"A=1 ${env:Z}", "Z=${name}.${instance}", "PATH=/opt:${env:PATH}", "MINE=${env:MWLUA_PROGRAM}", "MWLUA_INSTANCE=x"},
	}
	spec, env, err := Config{Env: below}.Instance(expanded, 7, own)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"/bin/web", "-i", "7", "1 web.7", "web#3", "${x}", "$HOME", "${x}"}; !slices.Equal(spec.Command, want) {
		t.Errorf("the command is %q, want %q", spec.Command, want)
	}
	if spec.Dir != "/h/web" || spec.Stdin != "file:/${name}" || spec.Stdout != "file:/log/web" || spec.Stderr != "file:/log/1 web.7" {
		t.Errorf("dir %q, stdin %q, stdout %q, stderr %q", spec.Dir, spec.Stdin, spec.Stdout, spec.Stderr)
	}
	want := []string{"PATH=/opt:/bin", "HOME=/h", "LITERAL=${x}", "A=1 web.7", "Z=web.7", "MINE=${name}", "MWLUA_INSTANCE=web#3", "MWLUA_PROGRAM=${name}"}
	if !slices.Equal(env, want) {
		t.Errorf("the environment is %q, want %q", env, want)
	}
	if expanded.Command[0] != "/bin/${name}" || expanded.Env[0] != "A=1 ${env:Z}" {
		t.Errorf("the declaration was changed: %q, %q", expanded.Command, expanded.Env)
	}
	expanded.WholeEnv, expanded.Command, expanded.Dir = true, []string{"a"}, "" // as a loader makes it of inherited variables and others, when some are taken away
	if _, env, err = (Config{Env: below}).Instance(expanded, 0, own); err != nil || !slices.Contains(env, "PATH=/opt:/bin") || len(env) != 6 {
		t.Errorf("with WholeEnv the environment is %q, %v", env, err)
	}
}

func TestInstanceWithoutExpandIsAsDeclared(t *testing.T) {
	declared := Spec{Name: "web", Command: []string{"/bin/${name}"}, Env: []string{"A=${x"}, Dir: "d", Stdout: "file:/${"}
	spec, env, err := Config{Env: []string{"B=1"}}.Instance(declared, 0, []string{"OWN=1"})
	if err != nil || spec.Command[0] != "/bin/${name}" || spec.Dir != "d" || spec.Stdout != "file:/${" ||
		!slices.Equal(env, []string{"B=1", "A=${x", "OWN=1"}) {
		t.Errorf("%+v, %q, %v", spec, env, err)
	}
}

func TestInstanceSaysWhichFieldCannotBeExpanded(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	for want, change := range map[string]func(*Spec){
		"command: unknown ${env:X}":                       func(s *Spec) { s.Command = []string{"a", "${env:X}"} },
		"command: unknown ${x}":                           func(s *Spec) { s.Command = []string{"${x}"} },
		"command: ${ without a }":                         func(s *Spec) { s.Command = []string{"${name"} },
		"command: the program's name is empty":            func(s *Spec) { s.Command = []string{"${env:EMPTY}"} },
		"dir: unknown ${env:}":                            func(s *Spec) { s.Dir = "/${env:}" },
		`dir: "x/y" is not an absolute path`:              func(s *Spec) { s.Dir = "${env:RELATIVE}/y" },
		"stdout: unknown ${env:X}":                        func(s *Spec) { s.Stdout = "file:/${env:X}" },
		"stderr: unknown ${env:X}":                        func(s *Spec) { s.Stderr = "file:/${env:X}" },
		"env: A: unknown ${env:A}":                        func(s *Spec) { s.Env = []string{"A=${env:A}"} },
		"env: A: ${env:A} refers to itself":               func(s *Spec) { s.Env = []string{"A=${env:B}", "B=${env:A}"} },
		"env: A: unknown ${env:X}":                        func(s *Spec) { s.Env = []string{"A=${env:B}", "B=${env:X}"} },
		"env: A: what is inserted is longer than 128 KiB": func(s *Spec) { s.Env = []string{"A=${env:LONG}${env:LONG}"} },
		"command: what is inserted is longer than 128 KiB": func(s *Spec) {
			s.Command = []string{"a", "${env:LONG}${env:LONG}${env:X}"}
		},
	} {
		s := Spec{Name: "web", Command: []string{"a"}, Expand: true}
		change(&s)
		_, _, err := Config{Env: []string{"EMPTY=", "RELATIVE=x", "LONG=" + long}}.Instance(s, 0, nil)
		if err == nil || err.Error() != want {
			t.Errorf("%+v: %v, want %s", s.Command, err, want)
		}
	}
}
