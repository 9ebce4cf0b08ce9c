package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rogpeppe/go-internal/testscript"
)

// runActs makes this binary a program for which a shell is not enough: `./prog do THING…` does one thing after the other, and then
// stays until a signal ends it.
func runActs(things []string) {
	signal.Reset(unix.SIGTERM, unix.SIGINT, unix.SIGHUP)
	reload := make(chan os.Signal, 1)
	signal.Notify(reload, unix.SIGUSR1)
	go func() { // ends the program when a reload tells it to go; Go itself does nothing then
		<-reload
		os.Exit(0)
	}()
	for _, thing := range things {
		verb, rest, _ := strings.Cut(thing, " ")
		act := actions[verb]
		if act == nil {
			panic("unknown: " + thing)
		}
		must(act(rest))
	}
	time.AfterFunc(time.Hour, func() {}) // or Go says that it is a deadlock
	select {}
}

var actions = map[string]func(string) error{
	"say":    say,        // a datagram to NOTIFY_SOCKET
	"main":   sayMain,    // there that the process counts whose pid is in a file
	"flood":  flood,      // the same without end, and how many so far in a file of that name
	"up":     actUp,      // its pid in a file of that name: that it has come so far
	"wait":   actWait,    // until there is a file of that name
	"tcp":    listenTCP,  // a server at an address that closes its connections
	"unix":   listenUnix, // the same at a path
	"http":   actHTTP,    // a server at an address that answers with the status in a file
	"serve":  actServe,   // on the sockets that it was passed: its instance and the name of the socket, to each client
	"ignore": actIgnore,  // SIGTERM
	"exit":   actExit,
}

func say(text string) error {
	conn, err := net.Dial("unixgram", os.Getenv("NOTIFY_SOCKET"))
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = io.WriteString(conn, strings.ReplaceAll(text, `\n`, "\n"))
	return err
}

func sayMain(file string) error {
	pid, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return say("MAINPID=" + strings.TrimSpace(string(pid)))
}

func flood(file string) error {
	conn, err := net.Dial("unixgram", os.Getenv("NOTIFY_SOCKET"))
	if err != nil {
		return err
	}
	for n := 1; ; n++ {
		if _, err := fmt.Fprintf(conn, "WATCHDOG=1\nSTATUS=%d so far", n); err != nil {
			return err
		}
		if n%5000 == 0 {
			if err := writeWhole(file, strconv.Itoa(n)); err != nil {
				return err
			}
		}
	}
}

// writeWhole writes a file that nobody sees half of.
func writeWhole(file, text string) error {
	if err := os.WriteFile(file+".new", []byte(text+"\n"), 0o644); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

func actUp(file string) error { return writeWhole(file, strconv.Itoa(os.Getpid())) }

func actWait(file string) error {
	for {
		if _, err := os.Stat(file); err == nil {
			return nil
		}
		unix.Poll(nil, 3)
	}
}

func listenTCP(address string) error  { return actListen("tcp", address) }
func listenUnix(address string) error { return actListen("unix", address) }

func actListen(network, address string) error {
	l, err := net.Listen(network, address)
	if err != nil {
		return err
	}
	go answer(l, "") // accepts until the program ends
	return nil
}

// answer tells each client something.
func answer(l net.Listener, text string) {
	for {
		conn, err := l.Accept()
		must(err)
		io.WriteString(conn, text)
		conn.Close()
	}
}

func actHTTP(words string) error {
	address, file, _ := strings.Cut(words, " ")
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { // until the program ends
		text, _ := os.ReadFile(file)
		status, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil {
			<-r.Context().Done() // it hangs
			return
		}
		w.WriteHeader(status)
	}))
	return nil
}

func actServe(string) error {
	names := strings.Split(os.Getenv("LISTEN_FDNAMES"), ":")
	for i, name := range names {
		l, err := net.FileListener(os.NewFile(uintptr(3+i), name))
		if err != nil {
			return err
		}
		go answer(l, os.Getenv("MWLUA_INSTANCE")+" "+name) // accepts until the program ends
	}
	return nil
}

func actIgnore(string) error {
	signal.Ignore(unix.SIGTERM)
	return nil
}

func actExit(status string) error {
	n, err := strconv.Atoi(status)
	must(err)
	os.Exit(n)
	return nil
}

// scriptAddresses are two addresses that only this script uses: all of 127.0.0.0/8 is the loopback device.
func scriptAddresses() (one, other string, err error) {
	var found [2]string
	host := fmt.Sprintf("127.%d.%d.%d:0", 1+rand.IntN(254), rand.IntN(256), 1+rand.IntN(254))
	for i := range found {
		l, err := net.Listen("tcp", host)
		if err != nil {
			return "", "", err
		}
		defer l.Close()
		found[i] = l.Addr().String()
	}
	return found[0], found[1], nil
}

// hasCGroup says whether control groups can be made here: in our own cgroup2, wherever that is mounted.
func hasCGroup() bool {
	mounts, _ := os.ReadFile("/proc/self/mountinfo")
	cgroups, _ := os.ReadFile("/proc/self/cgroup")
	_, path, _ := strings.Cut("\n"+string(cgroups), "\n0::")
	path, _, _ = strings.Cut(path, "\n")
	for line := range strings.Lines(string(mounts)) {
		if f := strings.Fields(line); strings.Contains(line, " - cgroup2 ") {
			return unix.Access(filepath.Join(f[4], path), unix.W_OK) == nil
		}
	}
	return false
}

// scriptAlive looks at once, and waits for nothing.
func scriptAlive(ts *testscript.TestScript, neg bool, args []string) {
	for _, file := range args {
		if runsIn(ts.MkAbs("."), scriptPIDOf(ts, file)) == neg {
			ts.Fatalf("%s is alive: %t%s", file, neg, scriptFiles(ts))
		}
	}
}

func scriptDies(ts *testscript.TestScript, neg bool, args []string) {
	for _, file := range args {
		pid := scriptPIDOf(ts, file)
		scriptUntil(ts, "the end of "+file, func() bool { return !runsIn(ts.MkAbs("."), pid) })
	}
}

func scriptPIDOf(ts *testscript.TestScript, file string) int {
	pid, err := strconv.Atoi(strings.TrimSpace(ts.ReadFile(file)))
	ts.Check(err)
	return pid
}

// scriptAsk writes what it is told at an address to standard output. Who does not listen yet is asked again.
func scriptAsk(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: ask NETWORK ADDRESS")
	}
	address := args[1]
	if args[0] == "unix" {
		address = ts.MkAbs(address)
	}
	var conn net.Conn
	scriptUntil(ts, args[1]+" to answer", func() (ok bool) {
		var err error
		conn, err = net.Dial(args[0], address)
		return err == nil
	})
	defer conn.Close()
	ts.Check(conn.SetDeadline(time.Now().Add(patience)))
	text, err := io.ReadAll(conn)
	ts.Check(err)
	fmt.Fprintln(ts.Stdout(), string(text))
}
