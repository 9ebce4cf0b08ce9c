package program

import "time"

// Kind says what is expected of a program.
type Kind string

const (
	Service Kind = ""        // it keeps running
	OneShot Kind = "oneshot" // it does its work and ends; others may wait for its success
	Cron    Kind = "cron"    // it is started by the clock
)

// MaxInstances bounds Spec.Instances.
const MaxInstances = 1000

// Ready says how an instance tells that it can serve.
type Ready struct {
	By      ReadyBy       `json:",omitempty"`
	FD      int           `json:",omitempty"` // with ReadyFD: the descriptor, from 3 up, to which it writes a newline
	Pattern string        `json:",omitempty"` // with ReadyLog: an RE2 expression that a line of its output matches
	Probe   Probe         `json:",omitzero"`  // with ReadyProbe
	Timeout time.Duration `json:",omitempty"` // from its start; then it is stopped and has failed; 0 means never
}

// ReadyBy is a way to be ready.
type ReadyBy string

const (
	ReadyAtOnce ReadyBy = ""       // as soon as it runs
	ReadyNotify ReadyBy = "notify" // READY=1 to its NOTIFY_SOCKET (sd_notify(3))
	ReadyFD     ReadyBy = "fd"     // a newline on a descriptor, as s6 has it
	ReadyLog    ReadyBy = "log"    // a line of its output
	ReadyProbe  ReadyBy = "probe"  // an attempt that succeeds
)

// Probe is an attempt to find out whether an instance serves. One of HTTP, TCP, Unix and Command is set; a probe without any is
// none.
type Probe struct {
	HTTP     string        `json:",omitempty"` // a URL; an answer with status 200 to 399 is a success
	TCP      string        `json:",omitempty"` // HOST:PORT that accepts a connection
	Unix     string        `json:",omitempty"` // the absolute path of a socket that accepts a connection
	Command  []string      `json:",omitempty"` // ends with 0; runs as the program does
	Interval time.Duration `json:",omitempty"` // from one attempt's end to the next
	Timeout  time.Duration `json:",omitempty"` // of one attempt; 0 means 2 s
}

// IsZero reports whether p is none.
func (p Probe) IsZero() bool {
	return p.HTTP == "" && p.TCP == "" && p.Unix == "" && len(p.Command) == 0
}

// Health says how it is found out, again and again, whether an instance that is ready still serves.
type Health struct {
	Probe      Probe
	StartDelay time.Duration `json:",omitempty"` // from ready to the first attempt; 0 means Probe.Interval
	Failures   int           `json:",omitempty"` // in a row that make it unhealthy; 0 means 1
	Successes  int           `json:",omitempty"` // in a row that make it healthy again; 0 means 1
	OnFail     OnUnhealthy   `json:",omitempty"`
}

// OnUnhealthy says what becomes of an unhealthy instance.
type OnUnhealthy string

const (
	RestartUnhealthy OnUnhealthy = ""     // it is stopped, and that is a failure: the policy says what follows
	LogUnhealthy     OnUnhealthy = "log"  // it is said, nothing else
	StopUnhealthy    OnUnhealthy = "stop" // it is stopped, has failed, and stays down
)

// Overlap says how a new instance follows an old one at a reload.
type Overlap string

const (
	AtOnce     Overlap = ""            // the old is told to go and the new is started in the same moment, as HAProxy does (H-6.4)
	StopFirst  Overlap = "stop-first"  // the old is stopped, then the new is started
	StartFirst Overlap = "start-first" // the old is told to go when the new is ready; if that never comes, the old stays
)

// Socket is a listening socket that mwlua opens and passes on, as systemd does (sd_listen_fds(3)).
type Socket struct {
	Name    string // in LISTEN_FDNAMES: 1 to 255 printable characters without a colon
	Address string // tcp://HOST:PORT or unix:///PATH
}

// Kill says what must have ended before an instance counts as stopped.
type Kill string

const (
	KillProcess Kill = ""      // the process that was started
	KillGroup   Kill = "group" // everything in its process group
	KillUnit    Kill = "unit"  // it and all its descendants
)

// Group says to which process group and session an instance belongs.
type Group string

const (
	OwnGroup   Group = ""        // a process group of its own
	OwnSession Group = "session" // a session of its own, without a terminal
	NoGroup    Group = "none"    // mwlua's own group
)

// Run says which loads run a one-shot. A new one is always run, but for RunManual.
type Run string

const (
	RunBoot   Run = ""       // the first load
	RunReload Run = "reload" // every load
	RunChange Run = "change" // the first one, and every one that changed its declaration
	RunManual Run = "manual" // none
)

// CronOverlap says what a tick does while the run before still goes on.
type CronOverlap string

const (
	CronSkip  CronOverlap = ""      // nothing
	CronQueue CronOverlap = "queue" // one more run follows at once when it ends
	CronKill  CronOverlap = "kill"  // it is stopped, then the next run starts
	CronAllow CronOverlap = "allow" // the next run starts beside it
)

// Number is how many instances s declares: at least one.
func (s Spec) Number() int { return max(s.Instances, 1) }

// Expanded is c with one Spec for each instance, Slot from 0 up. A configuration in which nothing is declared more than once in
// this way is returned as it is; one that is expanded already must not be expanded again.
func (c Config) Expanded() Config {
	n := 0
	for i := range c.Programs {
		n += c.Programs[i].Number()
	}
	if n == len(c.Programs) {
		return c
	}
	all := make([]Spec, 0, n)
	for _, s := range c.Programs {
		for slot := range s.Number() {
			s.Slot = slot
			all = append(all, s)
		}
	}
	c.Programs = all
	return c
}
