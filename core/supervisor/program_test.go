package supervisor

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Act makes the test binary a program: each argument is something to do, one after the other, with $NAME for a variable. It returns the
// status to exit with.
func Act() int {
	ReleaseSignals()
	for _, word := range os.Args[1:] {
		if status := act(os.ExpandEnv(word)); status >= 0 {
			return status
		}
	}
	return 0
}

// act does one thing, and returns a status if it is the last one.
func act(word string) int {
	verb, rest, _ := strings.Cut(word, " ")
	switch verb {
	case "say": // a datagram to NOTIFY_SOCKET, with \n for newlines
		say(strings.ReplaceAll(rest, `\n`, "\n"))
	case "main": // that the process counts whose pid is in that file
		pid, _ := os.ReadFile(rest)
		say("MAINPID=" + strings.TrimSpace(string(pid)))
	case "flood": // with as many of them
		n, _ := strconv.Atoi(rest)
		for i := range n {
			say(fmt.Sprintf("STATUS=%d\nWATCHDOG=1", i))
		}
	case "barrier": // ends when all before it was heard
		barrier()
	case "child": // starts itself anew, to do what is between commas
		child(false, strings.Split(rest, ", "))
	case "daemon": // the same in a session of its own
		child(true, strings.Split(rest, ", "))
	case "first": // does what follows the name of a file, between commas, if there is no such file yet
		words := strings.Split(rest, ", ")
		if _, err := os.Stat(words[0]); err == nil {
			return -1
		}
		os.WriteFile(words[0], nil, 0o644)
		for _, word := range words[1:] {
			if status := act(word); status >= 0 {
				return status
			}
		}
	case "print":
		os.Stdout.WriteString(strings.ReplaceAll(rest, `\n`, "\n"))
	case "count": // prints numbers until there is a file of that name
		for i := 0; missing(rest); i += 100 {
			var b strings.Builder
			for j := range 100 {
				fmt.Fprintln(&b, i+j)
			}
			os.Stdout.WriteString(b.String())
		}
	case "complain":
		os.Stderr.WriteString(strings.ReplaceAll(rest, `\n`, "\n"))
	case "to": // FD and text
		number, text, _ := strings.Cut(rest, " ")
		fd, _ := strconv.Atoi(number)
		unix.Write(fd, []byte(strings.ReplaceAll(text, `\n`, "\n")))
	case "close":
		fd, _ := strconv.Atoi(rest)
		unix.Close(fd)
	case "up": // says in a file of that name that it has come so far, and its pid
		os.WriteFile(rest+".new", []byte(strconv.Itoa(os.Getpid())+"\n"), 0o644)
		os.Rename(rest+".new", rest)
	case "wait": // until there is a file of that name
		for missing(rest) {
		}
	case "env": // writes a variable to a file
		os.WriteFile(rest, []byte(os.Getenv(rest)), 0o644)
	case "serve": // on the sockets that it was passed: its instance, to each client
		serve()
	case "obey": // does what it is told, one thing after the other
		return obey(rest)
	case "ignore":
		signal.Ignore(syscall.SIGTERM)
	case "sleep":
		time.AfterFunc(time.Hour, func() {}) // or Go says that it is a deadlock
		select {}
	case "exit":
		status, _ := strconv.Atoi(rest)
		return status
	default:
		panic("unknown: " + word)
	}
	return -1
}

// obey does what files say: do.INSTANCE.1, then do.INSTANCE.2 and so on. "ready" is what it does to be ready.
func obey(ready string) int {
	for n := 1; ; n++ {
		order := fmt.Sprintf("do.%s.%d", os.Getenv("MWLUA_INSTANCE"), n)
		for missing(order) {
		}
		word, err := os.ReadFile(order)
		if err != nil {
			panic(err)
		}
		if string(word) == "ready" {
			word = []byte(ready)
		}
		if status := act(string(word)); status >= 0 {
			return status
		}
	}
}

// missing reports whether there is no file of that name, and takes a moment for it.
func missing(name string) bool {
	_, err := os.Stat(name)
	if err != nil {
		unix.Poll(nil, 3)
	}
	return err != nil
}

func say(text string) {
	conn, err := net.Dial("unixgram", os.Getenv("NOTIFY_SOCKET"))
	if err == nil {
		_, err = io.WriteString(conn, text)
		conn.Close()
	}
	if err != nil {
		panic(err)
	}
}

func barrier() {
	read, write, err := os.Pipe()
	if err != nil {
		panic(err)
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
	if err != nil {
		panic(err)
	}
	to := &unix.SockaddrUnix{Name: os.Getenv("NOTIFY_SOCKET")}
	if err := unix.Sendmsg(fd, []byte("BARRIER=1"), unix.UnixRights(int(write.Fd())), to, 0); err != nil {
		panic(err)
	}
	write.Close()
	read.Read(make([]byte, 1))
}

func child(daemon bool, words []string) {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	c := exec.Command(self, words...)
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: daemon}
	if err := c.Start(); err != nil {
		panic(err)
	}
}

func serve() {
	n, _ := strconv.Atoi(os.Getenv("LISTEN_FDS"))
	if os.Getenv("LISTEN_PID") != strconv.Itoa(os.Getpid()) {
		panic("LISTEN_PID=" + os.Getenv("LISTEN_PID"))
	}
	for i := range n {
		l, err := net.FileListener(os.NewFile(uintptr(3+i), "socket"))
		if err != nil {
			panic(err)
		}
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					panic(err)
				}
				fmt.Fprintf(conn, "%s %s", os.Getenv("MWLUA_INSTANCE"), strings.Split(os.Getenv("LISTEN_FDNAMES"), ":")[i])
				conn.Close()
			}
		}()
	}
}
