package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	plugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
	"github.com/mwlua/mwlua/plugins/proto"
)

// Limits of time.
const (
	startTimeout  = 10 * time.Second // from the start to the handshake and the configuration, if the declaration does not say
	stopTimeout   = time.Second      // from Shutdown or SIGTERM to SIGKILL
	killTimeout   = time.Second      // from SIGKILL until nobody waits any more
	healthTimeout = 2 * time.Second
	endsItself    = 100 * time.Millisecond
)

// Description is what a plugin says about itself.
type Description struct {
	Name, Version, Doc string
	Capabilities       []string `json:",omitempty"`
	ConfigSchema       string   `json:",omitempty"` // a JSON Schema; "" if it says nothing about its configuration
}

// Problem is what a plugin finds wrong with its configuration.
type Problem struct {
	Path string // as "limits.max" or "hosts[2]"; "" is the whole
	Text string
}

// ConfigError says all that a plugin finds wrong with its configuration.
type ConfigError struct{ Problems []Problem }

func (e *ConfigError) Error() string {
	var texts []string
	for _, p := range e.Problems {
		text := p.Text
		if p.Path != "" {
			text = p.Path + ": " + text
		}
		texts = append(texts, text)
	}
	return "its configuration is wrong: " + strings.Join(texts, "; ")
}

// Run is one run of a plugin, from its start to its end. Its methods may be called from any goroutine.
type Run struct {
	Description
	runner *runner
	client *plugin.Client
	conn   *grpc.ClientConn
}

// Asker is who asks a plugin, as it is told.
type Asker struct {
	Version    string // of mwlua
	Generation uint64 // of the load
	Hostname   string
	CheckOnly  bool     // it is only asked whether its configuration is right
	Programs   []string // that ask it, where that is known
}

// Place is where plugins are started.
type Place struct {
	Processes Processes
	Dir       string     // exists, and nobody else may write to it; their sockets are in directories in it
	Log       func(Line) // what they log; it must not wait, and is called from several goroutines
}

// Ready starts a plugin and hands it its configuration: Start and Configure, both within the declared StartTimeout. After an error
// nothing of it is left.
func (p Place) Ready(ctx context.Context, declared program.Plugin, state []byte, by Asker) (*Run, error) {
	ctx, cancel := limitStart(ctx, declared)
	defer cancel()
	run, err := p.Start(ctx, declared)
	if err != nil {
		return nil, fmt.Errorf("cannot start it: %w", err)
	}
	if err := run.Configure(ctx, declared.Config, state, by); err != nil {
		run.Stop()
		return nil, err
	}
	return run, nil
}

// limitStart bounds a start by what is declared for it.
func limitStart(ctx context.Context, declared program.Plugin) (context.Context, context.CancelFunc) {
	limit := declared.StartTimeout
	if limit <= 0 {
		limit = startTimeout
	}
	return context.WithTimeoutCause(ctx, limit, fmt.Errorf("it was not ready within %v (start_timeout)", limit))
}

// Start starts a plugin and asks what it is. It returns by the declared StartTimeout or when ctx is done, whatever the plugin does.
// After an error nothing of it is left.
func (p Place) Start(ctx context.Context, declared program.Plugin) (*Run, error) {
	ctx, cancel := limitStart(ctx, declared)
	defer cancel()
	r, err := p.connect(ctx, declared)
	if err != nil {
		return nil, err
	}
	if err := r.describe(ctx); err != nil {
		r.Stop()
		return nil, err
	}
	return r, nil
}

func (p Place) connect(ctx context.Context, declared program.Plugin) (*Run, error) {
	file, err := open(declared)
	if err != nil {
		return nil, err
	}
	log := &log{plugin: declared.Name, limit: declared.LogLines, out: p.Log}
	if log.limit <= 0 {
		log.limit = linesEach
	}
	r := &Run{runner: newRunner(declared, file, p.Processes, log)}
	r.client = plugin.NewClient(r.clientConfig(p.Dir, declared))
	connected := make(chan error, 1)
	// It waits for the handshake, sends how that went, and ends with the process at the latest: go-plugin's Client cannot be cancelled.
	go func() {
		defer file.Close()
		client, err := r.client.Client()
		if err == nil {
			r.conn = client.(*plugin.GRPCClient).Conn
		}
		connected <- err
	}()
	select {
	case err = <-connected:
	case <-ctx.Done():
		err = fmt.Errorf("no handshake: %w", context.Cause(ctx))
	}
	if err != nil {
		r.discard()
		return nil, r.explain(err)
	}
	return r, nil
}

func (r *Run) clientConfig(dir string, declared program.Plugin) *plugin.ClientConfig {
	return &plugin.ClientConfig{
		HandshakeConfig: plugin.HandshakeConfig{
			ProtocolVersion: proto.API, MagicCookieKey: proto.CookieKey, MagicCookieValue: proto.CookieValue,
		},
		// A version 2 goes into VersionedPlugins; go-plugin wants Plugins then, too.
		Plugins:          plugin.PluginSet{},
		RunnerFunc:       r.runner.prepare,
		SkipHostEnv:      true,
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		StartTimeout:     24 * time.Hour, // ours counts
		AutoMTLS:         declared.MTLS,
		UnixSocketConfig: &plugin.UnixSocketConfig{TempDir: dir},
		SyncStdout:       r.runner.log,
		SyncStderr:       r.runner.log,
		Logger:           hclog.NewNullLogger(),
		GRPCDialOptions: []grpc.DialOption{
			grpc.WithDisableRetry(), grpc.WithDisableServiceConfig(), grpc.WithIdleTimeout(0),
			grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(proto.MaxMessage), grpc.MaxCallSendMsgSize(proto.MaxMessage)),
		},
	}
}

// discard ends what did not come to anything. One that is ending may do so: how tells more than that it was killed.
func (r *Run) discard() {
	if r.Identity().PID != 0 && !r.endsWithin(endsItself) {
		r.runner.abort()
		r.endsWithin(killTimeout)
	}
	r.runner.abort()
	r.clean()
}

// endsWithin waits for the end of the process, and says whether it came.
func (r *Run) endsWithin(limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-r.Ended():
		return true
	case <-timer.C:
		return false
	}
}

// explain adds to err of a start how the process ended, if it did: that is more than go-plugin knows.
func (r *Run) explain(err error) error {
	select {
	case <-r.runner.ended:
	default:
		return err
	}
	text := strings.Join(strings.Fields(err.Error()), " ")
	text = text[:min(len(text), policy.MaxReason)]
	switch exit := r.runner.exit; {
	case exit.Signal != 0 && exit.Signal != int(syscall.SIGKILL):
		return fmt.Errorf("it was killed by signal %d (%v): %s", exit.Signal, syscall.Signal(exit.Signal), text)
	case exit.Signal == 0:
		return fmt.Errorf("it ended with status %d: %s", exit.Code, text)
	}
	return errors.New(text)
}

// Ended is closed when the process has ended and was collected.
func (r *Run) Ended() <-chan struct{} { return r.runner.ended }

// Exit is how it ended, after Ended.
func (r *Run) Exit() Exit { return r.runner.exit }

// Identity is that of the process.
func (r *Run) Identity() Identity { return r.runner.identity() }

// Signal sends a signal to the plugin and what it has started.
func (r *Run) Signal(s syscall.Signal) { r.runner.signal(s) }

// connected says whether a call would reach it, as far as is known.
func (r *Run) connected() bool { return r.conn.GetState() == connectivity.Ready }

// Stray is how many bytes it has written to its standard output after the handshake, which nobody wants there.
func (r *Run) Stray() int64 { return r.runner.stray.Load() }

// CloseStderr stops reading what it logs, as if its host had crashed.
func (r *Run) CloseStderr() { r.runner.stderr.Close() }

// Conn is the connection to the plugin, for who tests one.
func (r *Run) Conn() *grpc.ClientConn { return r.conn }

// Shutdown asks the plugin to end, as go-plugin does.
func (r *Run) Shutdown(ctx context.Context) error {
	return r.conn.Invoke(ctx, "/plugin.GRPCController/Shutdown", &emptypb.Empty{}, &emptypb.Empty{})
}

// Stop ends the plugin and waits for that, two seconds at most: it is asked, then told by SIGTERM if it does not know the question, then
// killed. go-plugin's own Kill waits without a limit for a plugin that is stopped (SIGSTOP), and for who holds its output open.
func (r *Run) Stop() {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	if r.conn != nil {
		if err := r.Shutdown(ctx); status.Code(err) == codes.Unimplemented {
			r.Signal(syscall.SIGTERM)
		}
	}
	select {
	case <-r.Ended():
	case <-ctx.Done():
		r.Signal(syscall.SIGKILL)
		r.endsWithin(killTimeout) // it may be in the kernel for longer
	}
	r.clean()
}

// clean gives back what go-plugin holds. Its Kill ends at once when the process has ended, and is not waited for if it has not.
func (r *Run) clean() {
	// It waits for the end of go-plugin's goroutines and the process, sends nothing, and ends with these.
	go r.client.Kill()
	if dir := r.runner.directory(); dir != "" {
		os.RemoveAll(dir)
	}
}
