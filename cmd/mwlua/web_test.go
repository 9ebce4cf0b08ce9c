package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// runWeb is an HTTP server that takes its socket as from systemd (sd_listen_fds(3)), says when it serves (sd_notify(3)), and at
// SIGUSR1 or SIGTERM answers whom it has and leaves. A mute one comes to none of that, and leaves at once.
func runWeb(args []string) {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, unix.SIGUSR1, unix.SIGTERM)
	mute := slices.Contains(args, "mute")
	p, err := newTestProgram(slices.DeleteFunc(args, func(arg string) bool { return arg == "mute" }))
	must(err)
	must(p.tell(p.born()))
	if mute {
		<-signals
		return
	}
	l, err := inheritedListener("http")
	must(err)
	must(serveUntil(signals, l))
	must(p.tell("served"))
}

// serveUntil ends when it was told to, and all who were accepted have their answer. http.Server.Shutdown alone would close, without an
// answer, those whose request comes after it was called (golang/go#75591).
func serveUntil(leave <-chan os.Signal, l net.Listener) error {
	var clients sync.WaitGroup
	server := &http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }),
		ReadHeaderTimeout: patience,
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				clients.Add(1)
			case http.StateClosed:
				clients.Done()
			}
		},
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }() // until l is closed
	if err := sayReady(); err != nil {
		return err
	}
	<-leave
	l.Close()
	if err := <-served; !errors.Is(err, net.ErrClosed) {
		return err
	}
	server.SetKeepAlivesEnabled(false)
	clients.Wait()
	return nil
}

// inheritedListener is the one socket that this process has been passed.
func inheritedListener(name string) (net.Listener, error) {
	for variable, want := range map[string]string{
		"LISTEN_PID": strconv.Itoa(os.Getpid()), "LISTEN_FDS": "1", "LISTEN_FDNAMES": name,
	} {
		if got := os.Getenv(variable); got != want {
			return nil, fmt.Errorf("%s is %q, want %q", variable, got, want)
		}
	}
	file := os.NewFile(3, name)
	defer file.Close()
	return net.FileListener(file)
}

func sayReady() error {
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: os.Getenv("NOTIFY_SOCKET"), Net: "unixgram"})
	if err != nil {
		return err
	}
	_, err = conn.Write([]byte("READY=1"))
	return errors.Join(err, conn.Close())
}

// web is an mwlua that runs such a server, in a number of instances.
type web struct {
	*window
	address   string
	instances int
	loads     int
}

// luaLoaded is in the log when a load has ended well.
const luaLoaded = "configuration loaded"

func newWeb(t *testing.T, instances int) *web {
	t.Helper()
	web := &web{address: freeAddress(t), instances: instances}
	web.window = newWindow(t, "", func(w *window) {
		web.window = w
		web.configure("", patience)
		w.cmd.Args = []string{w.path("mwlua"), "run", luaFile}
	})
	web.loaded()
	return web
}

// freeAddress is one at which nobody listens now, and nobody else of these tests will.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// configure declares the server, with more arguments, and how long it may take to be ready.
func (w *web) configure(more string, timeout time.Duration) {
	w.t.Helper()
	w.write(luaFile, fmt.Sprintf(`program "web" {
	command = { "./prog", "web", "name=web" %s },
	instances = %d,
	sockets = { http = "tcp://%s" },
	ready = { notify = true, timeout = "%s" },
	on_reload = "replace",
	overlap = "start-first",
	restart = "never",
}
`, more, w.instances, w.address, timeout))
}

// loaded waits for the end of one more load.
func (w *web) loaded() {
	w.t.Helper()
	w.loads++
	w.logged(luaLoaded, w.loads)
}

func (w *web) reloads() {
	w.t.Helper()
	w.signal(unix.SIGUSR2)
	w.loaded()
}

// starts is how many instances were started so far.
func (w *web) starts() int { return strings.Count(w.read(eventsFile), " start ") }

// rests waits until mwlua has one child an instance, and its sockets: the server's, that of control, and one for the notifications of
// each instance. The one of an instance that ended is closed a moment after it was collected.
func (w *web) rests() {
	w.t.Helper()
	w.until("the end of those that were replaced", func() bool {
		sockets := 0
		for _, kind := range w.descriptors() {
			if kind == "socket" {
				sockets++
			}
		}
		return len(w.children()) == w.instances && sockets == 2+w.instances
	})
}

// listening lists the sockets that listen at the address of the server.
func (w *web) listening() (inodes []string) {
	w.t.Helper()
	_, port, err := net.SplitHostPort(w.address)
	w.must(err)
	n, err := strconv.Atoi(port)
	w.must(err)
	table, err := os.ReadFile("/proc/net/tcp")
	w.must(err)
	for line := range strings.Lines(string(table)) {
		// proc(5): the address is in hexadecimal, in the byte order of this machine, 0A is TCP_LISTEN, and the tenth word the inode.
		words := strings.Fields(line)
		if len(words) > 9 && strings.HasSuffix(words[1], fmt.Sprintf(":%04X", n)) && words[3] == "0A" {
			inodes = append(inodes, words[9])
		}
	}
	return inodes
}

// underLoad does something while clients ask all the time, each on a connection of its own and on kept ones, and checks that nobody
// noticed.
func (w *web) underLoad(do func()) {
	w.t.Helper()
	every := 2 * time.Millisecond
	if underRace { // what is measured here is not mwlua's own code
		every = 10 * time.Millisecond
	}
	loads := map[string]*load{
		"new":  newLoad(w.address, every, newConnections()),
		"kept": newLoad(w.address, every, keptConnections()),
	}
	do()
	for kind, load := range loads {
		requests, failures, rate := load.stop()
		w.t.Logf("%d requests on %s connections, %.0f a second, %d failed, over %d reloads", requests, kind, rate, len(failures), w.loads-1)
		if len(failures) > 0 || requests < 10 {
			w.t.Errorf("%d of %d requests on %s connections failed, the first with %v%s", len(failures), requests, kind, failures, w.files())
		}
	}
}

// TestWebServerLosesNoRequestOverReloads: a server that knows nothing of mwlua, only of socket activation as systemd has it.
func TestWebServerLosesNoRequestOverReloads(t *testing.T) {
	for _, test := range []struct {
		name                       string
		instances, reloads, always int
	}{
		{"one instance", 1, 100, 15},
		{"three, one after the other", 3, 20, 4},
	} {
		t.Run(test.name, func(t *testing.T) {
			reloads := test.reloads
			if os.Getenv("CI") == "" || underRace {
				reloads = test.always
			}
			w := newWeb(t, test.instances)
			w.reloads() // the first one makes the runtime open what it keeps
			w.rests()
			socket, before := w.listening(), w.descriptors()
			w.underLoad(func() {
				for range reloads {
					w.reloads()
				}
			})
			if got := w.listening(); len(got) != 1 || !slices.Equal(got, socket) {
				t.Errorf("the sockets at %s are %v, and were %v", w.address, got, socket)
			}
			w.rests()
			w.until(fmt.Sprintf("the descriptors %q", before), func() bool { return slices.Equal(w.descriptors(), before) })
			if got, want := w.starts(), (reloads+2)*test.instances; got != want {
				t.Errorf("%d instances were started, want %d%s", got, want, w.files())
			}
			w.stops()
		})
	}
}

// TestWebServerStaysWhileItsFollowerIsNotReady: the old instance serves, through the reload that fails and after it, and the next one
// replaces it.
func TestWebServerStaysWhileItsFollowerIsNotReady(t *testing.T) {
	w := newWeb(t, 1)
	first := w.started("web#1")
	w.underLoad(func() {
		w.configure(`, "mute"`, 300*time.Millisecond)
		w.reloads()
		w.checkLog(`.*web#1 \(pid \d+\) stays, the reload could not replace it: web#2: it was not ready within 300ms`)
		w.hasOnly(first)
		w.configure("", patience)
		w.reloads()
		w.told(first, "served")
	})
	w.hasOnly(w.started("web#3"))
	w.stops()
}
