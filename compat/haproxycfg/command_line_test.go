package haproxycfg

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCommandLineWins has what HAProxy's command line says against the keywords of `global` (H-4.9, H-4.19, H-1.19).
func TestCommandLineWins(t *testing.T) {
	t.Chdir("/")
	const text = "global\n localpeer file\n pidfile /run/file.pid\n daemon\n quiet\nprogram p\n command /bin/sh\n"
	o := Options{
		Files: []string{"a.cfg"}, Env: []string{"HAPROXY_MASTER_CLI=unix@/inherited"}, ReadFile: oneFile("a.cfg", text),
		Version: "2.6.12", LocalPeer: "line", PeerGiven: true, Pidfile: "run/line.pid", MasterCLI: "unix@/run/line.sock", PlaceGiven: true,
	}
	config, problems := Load(o)
	wantEnv := []string{
		"HAPROXY_STARTUP_VERSION=2.6.12", "HAPROXY_BRANCH=2.6", "HAPROXY_LOCALPEER=line", "MWLUA=1", "HAPROXY_CFGFILES=a.cfg",
		"HAPROXY_MWORKER=1", "HAPROXY_MASTER_CLI=unix@/run/line.sock",
	}
	if diff := cmp.Diff(wantEnv, config.Env); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
	if config.Pidfile != "/run/line.pid" || !config.Quiet {
		t.Errorf("config = %+v", config)
	}
	want := []string{
		`warning: a.cfg:2: localpeer is already set to "line" by -L: this one is ignored`,
		`warning: a.cfg:3: pidfile is already set to "run/line.pid": this one is ignored`,
	}
	if diff := cmp.Diff(want, texts(problems)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}

	o.ZeroWarning = true // HAProxy does not count the second one either: it is no warning there
	_, problems = Load(o)
	want = slices.Insert(want, 1, `a.cfg:2: -dW does not allow the warning of this line: change the line, or leave -dW out`)
	if diff := cmp.Diff(want, texts(problems)); diff != "" {
		t.Errorf("problems with -dW (-want +got):\n%s", diff)
	}

	config, _ = Load(Options{Files: o.Files, Env: o.Env, ReadFile: o.ReadFile})
	if env := strings.Join(config.Env, "\n"); strings.Contains(env, "MASTER_CLI") || !strings.Contains(env, "HAPROXY_LOCALPEER=file") ||
		config.Pidfile != "/run/file.pid" {
		t.Errorf("without a command line: %+v", config)
	}
}
