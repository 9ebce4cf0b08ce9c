package host

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	plugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/plugins/proto"
)

// describe asks what the plugin is.
func (r *Run) describe(ctx context.Context) error {
	d, err := proto.NewPluginClient(r.conn).Describe(ctx, &proto.DescribeRequest{})
	switch {
	case err != nil:
		return fmt.Errorf("it does not say what it is: %w", whyNot(ctx, err))
	case d.GetApi() != proto.API:
		return fmt.Errorf("it speaks version %d of the protocol, and mwlua version %d", d.GetApi(), proto.API)
	}
	r.Description = Description{
		Name: d.GetName(), Version: d.GetVersion(), Doc: d.GetDoc(), Capabilities: d.GetCapabilities(), ConfigSchema: d.GetConfigSchema(),
	}
	return nil
}

// Configure hands a plugin its configuration, a JSON object or nothing, and the state of its last verdict. It is to be called once
// before anything is asked. The error is a *ConfigError if the plugin does not want it.
func (r *Run) Configure(ctx context.Context, config string, state []byte, by Asker) error {
	answer, err := proto.NewPluginClient(r.conn).Configure(ctx, &proto.ConfigureRequest{
		Config: config, State: state, Programs: by.Programs,
		Host: &proto.Host{Version: by.Version, Generation: by.Generation, Hostname: by.Hostname, CheckOnly: by.CheckOnly},
	})
	if err != nil {
		return fmt.Errorf("it cannot be configured: %w", whyNot(ctx, err))
	}
	var problems []Problem
	for _, p := range answer.GetProblems() {
		problems = append(problems, Problem{p.GetPath(), p.GetMessage()})
	}
	if len(problems) > 0 {
		return &ConfigError{problems}
	}
	return nil
}

// OnExit asks what follows an end, and returns a verdict that was checked, and what the plugin wants to have again: nil leaves it as it
// was. An answer that is no verdict is an error that is ErrGarbage. ctx must have a deadline.
func (r *Run) OnExit(ctx context.Context, ev policy.Event, state []byte) (policy.Verdict, []byte, error) {
	answer, err := proto.NewExitPolicyClient(r.conn).OnExit(ctx, proto.FromEvent(ev, state))
	switch {
	case status.Code(err) == codes.ResourceExhausted:
		return policy.Verdict{}, nil, fmt.Errorf("%w: %v", ErrGarbage, plain(err))
	case err != nil:
		return policy.Verdict{}, nil, plain(err)
	}
	v, blob, err := proto.ToVerdict(answer)
	if err != nil {
		return policy.Verdict{}, nil, fmt.Errorf("%w: %v", ErrGarbage, err)
	}
	return v, blob, nil
}

// ErrGarbage is the error of an answer that is no verdict.
var ErrGarbage = errors.New("it answered garbage")

// Healthy asks for a sign of life. A plugin that has no health service gives one by saying so.
func (r *Run) Healthy(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	answer, err := grpc_health_v1.NewHealthClient(r.conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: plugin.GRPCServiceName})
	switch code := status.Code(err); {
	case code == codes.DeadlineExceeded, code == codes.Unavailable, code == codes.Canceled:
		return fmt.Errorf("no sign of life: %w", plain(err))
	case err == nil && answer.GetStatus() == grpc_health_v1.HealthCheckResponse_NOT_SERVING:
		return errors.New("it says that it is not well")
	}
	return nil
}

// whyNot is why a call has no answer. The plugin knows the deadline of ctx, and may keep it a moment before ctx does.
func whyNot(ctx context.Context, err error) error {
	if status.Code(err) == codes.DeadlineExceeded {
		moment := time.NewTimer(endsItself)
		defer moment.Stop()
		select {
		case <-ctx.Done():
		case <-moment.C:
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return plain(err)
}

// plain is err without gRPC's words around it.
func plain(err error) error {
	if s, ok := status.FromError(err); ok && s.Message() != "" {
		if s.Code() == codes.DeadlineExceeded {
			return context.DeadlineExceeded
		}
		return &answerError{s.Code(), strings.ToValidUTF8(s.Message()[:min(len(s.Message()), policy.MaxReason)], "")}
	}
	return err
}

// answerError is an error that a plugin has answered with, or that the way to it has.
type answerError struct {
	code codes.Code
	text string
}

func (e *answerError) Error() string { return e.text }
