// Package faulty is a plugin that does one thing wrong, for the tests of the host and of the conformance list. It is run by a test binary
// that finds Mode in its environment.
package faulty

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	plugin "github.com/hashicorp/go-plugin"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/plugins"
	"github.com/mwlua/mwlua/plugins/proto"
)

// Mode is the variable that says what is wrong, in one word.
const Mode = "MWLUA_FAULTY"

// RunIfAsked becomes the plugin if Mode is set, and does not return then.
func RunIfAsked() {
	if mode, ok := os.LookupEnv(Mode); ok {
		run(mode)
		os.Exit(0)
	}
}

type config struct {
	Limit int `json:"limit,omitempty"`
}

func run(mode string) {
	f := &fault{word: mode}
	f.beforeHandshake()
	if f.word == "" || f.word == "panics" {
		plugins.Serve(plugins.About{Name: "faulty", Version: "1"}, f.decide)
		return
	}
	f.serve()
}

// fault is a plugin without the SDK, which would not let it be wrong.
type fault struct {
	proto.UnimplementedPluginServer
	proto.UnimplementedExitPolicyServer
	word  string
	calls atomic.Int64
	stuck sync.Mutex
	state atomic.Value // as configured
}

func (f *fault) decide(_ context.Context, _ *config, exit policy.Event) (policy.Verdict, error) {
	if f.word == "panics" {
		panic("as told")
	}
	return policy.Verdict{Do: policy.Stop, Reason: fmt.Sprint(os.Getpid())}, nil
}

func (f *fault) beforeHandshake() {
	switch f.word {
	case "no-handshake":
		select {}
	case "ends":
		os.Exit(3)
	case "garbage-line":
		fmt.Println("hello, world")
		select {}
	case "long-line":
		os.Stdout.WriteString(strings.Repeat("x", 10<<20))
		select {}
	case "wrong-version":
		fmt.Println("1|99|unix|/nowhere|grpc")
		select {}
	case "elsewhere":
		fmt.Println("1|1|unix|/run/docker.sock|grpc")
		select {}
	case "speaks-then-dies":
		fmt.Printf("1|1|unix|%s/plugin1|grpc\n", os.Getenv("PLUGIN_UNIX_SOCKET_DIR"))
		os.Exit(1)
	case "silent-by-hand":
		if os.Getenv(proto.CookieKey) == "" {
			os.Exit(0)
		}
	}
}

func (f *fault) serve() {
	if os.Getenv(proto.CookieKey) == "" {
		fmt.Fprintln(os.Stderr, "this is a plugin of mwlua")
		os.Exit(1)
	}
	switch f.word {
	case "stays":
		signal.Ignore(syscall.SIGTERM, syscall.SIGHUP)
		fallthrough
	case "outlives": // what ends it with its host must not be there
		f.serveUntilTold(nil)
		return
	}
	gone := make(chan struct{})
	fd, err := unix.PidfdOpen(os.Getppid(), 0)
	if err != nil {
		panic(err)
	}
	go func() { // It waits for the end of the host, closes gone, and ends with that.
		polled := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		for polled[0].Revents == 0 {
			unix.Poll(polled, -1)
		}
		close(gone)
	}()
	f.serveUntilTold(gone)
}

// serveUntilTold serves until SIGTERM, Shutdown, or the end of gone.
func (f *fault) serveUntilTold(gone <-chan struct{}) {
	term := make(chan os.Signal, 1)
	if f.word != "dies-of-sigterm" && f.word != "stays" {
		signal.Notify(term, syscall.SIGTERM)
	}
	if f.word != "dies-of-epipe" {
		signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	}
	go func() { // It waits for a reason to end, ends the process, and ends with that.
		select {
		case <-term:
		case <-gone:
		}
		os.Exit(0)
	}()
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: plugin.HandshakeConfig{ProtocolVersion: proto.API, MagicCookieKey: proto.CookieKey, MagicCookieValue: proto.CookieValue},
		Plugins:         plugin.PluginSet{"faulty": served{fault: f}},
		Logger:          hclog.NewNullLogger(),
		GRPCServer: func(options []grpc.ServerOption) *grpc.Server {
			if f.word == "dies-of-sigint" {
				go func() { // It waits for SIGINT and ends the process; it ends with that.
					c := make(chan os.Signal, 1)
					signal.Notify(c, os.Interrupt)
					<-c
					os.Exit(1)
				}()
			}
			return grpc.NewServer(options...)
		},
	})
	if f.word == "ignores-shutdown" {
		select {}
	}
}

type served struct {
	plugin.NetRPCUnsupportedPlugin
	fault *fault
}

// GRPCServer is called by go-plugin.
func (p served) GRPCServer(_ *plugin.GRPCBroker, g *grpc.Server) error {
	proto.RegisterPluginServer(g, p.fault)
	proto.RegisterExitPolicyServer(g, p.fault)
	return nil
}

// GRPCClient is never called.
func (served) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, nil
}

// Describe implements proto.PluginServer.
func (f *fault) Describe(context.Context, *proto.DescribeRequest) (*proto.DescribeResponse, error) {
	d := &proto.DescribeResponse{
		Name: "faulty", Version: "1", Api: proto.API, Capabilities: []string{proto.ExitPolicyCapability},
		ConfigSchema: `{"type":"object","properties":{"limit":{"type":"integer"}},"additionalProperties":false}`,
	}
	switch f.word {
	case "unstable":
		d.Version = fmt.Sprint(f.calls.Add(1))
	case "other-api":
		d.Api = 7
	case "speaks-to-stdout":
		syscall.Write(1, []byte("hello\n"))
	}
	return d, nil
}

// Configure implements proto.PluginServer.
func (f *fault) Configure(ctx context.Context, r *proto.ConfigureRequest) (*proto.ConfigureResponse, error) {
	f.state.Store(string(r.GetState()))
	if f.word == "slow-to-configure" {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(300 * time.Millisecond):
		}
	}
	switch {
	case r.GetConfig() == "" || r.GetConfig() == "{}" || f.word == "takes-any-config":
		return &proto.ConfigureResponse{}, nil
	case f.word == "dies-of-config":
		os.Exit(1)
	}
	path := "mwlua-no-such-key"
	if f.word == "no-path" {
		path = ""
	}
	return &proto.ConfigureResponse{Problems: []*proto.Problem{{Path: path, Message: "unknown key"}}}, nil
}

// OnExit implements proto.ExitPolicyServer.
func (f *fault) OnExit(ctx context.Context, e *proto.ExitEvent) (*proto.Verdict, error) {
	n := f.calls.Add(1)
	v := &proto.Verdict{Action: proto.Action_ACTION_STOP}
	switch f.word {
	case "dies-in-call":
		os.Exit(1)
	case "hangs":
		select {}
	case "slow":
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	case "remembers":
		v.Reason, v.State = f.state.Load().(string)+"/"+string(e.GetState()), []byte("about "+e.GetProgram())
	case "huge-answer":
		v.State = make([]byte, 64<<20)
	case "large-state":
		v.State = make([]byte, proto.MaxState+1)
	case "unknown-enum":
		v.Action = 99
	case "negative-delay":
		v.Delay = durationpb.New(-1)
	case "grandchild", "escapes":
		syscall.ForkExec("/bin/sleep", []string{"sleep", "1000"}, &syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{0, 1, 2}, Sys: &syscall.SysProcAttr{Setsid: f.word == "escapes"}})
	case "floods-stderr":
		flood(2, 1<<30)
	case "floods-stdout":
		flood(1, 1<<30)
	case "spills-stderr": // 64 MiB, which a slow machine takes in a second too
		flood(2, 64<<20)
	case "spills-stdout":
		flood(1, 64<<20)
	case "dies-of-epipe":
		os.NewFile(2, "").WriteString("a line of the log\n")
	case "dies-of-extremes":
		if e.GetCode() > 255 || e.GetCode() < 0 || e.GetSeq() > 1<<60 {
			os.Exit(1)
		}
	case "tires":
		if n > 900 {
			return nil, fmt.Errorf("no more")
		}
	case "refuses-unknown":
		if len(e.ProtoReflect().GetUnknown()) > 0 {
			return nil, fmt.Errorf("an unknown field")
		}
	case "stuck-after-cancel":
		f.stuck.Lock()
		defer f.stuck.Unlock()
		select {
		case <-ctx.Done():
			select {}
		case <-time.After(2 * time.Millisecond):
		}
	case "leaks":
		syscall.Open("/dev/null", syscall.O_RDONLY, 0)
	}
	return v, nil
}

// flood writes n bytes, in lines, as fast as they are taken.
func flood(fd, n int) {
	chunk := []byte(strings.Repeat(strings.Repeat("x", 99)+"\n", 100))
	for ; n > 0; n -= len(chunk) {
		syscall.Write(fd, chunk)
	}
}
