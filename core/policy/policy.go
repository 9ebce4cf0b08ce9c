// Package policy holds the rule for what follows an exit: all that the author of a policy needs to read.
//
// It is pure: no clock, no I/O, no randomness. It does not restart anything; it answers an Exit with a Verdict, and
// core/machine carries the verdict out. The same exit under the same policy and seed always gets the same verdict.
package policy

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"
)

// Reason says in which way an instance ended.
type Reason string

const (
	Exited      Reason = "exited"       // the process ran and ended: Exit.Code or Exit.Signal says how
	StartFailed Reason = "start-failed" // the process never ran: fork, credentials, directory or exec failed
	// ReloadSignal: the signal that a reload sends to an instance it keeps ended it. That is no failure (T-4).
	ReloadSignal Reason = "reload-signal"
	// What follows are ends that mwlua itself brought about, which are failures whatever the status.
	NotReady Reason = "not-ready" // it was not ready in time
	Health   Reason = "health"    // it was unhealthy
	Watchdog Reason = "watchdog"  // it did not say WATCHDOG=1 in time
	Timeout  Reason = "timeout"   // a one-shot, or a run of a cron, took too long
)

// Exit is how one instance of a program ended.
type Exit struct {
	Program    string
	Seq        uint64        // the instance's number in its program, from 1
	Code       int           // exit code, 0 to 255; meaningless when Signal is not 0
	Signal     int           // the signal that killed it; 0 means that it exited with Code
	CoreDumped bool          // the kernel wrote a core file
	OOM        bool          `json:",omitempty"` // the kernel killed it, or another process of it, for want of memory, as far as is known
	Reason     Reason        // how it ended
	Ran        time.Duration // from spawn to exit; 0 for StartFailed
	Failures   int           // failures in a row, this one included; 0 when the exit is no failure
	Restarts   int           // restarts within Policy.Window before now; counted only while Policy.Limit is set
}

// Status is the exit as a shell reports it: the code, or 128 + the signal.
func (e Exit) Status() int {
	if e.Signal != 0 {
		return 128 + e.Signal
	}
	return e.Code
}

// Do is what a verdict asks for.
type Do string

const (
	Restart  Do = "restart"  // start the program again after Verdict.Delay
	Stop     Do = "stop"     // it stays down, and that is fine
	Fail     Do = "fail"     // it stays down, and counts as failed
	Shutdown Do = "shutdown" // stop every program and leave with Verdict.ExitCode
)

// Default is what a Decider says that leaves it to the next one, and in the end to the declared policy.
const Default Do = "default"

// Retry is, besides Fail and Shutdown, what Policy.OnLimit can say: begin again after Policy.RetryAfter. No verdict has it.
const Retry Do = "retry"

// Verdict is the answer to an Exit.
type Verdict struct {
	Do     Do
	Delay  time.Duration // before a restart; 0 means at once
	Reason string        // why, for the operator: one clause, no full stop
	// ExitCode is the status that mwlua leaves with, whenever it leaves. The first one that is not 0 counts, until a
	// load clears it. 0 says nothing about it.
	ExitCode int
	Reset    bool // begin the count of failures in a row again with this exit
}

// Rule names a built-in policy.
type Rule string

const (
	// RestartRule restarts by When, Backoff and Limit. It is the rule of the zero Policy.
	RestartRule Rule = ""
	// ExitOnFailure is HAProxy's rule: a failure of one program stops all (H-6.24). It never restarts (H-6.27).
	ExitOnFailure Rule = "exit-on-failure"
	// NoExitOnFailure is HAProxy's rule with `master-worker no-exit-on-failure`: a failed program stays down and the
	// others go on. Its status is still what mwlua leaves with in the end (H-6.24).
	NoExitOnFailure Rule = "no-exit-on-failure"
	// AnyExit stops all when the program ends, however it does: without it the others are of no use. HAProxy itself is such a one.
	AnyExit Rule = "any-exit"
)

// When says after which exits a program is restarted.
type When string

const (
	OnFailure When = "" // after an exit that is not a success; the default
	Always    When = "always"
	Never     When = "never"
)

// Policy is a built-in policy as plain data. The zero Policy restarts after a failure, at once and without a limit; loaders
// fill in gentler defaults.
type Policy struct {
	Rule         Rule          `json:",omitempty"`
	When         When          `json:",omitempty"`
	SuccessCodes []int         `json:",omitempty"` // statuses (see Exit.Status) that are no failure; none means {0}
	Backoff      Backoff       `json:",omitzero"`
	Limit        int           `json:",omitempty"` // restarts allowed within Window; 0 means no limit; at most MaxLimit
	Window       time.Duration `json:",omitempty"` // 0 means since the program's first start
	OnLimit      Do            `json:",omitempty"` // Fail (also the zero value), Shutdown, or Retry
	RetryAfter   time.Duration `json:",omitempty"` // how long to wait at the limit, for Retry; 0 means 5 minutes
	MinInterval  time.Duration `json:",omitempty"` // between two starts, whatever else is said; 0 means none
}

// retryAfter is the default of Policy.RetryAfter.
const retryAfter = 5 * time.Minute

// MaxLimit bounds Policy.Limit, because the machine remembers the time of that many restarts.
const MaxLimit = 1000

// Validate returns what is wrong with p, a text a problem, each beginning with the name of the field.
func (p Policy) Validate() []string {
	var texts []string
	check := func(ok bool, text string) {
		if !ok {
			texts = append(texts, text)
		}
	}
	finite := func(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
	check(slices.Contains([]Rule{RestartRule, ExitOnFailure, NoExitOnFailure, AnyExit}, p.Rule), fmt.Sprintf("rule: unknown value %q", p.Rule))
	check(slices.Contains([]When{OnFailure, Always, Never}, p.When), fmt.Sprintf("policy: unknown value %q", p.When))
	check(slices.Contains([]Do{"", Fail, Shutdown, Retry}, p.OnLimit), fmt.Sprintf("on_limit: unknown value %q", p.OnLimit))
	check(p.Limit >= 0 && p.Limit <= MaxLimit, fmt.Sprintf("limit: must be 0 to %d", MaxLimit))
	check(p.Window >= 0, "window: cannot be negative")
	check(p.RetryAfter >= 0, "retry_after: cannot be negative")
	check(p.MinInterval >= 0, "min_interval: cannot be negative")
	check(p.Backoff.Base >= 0 && p.Backoff.Max >= 0, "delay: cannot be negative")
	check(p.Backoff.ResetAfter >= 0, "reset_after: cannot be negative")
	check(finite(p.Backoff.Factor) && p.Backoff.Factor >= 0, "factor: must be a number from 0 up")
	check(finite(p.Backoff.Jitter) && p.Backoff.Jitter >= 0 && p.Backoff.Jitter <= 1, "jitter: must be 0 to 1")
	return texts
}

// Failed reports whether e is a failure under p: an exit that p does not list as a success. For HAProxy's rules the
// statuses 0, 130 and 143 are no failure, whether by code or by signal (H-6.23, H-6.24).
func (p Policy) Failed(e Exit) bool {
	switch {
	case slices.Contains([]Reason{StartFailed, NotReady, Health, Watchdog, Timeout}, e.Reason):
		return true
	case e.Reason == ReloadSignal:
		return false
	case p.Rule != RestartRule:
		return !slices.Contains([]int{0, 130, 143}, e.Status())
	case len(p.SuccessCodes) == 0:
		return e.Status() != 0
	default:
		return !slices.Contains(p.SuccessCodes, e.Status())
	}
}

// Decide applies p to e. seed makes the jitter of this supervisor differ from that of others.
func (p Policy) Decide(e Exit, seed uint64) Verdict {
	if p.Rule == RestartRule {
		return p.restart(e, seed)
	}
	return p.haproxy(e)
}

// haproxy is H-6.24: what the master does, and the status that it remembers for its own end.
func (p Policy) haproxy(e Exit) Verdict {
	v := Verdict{Do: Stop, ExitCode: e.Status(), Reason: "HAProxy never restarts a program"}
	switch {
	case p.Rule == AnyExit && (e.Status() == 0 || e.Status() == 143):
		v.Do, v.ExitCode, v.Reason = Shutdown, 0, "nothing goes on without it"
	case p.Rule == AnyExit:
		v.Do, v.Reason = Shutdown, "nothing goes on without it"
	case e.Reason == ReloadSignal:
		v.ExitCode, v.Reason = 0, "the reload's own signal ended it, which is no failure"
	case e.Status() == 0 || e.Status() == 143:
		v.ExitCode = 0
	case p.Failed(e) && p.Rule == ExitOnFailure:
		v.Do, v.Reason = Shutdown, "exit-on-failure"
	case p.Failed(e):
		v.Do, v.Reason = Fail, "no-exit-on-failure"
	}
	return v
}

// Check returns what is wrong with v as the answer of a Decider; "" means that it can be carried out.
func (v Verdict) Check() string {
	switch {
	case !slices.Contains([]Do{Default, Restart, Stop, Fail, Shutdown}, v.Do):
		return fmt.Sprintf("unknown action %q", v.Do)
	case v.Delay < 0 || v.Delay > MaxDelay:
		return fmt.Sprintf("a delay of %v, which is not 0s to %v", v.Delay, MaxDelay)
	case v.ExitCode < 0 || v.ExitCode > 255:
		return fmt.Sprintf("the exit code %d, which is not 0 to 255", v.ExitCode)
	case len(v.Reason) > MaxReason:
		return fmt.Sprintf("a reason of %d bytes, at most %d are allowed", len(v.Reason), MaxReason)
	}
	return ""
}

func (p Policy) restart(e Exit, seed uint64) Verdict {
	failed := p.Failed(e)
	switch {
	case failed && p.When == Never:
		return Verdict{Do: Fail, Reason: "restart is never"}
	case !failed && p.When == Never:
		return Verdict{Do: Stop, Reason: "restart is never"}
	case !failed && p.When != Always && e.Reason != ReloadSignal:
		return Verdict{Do: Stop, Reason: "a success, and restart is on-failure"}
	case p.Limit > 0 && e.Restarts >= p.Limit:
		return p.limited(e)
	}
	reset := p.Backoff.ResetAfter > 0 && e.Ran >= p.Backoff.ResetAfter
	attempt := e.Failures
	if reset || attempt < 1 {
		attempt = 1
	}
	delay := p.Backoff.Delay(attempt, seed, e.Program, e.Seq)
	return Verdict{Do: Restart, Delay: delay, Reset: reset, Reason: fmt.Sprintf("attempt %d", attempt)}
}

func (p Policy) limited(e Exit) Verdict {
	reason := fmt.Sprintf("%d restarts", e.Restarts)
	if e.Restarts == 1 {
		reason = "1 restart"
	}
	if p.Window > 0 {
		reason += fmt.Sprintf(" within %v", p.Window)
	}
	v := Verdict{Do: Fail, Reason: reason + ", the limit"}
	switch p.OnLimit {
	case Shutdown:
		v.Do, v.ExitCode = Shutdown, max(e.Status(), 1)
	case Retry:
		v.Do, v.Delay, v.Reset = Restart, cmp.Or(p.RetryAfter, retryAfter), true
	}
	return v
}
