package haproxycfg

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
)

func TestConvert(t *testing.T) {
	t.Chdir("/")
	config, problems := loadText(`program first
	command /bin/sh -c 'echo "$HOME"' # comment
global
	pidfile run/mwlua.pid
	mworker-max-reloads 5
	hard-stop-after 90s
	master-worker no-exit-on-failure
	expose-deprecated-directives
frontend f
	no log
	whatever it says
program second
	no option start-on-reload
	command /bin/sh
	user web
	group adm
`, "PATH=/bin")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	first := program.Spec{
		Name:          "first",
		Place:         program.Place{File: "a.cfg", Line: 1},
		Command:       []string{"/bin/sh", "-c", `echo "$HOME"`},
		StopTimeout:   30 * time.Second,
		OnReload:      program.Replace,
		ReloadSignal:  int(syscall.SIGUSR1),
		MaxFormer:     5,
		FormerTimeout: 90 * time.Second,
		Exit:          policy.Policy{Rule: policy.NoExitOnFailure},
	}
	second := first
	second.Name, second.Place.Line, second.Command = "second", 12, []string{"/bin/sh"}
	second.OnReload, second.NoStartOnReload = program.Keep, true
	second.User = &program.Credential{UID: 33, GID: 4}
	if diff := cmp.Diff([]program.Spec{first, second}, config.Programs); diff != "" {
		t.Errorf("programs (-want +got):\n%s", diff)
	}
	if config.Pidfile != "/run/mwlua.pid" {
		t.Errorf("pidfile = %q", config.Pidfile)
	}
}

func TestDefaults(t *testing.T) {
	config, problems := loadText("program p\n command /bin/sh\n no option start-on-reload\n default option start-on-reload\n")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	s := config.Programs[0]
	if s.OnReload != program.Replace || s.NoStartOnReload || s.MaxFormer != 0 || s.FormerTimeout != 0 || s.User != nil ||
		s.Exit.Rule != policy.ExitOnFailure || config.Pidfile != "" {
		t.Errorf("config = %+v", config)
	}
}

func TestIdentity(t *testing.T) {
	for _, test := range []struct {
		name, lines string
		want        *program.Credential
	}{
		{"user alone", " user web\n", &program.Credential{UID: 33, GID: 34, Groups: []uint32{34, 50}}},
		{"group alone", " group adm\n", &program.Credential{UID: uint32(os.Getuid()), GID: 4}},
		{"both", " user web\n group adm\n", &program.Credential{UID: 33, GID: 4}},
	} {
		t.Run(test.name, func(t *testing.T) {
			config, problems := loadText("program p\n command /bin/sh\n" + test.lines)
			if len(problems.Errors()) > 0 {
				t.Fatal(problems)
			}
			if diff := cmp.Diff(test.want, config.Programs[0].User); diff != "" {
				t.Errorf("credential (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSystemLookup(t *testing.T) {
	root, err := system{}.User("root")
	if err != nil || root.UID != 0 || len(root.Groups) == 0 || root.Groups[0] != root.GID {
		t.Errorf("root = %+v, %v", root, err)
	}
	if group, err := (system{}).Group("root"); err != nil || group.GID != 0 {
		t.Errorf("group root = %+v, %v", group, err)
	}
	for _, name := range []string{"0", "no such one"} {
		if c, err := (system{}).User(name); err == nil {
			t.Errorf("user %q = %+v", name, c)
		}
		if c, err := (system{}).Group(name); err == nil {
			t.Errorf("group %q = %+v", name, c)
		}
	}
}

func TestEnvironment(t *testing.T) {
	config, problems := Load(Options{
		Files: []string{"a.cfg", "b.cfg"},
		Env: []string{
			"PATH=/bin", "KEPT=1", "GONE=1", "SET=old", "PRESET=old", "NOTIFY_SOCKET=/run/x", "LISTEN_FDS=1",
			"HAPROXY_PROCESSES=|type=m", "KEPT=2", "junk",
		},
		ReadFile: func(name string) ([]byte, error) {
			if name == "a.cfg" {
				return []byte("program p\n command /bin/sh \"$LATE\" \"${SET}\"\n"), nil
			}
			return []byte(`global
	localpeer here
	setenv LATE "not before"
	setenv SET new
	presetenv PRESET new
	presetenv EMPTY x
	unsetenv GONE MWLUA
	stats socket /run/haproxy.sock mode 600
	stats socket 127.0.0.1:9999
	stats socket abns@x level admin
`), nil
		},
		Version:   "3.2.1",
		LocalPeer: "host",
	})
	if len(problems.Errors()) > 0 {
		t.Fatal(problems)
	}
	want := []string{
		"PATH=/bin", "KEPT=1", "SET=new", "PRESET=old", "HAPROXY_STARTUP_VERSION=3.2.1", "HAPROXY_BRANCH=3.2",
		"HAPROXY_LOCALPEER=here", "LATE=not before", "EMPTY=x", "MWLUA=1", "HAPROXY_CFGFILES=a.cfg;b.cfg",
		"HAPROXY_MWORKER=1", "HAPROXY_CLI=unix@/run/haproxy.sock;ipv4@127.0.0.1:9999;abns@x",
	}
	if diff := cmp.Diff(want, config.Env); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"/bin/sh"}, config.Programs[0].Command); diff != "" {
		t.Errorf("a variable set later was seen earlier:\n%s", diff)
	}
}

func TestResetenvKeepsMwlua(t *testing.T) {
	config, problems := loadText("global\n resetenv PATH NONE\n.if defined(MWLUA) && !defined(A)\nprogram \"p$MWLUA\"\n"+
		" command sh\n.endif\n", "PATH=/bin", "A=1")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	want := []string{"PATH=/bin", "MWLUA=1", "HAPROXY_CFGFILES=a.cfg", "HAPROXY_MWORKER=1"}
	if diff := cmp.Diff(want, config.Env); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
	if config.Programs[0].Name != "p1" {
		t.Errorf("name = %q", config.Programs[0].Name)
	}
}

func TestLoadChangesNothing(t *testing.T) {
	before := os.Environ()
	env := []string{"A=1", "B=2", "PATH=/bin"}
	given := slices.Clone(env)
	o := Options{
		Files:    []string{"a.cfg"},
		Env:      env,
		ReadFile: oneFile("a.cfg", "global\n setenv A 2\n unsetenv B\n resetenv\n setenv C 3\nprogram p\n command /bin/sh\n"),
	}
	first, _ := Load(o)
	second, _ := Load(o)
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("a second load differs:\n%s", diff)
	}
	if diff := cmp.Diff(given, env); diff != "" {
		t.Errorf("the given environment was changed:\n%s", diff)
	}
	if diff := cmp.Diff(before, os.Environ()); diff != "" {
		t.Errorf("the environment of the process was changed:\n%s", diff)
	}
}

// TestPseudoVariables has ${.SECTION} in all kinds of places (H-2.37).
func TestPseudoVariables(t *testing.T) {
	_, problems := Load(Options{
		Files:    []string{"a.cfg", "./b.cfg"},
		ReadFile: oneFileEach(map[string]string{"a.cfg": "global\n.notice \"${.SECTION}\"\nfrontend f\n", "./b.cfg": ".notice \"$.FILE:${.LINE}:${.SECTION}\"\n"}),
	})
	want := []string{
		`warning: a.cfg: no program section: nothing to run`,
		`warning: a.cfg:2: .notice "global"`,
		`warning: ./b.cfg:1: .notice "./b.cfg:1:"`,
	}
	if diff := cmp.Diff(want, texts(problems)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func oneFileEach(files map[string]string) func(string) ([]byte, error) {
	return func(name string) ([]byte, error) { return oneFile(name, files[name])(name) }
}

func TestReleases(t *testing.T) {
	const text = ".if version_atleast(3.1)\nglobal\n expose-deprecated-directives\n.endif\nprogram p\n" +
		" command /bin/sh ${X} \"$HAPROXY_BRANCH\"\n.if enabled(EPOLL) && strstr(abc,b) && !awslc_api_atleast(1)\n user web\n group adm\n.endif\n"
	for version, want := range map[string]string{"": "3.2", "2.6": "2.6", "3.1.0-dev3-12": "3.1"} {
		config, problems := Load(Options{
			Files: []string{"a.cfg"}, ReadFile: oneFile("a.cfg", text), Lookup: people{}, Version: version,
		})
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		if got := config.Programs[0].Command[2]; got != want || config.Programs[0].User == nil {
			t.Errorf("version %q: branch %q, want %q", version, got, want)
		}
	}
	_, problems := Load(Options{Files: []string{"a.cfg"}, ReadFile: oneFile("a.cfg", text), Version: "latest"})
	if want := `"latest" is no version of HAProxy: write one like 3.2`; problems.Error() != want {
		t.Errorf("problems = %q, want %q", problems, want)
	}
}

func TestVersions(t *testing.T) {
	ascending := []string{
		"1.9-dev2-abc123-45", "2.6-dev", "2.6-dev1", "2.6-dev2", "2.6-dev2-ab12-3", "2.6-rc1", "2.6-pre2", "2.6", "2.6-1", "2.6.1",
		"2.6.1.1", "2.6.12", "2.6.12-abc-2", "3", "99.0.0.1-rc1",
	}
	for i := 1; i < len(ascending); i++ {
		v, okV := parseVersion(ascending[i-1])
		w, okW := parseVersion(ascending[i])
		if !okV || !okW || v.compare(w) >= 0 || w.compare(v) <= 0 {
			t.Errorf("%s %v is not before %s %v", ascending[i-1], v, ascending[i], w)
		}
	}
	for _, text := range []string{"", "x", "v2", "2.x", "2.6 ", "2.", "2..6", "1.2.3.4.5", "2-devx", "2-dev1x", "-1", "0x2", "9999999999", "99999999999999999999"} {
		if v, ok := parseVersion(text); ok {
			t.Errorf("%q is %v", text, v)
		}
	}
}

// TestHostileExpansion is a file of a hundred lines that would need more memory than there is.
func TestHostileExpansion(t *testing.T) {
	text := "global\n setenv A 0123456789\n" + strings.Repeat(" setenv A \"$A$A\"\n", 100)
	_, problems := loadText(text)
	want := "a.cfg:24: variables insert more than 64 MiB into this configuration: make their values shorter"
	if problems.Error() != want {
		t.Errorf("problems = %v, want %v", problems, want)
	}
}

func TestManyProblems(t *testing.T) {
	_, problems := loadText("program p\n command /bin/sh\n" + strings.Repeat(" foo\n", 1000))
	if len(problems) != maxErrors+1 || !strings.HasSuffix(problems.Error(), "a.cfg:52: 50 errors: the rest of the file is not read") {
		t.Errorf("%d problems, the last is %v", len(problems), problems[len(problems)-1])
	}
	_, problems = loadText("program p\n command /bin/sh\n" + strings.Repeat(".notice x\n", 1000))
	if len(problems) != maxWarnings || !strings.HasSuffix(problems.Error(), "more than 199 warnings: the others are not shown") {
		t.Errorf("%d problems, the last is %v", len(problems), problems[len(problems)-1])
	}
}

// TestExample loads the configuration that is shown to users.
func TestExample(t *testing.T) {
	t.Chdir(filepath.Join("..", "..", "examples"))
	config, problems := Load(Options{Files: []string{"haproxy.cfg"}, Env: []string{"PATH=/usr/bin:/bin", "GREETING=hi"}})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if len(config.Programs) != 2 || config.Programs[0].NoStartOnReload || !config.Programs[1].NoStartOnReload {
		t.Errorf("programs = %+v", config.Programs)
	}
	if argv := config.Programs[1].Command; argv[len(argv)-1] != "hi" {
		t.Errorf("argv = %q", argv)
	}
}
