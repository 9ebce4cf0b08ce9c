package plugins

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"

	"github.com/hashicorp/go-hclog"
	plugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/plugins/proto"
)

// About is what a plugin says about itself.
type About struct {
	Name    string // as budget; required
	Version string // of the plugin
	Doc     string // one line
}

// Serve runs a plugin, from main, until mwlua ends it or is gone. It returns so that main may clean up, and leaves the process by
// itself when it was started by hand.
//
// decide says what follows an end: policy.Default leaves it to the next decider and in the end to the declared policy, and so does an
// error, which is logged. It is called for several programs and instances at once, eight at most, and for one of them again only when an
// earlier call has returned or was given up. When ctx is done nobody waits for the answer any more. A panic in it is an error.
//
// C is a struct that the configuration is decoded into, as encoding/json does. A field without omitempty or omitzero is required, and
// its tag `jsonschema:"…"` describes it. If *C has a method Check() error, it is called then; decide must not change its config.
//
// What is logged by log/slog, or written to os.Stderr, is found in mwlua's log. Standard output is mwlua's own.
func Serve[C any](about About, decide func(ctx context.Context, config *C, exit policy.Event) (policy.Verdict, error)) {
	serve(about, func(ctx context.Context, config *C, exit policy.Event, _ []byte) (policy.Verdict, []byte, error) {
		v, err := decide(ctx, config, exit)
		return v, nil, err
	})
}

// ServeWithState is Serve for a decide that remembers something of each program: state is what it left there when it was last asked
// about this program, and zero the first time. It is kept by mwlua as JSON of at most 64 KiB, over the plugin's end and over reloads, not over its own death.
// After an error it is as it was.
func ServeWithState[C, S any](about About,
	decide func(ctx context.Context, config *C, state *S, exit policy.Event) (policy.Verdict, error),
) {
	serve(about, func(ctx context.Context, config *C, exit policy.Event, blob []byte) (policy.Verdict, []byte, error) {
		state := new(S)
		if len(blob) > 0 {
			if err := json.Unmarshal(blob, state); err != nil {
				return policy.Verdict{}, nil, fmt.Errorf("cannot read the state of %q: %w", exit.Program, err)
			}
		}
		v, err := decide(ctx, config, state, exit)
		if err != nil {
			return policy.Verdict{}, nil, err
		}
		blob, err = json.Marshal(state)
		if err == nil && len(blob) > proto.MaxState {
			err = fmt.Errorf("a state of %d bytes, at most %d are allowed", len(blob), proto.MaxState)
		}
		return v, blob, err
	})
}

func serve[C any](about About, decide decider[C]) {
	s := &server[C]{about: about, decide: decide}
	switch {
	case slices.Contains(os.Args[1:], "-describe") || slices.Contains(os.Args[1:], "--describe"):
		os.Exit(describe(s))
	case os.Getenv(proto.CookieKey) != proto.CookieValue:
		fmt.Fprintf(os.Stderr, "%s is a plugin of mwlua, which starts it by itself: declare it in a configuration, "+
			"or try it with `mwlua plugin check %s`.\n", about.Name, os.Args[0])
		os.Exit(1)
	}
	logToHost(os.Stderr)
	swallowBrokenPipe()
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: plugin.HandshakeConfig{
			ProtocolVersion: proto.API, MagicCookieKey: proto.CookieKey, MagicCookieValue: proto.CookieValue,
		},
		Plugins: plugin.PluginSet{about.Name: served[C]{server: s}},
		Logger:  hclog.New(&hclog.LoggerOptions{Level: hclog.Warn, Output: os.Stderr, JSONFormat: true}),
		GRPCServer: func(options []grpc.ServerOption) *grpc.Server {
			g := grpc.NewServer(append(options, grpc.MaxRecvMsgSize(proto.MaxMessage))...)
			endInTime(s, g)
			return g
		},
	})
}

// served registers the services of a plugin with the server that go-plugin has made.
type served[C any] struct {
	plugin.NetRPCUnsupportedPlugin
	server *server[C]
}

// GRPCServer is called by go-plugin.
func (p served[C]) GRPCServer(_ *plugin.GRPCBroker, g *grpc.Server) error {
	proto.RegisterPluginServer(g, p.server)
	proto.RegisterExitPolicyServer(g, p.server)
	return nil
}

// GRPCClient is never called in a plugin.
func (p served[C]) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, fmt.Errorf("%s is no host", p.server.about.Name)
}
