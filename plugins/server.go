package plugins

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/plugins/proto"
)

// decider is what a plugin does: blob is its state and the new one, nil leaves it as it was.
type decider[C any] func(ctx context.Context, config *C, exit policy.Event, blob []byte) (policy.Verdict, []byte, error)

// server answers mwlua. Its methods are called from goroutines of their own.
type server[C any] struct {
	proto.UnimplementedPluginServer
	proto.UnimplementedExitPolicyServer

	about  About
	decide decider[C]
	config atomic.Pointer[C] // nil until it was configured
	calls  sync.RWMutex      // held for reading by a decision that is under way; who has it for writing ends the plugin
}

// Describe implements proto.PluginServer.
func (s *server[C]) Describe(context.Context, *proto.DescribeRequest) (*proto.DescribeResponse, error) {
	schema, err := schemaOf[C]()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(schema)
	return &proto.DescribeResponse{
		Name: s.about.Name, Version: s.about.Version, Doc: s.about.Doc, Api: proto.API,
		Capabilities: []string{proto.ExitPolicyCapability}, ConfigSchema: string(text),
	}, err
}

// Configure implements proto.PluginServer.
func (s *server[C]) Configure(_ context.Context, r *proto.ConfigureRequest) (_ *proto.ConfigureResponse, err error) {
	defer recovered(&err)
	config, problems, err := decode[C](r.GetConfig())
	if err == nil && len(problems) == 0 {
		s.config.Store(config)
	}
	return &proto.ConfigureResponse{Problems: problems}, err
}

// OnExit implements proto.ExitPolicyServer.
func (s *server[C]) OnExit(ctx context.Context, e *proto.ExitEvent) (_ *proto.Verdict, err error) {
	s.calls.RLock()
	defer s.calls.RUnlock()
	defer recovered(&err)
	config := s.config.Load()
	if config == nil {
		return nil, status.Error(codes.FailedPrecondition, "it was not configured")
	}
	v, blob, err := s.decide(ctx, config, proto.ToEvent(e), e.GetState())
	if err != nil {
		return nil, err
	}
	return proto.FromVerdict(v, blob), nil
}

// recovered makes an error of a panic: other programs wait for this plugin, too.
func recovered(err *error) {
	if p := recover(); p != nil {
		slog.Error(fmt.Sprintf("panic: %v", p), "at", strings.Join(placesOfPanic(), ", "))
		*err = status.Errorf(codes.Internal, "panic: %v", p)
	}
}

// placesOfPanic are the lines of the author's code that have led to the panic that was just recovered from, the innermost first.
func placesOfPanic() (places []string) {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(0, pcs)])
	raised := false
	for {
		f, more := frames.Next()
		switch {
		case strings.HasPrefix(f.Function, "runtime."):
			raised = raised || strings.HasPrefix(f.Function, "runtime.gopanic")
		case raised && strings.HasPrefix(f.Function, "github.com/mwlua/mwlua/plugins."): // from here on it is not the author's
			return places
		case raised:
			places = append(places, fmt.Sprintf("%s:%d", f.File, f.Line))
		}
		if !more {
			return places
		}
	}
}

// describe prints what the plugin says about itself, and returns the status to exit with.
func describe[C any](s *server[C]) int {
	d, err := s.Describe(context.Background(), nil)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	text, err := json.MarshalIndent(map[string]any{
		"name": d.GetName(), "version": d.GetVersion(), "api": d.GetApi(), "doc": d.GetDoc(),
		"capabilities": d.GetCapabilities(), "config_schema": json.RawMessage(d.GetConfigSchema()),
	}, "", "  ")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(string(text))
	return 0
}
