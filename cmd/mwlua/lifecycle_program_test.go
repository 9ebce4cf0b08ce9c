package main

import (
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// lifecycleProgram is the base name under which the test binary is the program that both masters start: a symbolic link
// in the directory of each scenario. TestMain looks at it before anything else.
const lifecycleProgram = "prog"

// eventsFile is where programs tell what happens to them, in the directory that they were started in. A line is
// "<ns of CLOCK_MONOTONIC> <name>[<pid>] <event>…". The time is for a reader: no test looks at it.
const eventsFile = "events"

// testProgram is one instance of a program.
type testProgram struct {
	name   string
	out    *os.File
	ignore []string // the signals it survives, without "SIG"
	exit   int      // what it exits with on SIGALRM
	look   bool     // tell at the start which earlier instances have a SIGUSR1 waiting
}

// runLifecycleProgram tells of its start and of every signal, until one ends it. SIGALRM, which no master sends, is how
// a scenario makes it exit.
//
//	prog api FILE
//	prog web name=NAME [mute]
//	prog do THING…
//	prog plugin
//	prog name=NAME [ignore=SIGNAL,…] [exit=CODE] [look]
func runLifecycleProgram(args []string) {
	switch {
	case len(args) > 0 && args[0] == "api":
		runAPI(args[1])
		return
	case len(args) > 0 && args[0] == "web":
		runWeb(args[1:])
		return
	case len(args) > 0 && args[0] == "plugin":
		runPlugin()
		return
	case len(args) > 0 && args[0] == "do":
		runActs(args[1:])
		return
	}
	signals := make(chan os.Signal, 64)
	// First of all, so that none is lost once the start is told. This also undoes the SIG_IGN that HAProxy's programs
	// inherit for USR2 (H-5.8).
	signal.Notify(signals, unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGUSR1, unix.SIGUSR2, unix.SIGALRM,
		unix.SIGTERM, unix.SIGTTIN, unix.SIGTTOU)
	p, err := newTestProgram(args)
	must(err)
	must(p.tell(p.born()))
	for s := range signals {
		must(p.receive(s.(syscall.Signal)))
	}
}

// must ends the program in a way that no scenario expects.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

func newTestProgram(args []string) (*testProgram, error) {
	out, err := os.OpenFile(eventsFile, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	p := &testProgram{out: out}
	for _, arg := range args {
		key, value, _ := strings.Cut(arg, "=")
		switch key {
		case "name":
			p.name = value
		case "ignore":
			p.ignore = strings.Split(value, ",")
		case "exit":
			if p.exit, err = strconv.Atoi(value); err != nil {
				return nil, err
			}
		case "look":
			p.look = true
		default:
			return nil, fmt.Errorf("unknown argument %q", arg)
		}
	}
	return p, nil
}

// tell appends one line, in one write: that is what keeps the lines of several programs apart.
func (p *testProgram) tell(event string) error {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return err
	}
	_, err := fmt.Fprintf(p.out, "%d %s[%d] %s\n", now.Nano(), p.name, os.Getpid(), event)
	return err
}

// born is the first event. With look it names the instances that have a SIGUSR1 waiting for them, as those have that were
// stopped by SIGSTOP: what waits now was sent before this program ran.
func (p *testProgram) born() string {
	event := fmt.Sprintf("start parent[%d]", os.Getppid())
	if !p.look {
		return event
	}
	for _, e := range readEvents(".") {
		if e.words[0] == "start" && pendingSignals(e.pid).has(unix.SIGUSR1) {
			event += fmt.Sprintf(" after:USR1[%d]", e.pid)
		}
	}
	return event
}

func (p *testProgram) receive(s syscall.Signal) error {
	name := strings.TrimPrefix(unix.SignalName(s), "SIG")
	switch {
	case s == unix.SIGALRM:
		err := p.tell("exit:" + strconv.Itoa(p.exit))
		if err == nil {
			os.Exit(p.exit)
		}
		return err
	case slices.Contains(p.ignore, name):
		return p.tell(name)
	default:
		if err := p.tell(name + ":dies"); err != nil {
			return err
		}
		return dieOf(s)
	}
}

// dieOf ends this process by the default action of s. signal.Reset would not do: the runtime of Go takes no action on
// SIGUSR1 and others (os/signal, "Default behavior of signals in Go programs").
func dieOf(s syscall.Signal) error {
	var byDefault [64]byte // struct sigaction of the kernel, whatever the architecture: SIG_DFL, no flags, an empty mask
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(s), uintptr(unsafe.Pointer(&byDefault)), 0, 8, 0, 0)
	if errno != 0 {
		return errno
	}
	if err := unix.Kill(os.Getpid(), s); err != nil {
		return err
	}
	select {} // another of our threads may be the one that takes it
}
