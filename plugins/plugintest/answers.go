package plugintest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/plugins/host"
	"github.com/mwlua/mwlua/plugins/proto"
)

// answerTime is how long an answer may take.
const answerTime = 2 * time.Second

func handshake(ctx context.Context, s *session) error {
	r, err := s.run(ctx)
	if err != nil {
		return err
	}
	r.Stop()
	return nil
}

func stdoutSilent(ctx context.Context, s *session) error {
	r, err := s.run(ctx)
	if err != nil {
		return err
	}
	defer r.Stop()
	if err := s.ask(ctx, r, event(1)); err != nil {
		return err
	}
	r.Stop() // what it wrote is read by then
	if n := r.Stray(); n > 0 {
		return fmt.Errorf("it wrote %d bytes after the handshake: write to standard error", n)
	}
	return nil
}

func describes(ctx context.Context, s *session) error {
	r, err := s.place().Start(ctx, s.Plugin)
	if err != nil {
		return err
	}
	defer r.Stop()
	d := r.Description
	switch {
	case d.Name == "" || d.Version == "":
		return errors.New("it has no name or no version")
	case !slices.Contains(d.Capabilities, proto.ExitPolicyCapability):
		return fmt.Errorf("it does not have the capability %q", proto.ExitPolicyCapability)
	case d.ConfigSchema != "" && json.Unmarshal([]byte(d.ConfigSchema), new(map[string]any)) != nil:
		return errors.New("config_schema is no JSON object")
	}
	first, err := proto.NewPluginClient(r.Conn()).Describe(ctx, &proto.DescribeRequest{})
	if err != nil {
		return err
	}
	if first.GetName() != d.Name || first.GetVersion() != d.Version || first.GetConfigSchema() != d.ConfigSchema {
		return errors.New("it says something else the second time")
	}
	return nil
}

func badConfig(ctx context.Context, s *session) error {
	r, err := s.place().Start(ctx, s.Plugin)
	if err != nil {
		return err
	}
	defer r.Stop()
	for _, config := range []string{`{"mwlua-no-such-key":1}`, `{"mwlua-no-such-key":{"a":[null]}}`} {
		var wrong *host.ConfigError
		err := r.Configure(ctx, config, nil, asker)
		switch {
		case err == nil:
			return fmt.Errorf("it accepts %s", config)
		case !errors.As(err, &wrong):
			return fmt.Errorf("%s: %w", config, err)
		case !slices.ContainsFunc(wrong.Problems, func(p host.Problem) bool { return p.Path != "" && p.Text != "" }):
			return fmt.Errorf("%s: no problem has a path and a text", config)
		}
	}
	for _, config := range []string{`[]`, `null`, `{`, `{"a":` + strings.Repeat(`[`, 1000)} { // whatever it says
		r.Configure(ctx, config, nil, asker)
	}
	if err := r.Configure(ctx, s.Plugin.Config, nil, asker); err != nil {
		return fmt.Errorf("its own configuration, after wrong ones: %w", err)
	}
	return s.ask(ctx, r, event(1))
}

// event is an ordinary one, number n.
func event(n int) policy.Event {
	return policy.Event{
		Exit: policy.Exit{Program: "web" + strconv.Itoa(n%16), Seq: uint64(n), Code: 1, Reason: policy.Exited, Ran: time.Second, Failures: 1},
		ID:   "check/" + strconv.Itoa(n), Instance: fmt.Sprintf("web%d#%d", n%16, n), PID: 1000 + n, Kind: "program",
		Default: policy.Verdict{Do: policy.Restart, Delay: time.Second, Reason: "attempt 1"},
		Time:    time.Duration(1_700_000_000) * time.Second,
	}
}

// strange are events with everything that can be in one.
func strange() []policy.Event {
	events := []policy.Event{{}, {Exit: policy.Exit{Reason: "a reason of tomorrow"}, Kind: "a kind of tomorrow"}}
	for _, reason := range []policy.Reason{policy.Exited, policy.StartFailed, policy.ReloadSignal, policy.NotReady, policy.Health, policy.Watchdog, policy.Timeout} {
		ev := event(len(events))
		ev.Reason = reason
		events = append(events, ev)
	}
	for _, do := range []policy.Do{policy.Default, policy.Restart, policy.Stop, policy.Fail, policy.Shutdown} {
		ev := event(len(events))
		ev.Default = policy.Verdict{Do: do, Delay: policy.MaxDelay, ExitCode: 255, Reason: strings.Repeat("x", policy.MaxReason)}
		events = append(events, ev)
	}
	for _, n := range []int{math.MinInt32, -1, 0, 255, 256, math.MaxInt32} {
		ev := event(len(events))
		ev.Code, ev.Signal, ev.PID, ev.Failures, ev.Restarts = n, n, n, n, n
		ev.Seq, ev.TotalRestarts, ev.Ran, ev.Time = math.MaxUint64, math.MaxUint64, math.MaxInt64, math.MinInt64
		events = append(events, ev)
	}
	full := event(len(events))
	full.Program, full.Instance = strings.Repeat("ä", 4096), "\x00|;="
	full.Store = []byte(`{"a":"` + strings.Repeat("x", policy.MaxStore-10) + `"}`)
	for i := range 1000 {
		full.Labels = append(full.Labels, fmt.Sprintf("label%d=%d", i, i))
	}
	for i := range policy.MaxHistory {
		full.History = append(full.History, policy.Past{Seq: uint64(i), Code: -1, Signal: 64, Reason: "x", Ran: math.MinInt64})
	}
	return append(events, full)
}

func extremes(ctx context.Context, s *session) error {
	r, err := s.run(ctx)
	if err != nil {
		return err
	}
	defer r.Stop()
	for _, ev := range strange() {
		if err := s.ask(ctx, r, ev); err != nil {
			return fmt.Errorf("%.300s: %w", fmt.Sprintf("%+v", ev), err)
		}
	}
	return nil
}

// ask asks once. An answer that comes late or is no verdict is an error.
func (s *session) ask(ctx context.Context, r *host.Run, ev policy.Event) error {
	ctx, cancel := context.WithTimeout(ctx, s.limit(answerTime))
	defer cancel()
	_, _, err := r.OnExit(ctx, ev, nil)
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no verdict within %v", s.limit(answerTime))
	}
	return err
}

func thousand(ctx context.Context, s *session) error {
	r, err := s.run(ctx)
	if err != nil {
		return err
	}
	defer r.Stop()
	return s.askMany(ctx, r, 1000)
}

// askMany asks n times, 16 at a time and once for each program, with the state that the last verdict about it left.
func (s *session) askMany(ctx context.Context, r *host.Run, n int) error {
	errs := make(chan error, 16)
	var all sync.WaitGroup
	for lane := range 16 {
		// It waits for the answers to its events, sends the first error, and ends after the last event.
		all.Go(func() {
			var state []byte
			for i := lane; i < n; i += 16 {
				callCtx, cancel := context.WithTimeout(ctx, s.limit(answerTime))
				_, blob, err := r.OnExit(callCtx, event(i), state)
				cancel()
				if err != nil {
					errs <- fmt.Errorf("event %d of %d: %w", i, n, err)
					return
				}
				if len(blob) > 0 {
					state = blob
				}
			}
		})
	}
	all.Wait()
	close(errs)
	return <-errs
}

func unknownFields(ctx context.Context, s *session) error {
	r, err := s.run(ctx)
	if err != nil {
		return err
	}
	defer r.Stop()
	e := proto.FromEvent(event(1), nil)
	wire := []byte{0xfa, 0x3e, 3, 'n', 'e', 'w', 0xf8, 0x3f, 1} // the fields 1007, bytes, and 1023, a number
	e.ProtoReflect().SetUnknown(wire)
	ctx, cancel := context.WithTimeout(ctx, s.limit(answerTime))
	defer cancel()
	_, err = proto.NewExitPolicyClient(r.Conn()).OnExit(ctx, e)
	return err
}

func cancelled(ctx context.Context, s *session) error {
	r, err := s.run(ctx)
	if err != nil {
		return err
	}
	defer r.Stop()
	for i := range 200 {
		callCtx, cancel := context.WithTimeout(ctx, time.Duration(i%20)*100*time.Microsecond)
		r.OnExit(callCtx, event(i), nil)
		cancel()
	}
	return s.ask(ctx, r, event(1))
}

func descriptors(ctx context.Context, s *session) error {
	r, err := s.run(ctx)
	if err != nil {
		return err
	}
	defer r.Stop()
	count := func() (int, error) {
		entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", r.Identity().PID))
		return len(entries), err
	}
	if err := s.askMany(ctx, r, 100); err != nil { // whatever it opens once is open then
		return err
	}
	before, err := count()
	if err != nil {
		return err
	}
	if err := s.askMany(ctx, r, 500); err != nil {
		return err
	}
	after, err := count()
	if err == nil && after > before+16 {
		err = fmt.Errorf("it had %d descriptors, and %d after 500 more events", before, after)
	}
	return err
}
