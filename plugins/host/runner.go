package host

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin/runner"

	"github.com/mwlua/mwlua/core/program"
)

const (
	maxHandshake = 8 << 10 // bytes of the first line of standard output; a certificate is in it with mTLS
	maxAddress   = 107     // bytes of the path of a unix socket (unix(7)), without the 0 at its end
	// pipesStay is how long what a plugin wrote is still read after its end: somebody that it has left behind may hold the pipes open.
	pipesStay = 200 * time.Millisecond
)

// runner starts and ends the process of one run for go-plugin, whose own runner would wait for it beside the one reaper. go-plugin
// sees the first line that the plugin writes, and no more of its output: it stops reading at a line that is too long, and
// waits for ever for somebody else who holds the pipe (hashicorp/go-plugin, Client.Kill).
type runner struct {
	plugin    program.Plugin
	file      executable
	processes Processes
	log       *log
	env       []string

	stdout, stderr *os.File // our ends
	handshake      *io.PipeReader
	stray          atomic.Int64  // bytes on standard output after the first line
	ended          chan struct{} // closed when the process was collected; exit is valid then

	mu      sync.Mutex
	dir     string  // where its socket is; "" until it is known
	process Process // PID is 0 until it was started
	aborted bool
	exit    Exit
}

func newRunner(p program.Plugin, file executable, processes Processes, log *log) *runner {
	return &runner{plugin: p, file: file, processes: processes, log: log, ended: make(chan struct{})}
}

// prepare is go-plugin's RunnerFunc. What it wants to execute is of no interest; its environment is the handshake's.
func (r *runner) prepare(_ hclog.Logger, c *exec.Cmd, dir string) (goplugin.Runner, error) {
	r.env = append(r.plugin.Env[:len(r.plugin.Env):len(r.plugin.Env)], c.Env...)
	r.mu.Lock()
	r.dir = dir
	r.mu.Unlock()
	if longest := filepath.Join(dir, "plugin0123456789"); len(longest) > maxAddress {
		return nil, fmt.Errorf("the path of its socket would be too long (%s): take a shorter runtime directory", longest)
	}
	if u := r.plugin.User; u != nil && os.Geteuid() == 0 {
		return r, os.Chown(dir, int(u.UID), int(u.GID))
	}
	return r, nil
}

// Start implements go-plugin's Runner.
func (r *runner) Start(context.Context) error {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	defer null.Close()
	stdout, theirOut, err := os.Pipe()
	if err != nil {
		return err
	}
	defer theirOut.Close()
	stderr, theirErr, err := os.Pipe()
	if err != nil {
		stdout.Close()
		return err
	}
	defer theirErr.Close()
	process, err := r.spawn(null, theirOut, theirErr)
	if err != nil {
		stdout.Close()
		stderr.Close()
		return err
	}
	r.attend(process, stdout, stderr)
	return nil
}

func (r *runner) spawn(stdin, stdout, stderr *os.File) (Process, error) {
	c := Command{
		Path: r.file.path(), Args: append([]string{r.plugin.Path}, r.plugin.Args...), Env: r.env, Dir: "/", User: r.plugin.User,
		Files: []uintptr{stdin.Fd(), stdout.Fd(), stderr.Fd()}, Mark: "PLUGIN_UNIX_SOCKET_DIR=" + r.directory(), // go-plugin makes one for each run
	}
	if r.file.script { // its interpreter opens the path, so it must have the descriptor
		c.Path, c.Files = descriptor(3), append(c.Files, r.file.Fd())
	}
	return r.processes.Start(c)
}

// attend reads what the process says, and notices its end.
func (r *runner) attend(process Process, stdout, stderr *os.File) {
	r.stdout, r.stderr = stdout, stderr
	handshake, write := io.Pipe()
	r.handshake = handshake
	r.mu.Lock()
	r.process = process
	aborted := r.aborted
	r.mu.Unlock()
	forget := remember(filepath.Dir(r.directory()), process.Identity)
	if aborted {
		process.Signal(syscall.SIGKILL)
	}
	var readers sync.WaitGroup
	// It waits for what the plugin writes to its standard output, gives go-plugin the first line, and ends with the pipe.
	readers.Go(func() { r.passHandshake(stdout, write) })
	// It waits for what the plugin writes to its standard error, passes it on to the log, and ends with the pipe.
	readers.Go(func() { r.log.read(stderr) })
	// It waits for the end of the process, closes ended and then the pipes, and ends with the readers.
	go func() {
		r.exit = <-process.Ended
		forget()
		close(r.ended)
		late := time.AfterFunc(pipesStay, func() {
			stdout.Close()
			stderr.Close()
		})
		readers.Wait()
		late.Stop()
		stdout.Close()
		stderr.Close()
	}()
}

// passHandshake passes on the first line and throws away what follows.
func (r *runner) passHandshake(stdout io.Reader, write *io.PipeWriter) {
	buffered := bufio.NewReaderSize(stdout, maxHandshake)
	line, err := buffered.ReadSlice('\n')
	if err == nil || len(line) > 0 {
		write.Write(line) // go-plugin reads to the end
	}
	write.Close()
	buf := make([]byte, maxHandshake)
	for {
		n, err := buffered.Read(buf)
		r.stray.Add(int64(n))
		if err != nil {
			return
		}
	}
}

// abort ends the process, if need be as soon as it was started.
func (r *runner) abort() {
	r.mu.Lock()
	r.aborted = true
	process := r.process
	r.mu.Unlock()
	if process.PID != 0 {
		process.Signal(syscall.SIGKILL)
	}
}

func (r *runner) directory() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dir
}

// identity is that of the process; none if it was not started.
func (r *runner) identity() Identity {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.process.Identity
}

func (r *runner) signal(s syscall.Signal) {
	r.mu.Lock()
	process := r.process
	r.mu.Unlock()
	if process.PID != 0 {
		process.Signal(s)
	}
}

// Stdout implements go-plugin's Runner.
func (r *runner) Stdout() io.ReadCloser { return r.handshake }

// Stderr implements go-plugin's Runner: there is nothing for it.
func (r *runner) Stderr() io.ReadCloser { return io.NopCloser(strings.NewReader("")) }

// Name implements go-plugin's Runner.
func (r *runner) Name() string { return r.plugin.Name }

// Diagnose implements go-plugin's Runner.
func (r *runner) Diagnose(context.Context) string { return "" }

// Wait implements go-plugin's Runner.
func (r *runner) Wait(context.Context) error {
	<-r.ended
	return nil
}

// Kill implements go-plugin's Runner.
func (r *runner) Kill(context.Context) error {
	r.abort()
	return nil
}

// ID implements go-plugin's Runner.
func (r *runner) ID() string { return strconv.Itoa(r.identity().PID) }

// PluginToHost implements go-plugin's Runner: a plugin that names an address outside its own directory is not believed.
func (r *runner) PluginToHost(network, address string) (string, string, error) {
	if network != "unix" || filepath.Dir(filepath.Clean(address)) != r.directory() {
		return "", "", fmt.Errorf("it says that it listens on %s %.200q, which is no socket in PLUGIN_UNIX_SOCKET_DIR", network, address)
	}
	return network, address, nil
}

// HostToPlugin implements go-plugin's Runner.
func (r *runner) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}
