package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// runAPI is a program of the shape of the Data Plane API, as H-12.1 to H-12.6 have it: it believes HAPROXY_MWORKER, takes
// HAPROXY_MASTER_CLI for one UNIX socket, insists that its configuration is one of HAPROXY_CFGFILES, takes SIGUSR1 for the end of
// a reload, and drives reloads over the socket as client-native does. SIGALRM makes it ask for one.
func runAPI(config string) {
	signals := make(chan os.Signal, 64)
	signal.Notify(signals, unix.SIGUSR1, unix.SIGALRM, unix.SIGTERM)
	p, err := newTestProgram([]string{"name=api"})
	must(err)
	must(p.tell(p.born()))
	path := strings.Replace(os.Getenv("HAPROXY_MASTER_CLI"), "unix@", "", 1)
	switch {
	case os.Getenv("HAPROXY_MWORKER") != "1":
		must(errors.New("this is no master-worker mode"))
	case path == "" || strings.ContainsAny(path, ":;@"):
		must(fmt.Errorf("%q is no UNIX socket", path))
	case !slices.Contains(strings.Split(os.Getenv("HAPROXY_CFGFILES"), ";"), config):
		must(fmt.Errorf("%q does not name %q", os.Getenv("HAPROXY_CFGFILES"), config))
	}
	must(p.tell("up"))
	for s := range signals {
		switch s {
		case unix.SIGUSR1:
			must(p.tell("reloaded"))
		case unix.SIGALRM:
			must(p.tell(reloadLikeClientNative(path)))
			must(p.tell("listed:" + listedAs(path)))
		default:
			must(p.tell("TERM:dies"))
			os.Exit(0)
		}
	}
}

// askMaster is one exchange: commands, and all that is answered until the end.
func askMaster(path, commands string, limit time.Duration) (string, error) {
	conn, err := net.Dial("unix", path)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(limit)); err != nil {
		return "", err
	}
	if _, err := io.WriteString(conn, commands); err != nil {
		return "", err
	}
	answer, err := io.ReadAll(conn)
	return string(answer), err
}

// reloadLikeClientNative is H-12.4. A master of 2.6 gives no answer: whether it has reloaded is seen in `show proc` (H-8.15).
func reloadLikeClientNative(path string) string {
	answer, err := askMaster(path, "reload;quit\n", patience)
	if err != nil {
		return "error:" + err.Error()
	}
	if answer != "" {
		status, _, _ := strings.Cut(strings.TrimSpace(answer), "\n--\n")
		return "answer:" + status
	}
	reloaded := func() bool { // one who connects during a reload may wait for ever: the socket has leaked into a program (H-5.7)
		table, err := askMaster(path, "show proc;quit\n", 100*time.Millisecond)
		return err == nil && regexp.MustCompile(`master +1 \[failed: 0\]`).MatchString(table)
	}
	if !comes(reloaded) {
		return "error: no reload is counted"
	}
	return "answer:"
}

// listedAs is the section of `show proc` that has this process.
func listedAs(path string) string {
	table, err := askMaster(path, "show proc;quit\n", patience)
	if err != nil {
		return err.Error()
	}
	section := ""
	for line := range strings.Lines(table) {
		if strings.HasPrefix(line, "# ") {
			section = strings.TrimSpace(line[2:])
		}
		if strings.HasPrefix(line, fmt.Sprintf("%d ", os.Getpid())) {
			return strings.ReplaceAll(section, " ", "-")
		}
	}
	return "nowhere"
}

// TestDataPlaneAPI: the program that most `program` sections were written for finds under mwlua what it found under HAProxy.
func TestDataPlaneAPI(t *testing.T) {
	needHAProxy(t)
	const config = "program api\n\tcommand ./prog api haproxy.cfg\n\tno option start-on-reload\nprogram b\n\tcommand ./prog name=b\n"
	for kind, want := range map[masterKind][]string{
		haproxyMaster: {"up", "reloaded", "answer:", "listed:old-programs"}, // it answers nothing (H-8.15), and what it keeps is old (H-6.9d)
		mwluaMaster:   {"up", "reloaded", "answer:Success=1", "listed:programs"},
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			r := newRun(t, kind, config, "-S", "unix@master.sock")
			api := func() (words []string) {
				for _, e := range readEvents(r.dir) {
					if e.name == "api" && e.words[0] != "start" {
						words = append(words, e.words...)
					}
				}
				slices.Sort(words[min(1, len(words)):]) // SIGUSR1 may come before or after the answer
				return words
			}
			r.until("the API", func() bool { return slices.Equal(api(), want[:1]) })
			r.did("b#1 start")
			r.loaded()
			r.kill("api#1", unix.SIGALRM)
			slices.Sort(want[1:])
			r.until("the API's reload", func() bool { return slices.Equal(api(), want) })
			r.did("b#2 start")
			r.signal("TERM")
			r.gone()
		})
	}
}
