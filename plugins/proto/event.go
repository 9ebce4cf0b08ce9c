package proto

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/mwlua/mwlua/core/policy"
)

// API is the version of this protocol, as a plugin describes itself and as it is agreed on at the handshake.
const API = 1

// ExitPolicyCapability is the capability of a plugin that serves ExitPolicy.
const ExitPolicyCapability = "exit-policy"

// Bounds of the protocol, besides those of core/policy.
const (
	MaxState   = 64 << 10 // bytes of Verdict.state
	MaxMessage = 1 << 20  // bytes of a message, whoever sends it
)

// FromEvent is ev as a plugin gets it. state is what its last verdict about this program left, or nil.
func FromEvent(ev policy.Event, state []byte) *ExitEvent {
	e := &ExitEvent{
		Id: ev.ID, Program: utf8(ev.Program), Instance: utf8(ev.Instance), Seq: ev.Seq, Slot: uint32(ev.Slot), Pid: int32(ev.PID), Kind: ev.Kind,
		Code: int32(ev.Code), Signal: int32(ev.Signal), CoreDumped: ev.CoreDumped, Oom: ev.OOM, Reason: string(ev.Reason),
		Uptime: durationpb.New(ev.Ran), Failures: uint32(ev.Failures), Restarts: uint32(ev.Restarts), TotalRestarts: ev.TotalRestarts,
		Default: FromVerdict(ev.Default, nil), Labels: make([]string, len(ev.Labels)), Store: utf8(string(ev.Store)), State: state,
		Time: timestamppb.New(time.Unix(0, int64(ev.Time))),
	}
	for i, label := range ev.Labels {
		e.Labels[i] = utf8(label)
	}
	for _, p := range ev.History {
		e.History = append(e.History, &Past{
			Seq: p.Seq, Code: int32(p.Code), Signal: int32(p.Signal), Reason: string(p.Reason), Uptime: durationpb.New(p.Ran),
		})
	}
	return e
}

// ToEvent is FromEvent's inverse, but for the state. It takes whatever a newer mwlua may send.
func ToEvent(e *ExitEvent) policy.Event {
	ev := policy.Event{
		Exit: policy.Exit{
			Program: e.GetProgram(), Seq: e.GetSeq(), Code: int(e.GetCode()), Signal: int(e.GetSignal()), CoreDumped: e.GetCoreDumped(), OOM: e.GetOom(),
			Reason: policy.Reason(e.GetReason()), Ran: e.GetUptime().AsDuration(), Failures: int(e.GetFailures()), Restarts: int(e.GetRestarts()),
		},
		ID: e.GetId(), Instance: e.GetInstance(), Slot: int(e.GetSlot()), PID: int(e.GetPid()), Kind: e.GetKind(),
		TotalRestarts: e.GetTotalRestarts(), Labels: e.GetLabels(),
	}
	if e.GetStore() != "" {
		ev.Store = []byte(e.GetStore())
	}
	if t := e.GetTime(); t != nil {
		ev.Time = time.Duration(t.AsTime().UnixNano())
	}
	ev.Default, _, _ = ToVerdict(e.GetDefault()) // what cannot be understood is no verdict, as if there was none
	for _, p := range e.GetHistory() {
		ev.History = append(ev.History, policy.Past{
			Seq: p.GetSeq(), Code: int(p.GetCode()), Signal: int(p.GetSignal()), Reason: policy.Reason(p.GetReason()), Ran: p.GetUptime().AsDuration(),
		})
	}
	return ev
}

// FromVerdict is v with the state that goes with it. A v.Do that the protocol has no word for is one that nobody understands.
func FromVerdict(v policy.Verdict, state []byte) *Verdict {
	return &Verdict{
		Action: fromDo(v.Do), Delay: durationpb.New(v.Delay), Reason: utf8(v.Reason), ExitCode: int32(v.ExitCode), Reset_: v.Reset, State: state,
	}
}

// ToVerdict is the verdict in v, which was checked, and its state. The error says what is wrong with v. No v is policy.Default.
func ToVerdict(v *Verdict) (policy.Verdict, []byte, error) {
	do, ok := toDo(v.GetAction())
	if !ok {
		return policy.Verdict{}, nil, fmt.Errorf("unknown action %d", v.GetAction())
	}
	if d := v.GetDelay(); d != nil && !d.IsValid() {
		return policy.Verdict{}, nil, fmt.Errorf("a delay that is none: %ds and %dns", d.GetSeconds(), d.GetNanos())
	}
	if n := len(v.GetState()); n > MaxState {
		return policy.Verdict{}, nil, fmt.Errorf("a state of %d bytes, at most %d are allowed", n, MaxState)
	}
	verdict := policy.Verdict{
		Do: do, Delay: v.GetDelay().AsDuration(), Reason: v.GetReason(), ExitCode: int(v.GetExitCode()), Reset: v.GetReset_(),
	}
	if text := verdict.Check(); text != "" {
		return policy.Verdict{}, nil, errors.New(text)
	}
	return verdict, v.GetState(), nil
}

// utf8 is s as a message can have it: names of HAProxy's may be any bytes, and one byte that is no UTF-8 spoils a message.
func utf8(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

func fromDo(do policy.Do) Action {
	switch do {
	case policy.Default, "":
		return Action_ACTION_UNSPECIFIED
	case policy.Restart:
		return Action_ACTION_RESTART
	case policy.Stop:
		return Action_ACTION_STOP
	case policy.Fail:
		return Action_ACTION_FAIL
	case policy.Shutdown:
		return Action_ACTION_SHUTDOWN
	}
	return -1
}

func toDo(a Action) (policy.Do, bool) {
	switch a {
	case Action_ACTION_UNSPECIFIED:
		return policy.Default, true
	case Action_ACTION_RESTART:
		return policy.Restart, true
	case Action_ACTION_STOP:
		return policy.Stop, true
	case Action_ACTION_FAIL:
		return policy.Fail, true
	case Action_ACTION_SHUTDOWN:
		return policy.Shutdown, true
	}
	return "", false
}
