// Package program is the declaration of programs: what a load of the configuration yields, as plain data.
//
// It is pure and has no behaviour beyond checking and comparing declarations. Loaders (compat/haproxycfg, lua) make a
// Config; core/machine decides what to do with it; core/supervisor runs it.
package program

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mwlua/mwlua/core/policy"
)

// Config is all that one load yields. Programs are in file order, and that is the order of every action on them.
type Config struct {
	Programs []Spec
	Env      []string // NAME=VALUE: the environment of every program, before Spec.Env; nil means an empty one
	Pidfile  string   `json:",omitempty"` // absolute; "" means none
	Quiet    bool     `json:",omitempty"` // nothing is to be said, by mwlua and by the programs
	// ReloadTimeout bounds the trial and the load of the next reload, each; 0 means 10 s.
	ReloadTimeout time.Duration `json:",omitempty"`
	Settings      Settings      `json:",omitzero"`
	Plugins       []Plugin      `json:",omitempty"` // in file order
	Hooks         []Hook        `json:",omitempty"` // in file order
	// Sources are the files of a configuration in Lua that has handlers, the main one first.
	Sources []Source `json:",omitempty"`
}

// Reload says what a reload does to a running program that is still declared.
type Reload string

const (
	// Replace signals the running instance with ReloadSignal and starts a new one beside it, as HAProxy does (H-6.4).
	Replace Reload = "replace"
	// IfChanged is Replace when the declaration changed, and Keep without a signal when it did not.
	IfChanged Reload = "if-changed"
	// Keep keeps the instance, sending it ReloadSignal if that is not 0; a changed declaration counts from the next start.
	Keep Reload = "keep"
	// Itself keeps the instance and has it read its own configuration again, before any other program is touched; if it cannot,
	// the reload has failed, and nothing changes; a changed declaration counts from its next start. A load that starts one waits
	// until it serves. HAProxy is such a program.
	Itself Reload = "itself"
)

// MaxPrograms bounds the programs of one Config.
const MaxPrograms = 100_000

// Spec declares one program.
type Spec struct {
	Name    string // unique in its Config; any bytes but NUL
	Place   Place
	Command []string // argv; the first word is looked up in PATH of the program's own environment (H-5.11)
	Dir     string   `json:",omitempty"` // absolute; "" means mwlua's own
	Env     []string `json:",omitempty"` // NAME=VALUE, over Config.Env
	// WholeEnv says that Env is the whole environment: Config.Env does not count.
	WholeEnv bool        `json:",omitempty"`
	User     *Credential `json:",omitempty"` // nil means mwlua's own

	Description string   `json:",omitempty"` // for the operator; means nothing to mwlua
	Labels      []string `json:",omitempty"` // NAME=VALUE, sorted; mean nothing to mwlua
	Umask       *uint32  `json:",omitempty"` // 0 to 0777; nil means mwlua's own
	Limits      []Limit  `json:",omitempty"` // sorted by name; a limit that is not named is mwlua's own
	// Stdin, Stdout and Stderr say where the descriptors 0 to 2 lead: "null", "file:" and an absolute path (output is appended,
	// the file is made with mode 0640 if there is none), or "", which means where mwlua's own lead.
	Stdin, Stdout, Stderr string `json:",omitempty"`
	// Expand says that Command, Dir, the values of Env, Stdout, Stderr, StopCommand, and the texts of the probes of Ready and Health are
	// expanded for each instance: see the function Expand.
	Expand bool `json:",omitempty"`
	// NoAutostart leaves the program down at the first load, and at the reload that adds it, until somebody starts it.
	NoAutostart bool `json:",omitempty"`
	// Critical programs end mwlua when they have failed for good, with their status; see Settings.ExitWhen.
	Critical bool `json:",omitempty"`

	Kind Kind `json:",omitempty"`
	// Instances is how many run beside each other; 0 means 1. Slot is which one of them this is, from 0: Expanded sets it.
	Instances int `json:",omitempty"`
	Slot      int `json:",omitempty"`
	// After are the programs that must be ready, or, one-shots, have succeeded, before this one is started; at a stop they go after
	// it. Needs are the same, and this one is stopped when one of them ends. Names of this configuration, without cycles.
	After []string `json:",omitempty"`
	Needs []string `json:",omitempty"`
	Ready Ready    `json:",omitzero"`
	// Health is nil when nobody asks. Watchdog is how often an instance must say WATCHDOG=1 (sd_notify(3)) once it is ready; 0 means
	// that it need not.
	Health   *Health       `json:",omitempty"`
	Watchdog time.Duration `json:",omitempty"`
	Overlap  Overlap       `json:",omitempty"`
	Sockets  []Socket      `json:",omitempty"` // sorted by name; passed from descriptor 3 up in this order, to every instance

	Nice          *int     `json:",omitempty"` // -20 to 19; nil means mwlua's own
	OOMScoreAdj   *int     `json:",omitempty"` // -1000 to 1000; nil means mwlua's own
	NoNewPrivs    bool     `json:",omitempty"` // prctl(2), PR_SET_NO_NEW_PRIVS
	Capabilities  []string `json:",omitzero"`  // the only ones it may have, as "cap_net_bind_service", sorted; nil means as its user has them, empty none
	Chroot        string   `json:",omitempty"` // absolute; "" means none
	Group         Group    `json:",omitempty"`
	OnMasterDeath int      `json:",omitempty"` // the signal it gets when mwlua dies (PR_SET_PDEATHSIG); 0 means none
	CGroup        bool     `json:",omitempty"` // each instance gets a control group of its own, where one can be made

	// Timeout is how long a one-shot or a run of a cron may take; 0 means for ever.
	Timeout time.Duration `json:",omitempty"`
	Run     Run           `json:",omitempty"` // of a one-shot
	// IgnoreFailure makes the final failure of a one-shot as good as its success to those that wait for it.
	IgnoreFailure bool `json:",omitempty"`
	// Schedule is when a cron is started: five fields, a name such as @hourly, or "@every 15m". Zone is its time zone, as in the tz
	// database; "" means mwlua's own. Jitter is the longest time by which a start is put off, the same each time for a tick.
	Schedule    string        `json:",omitempty"`
	Zone        string        `json:",omitempty"`
	CronOverlap CronOverlap   `json:",omitempty"`
	Jitter      time.Duration `json:",omitempty"`
	CatchUp     bool          `json:",omitempty"` // run once for ticks that a jump of the clock has left out

	// OnExit are asked what follows an exit, in this order, until one says something else than policy.Default; then Exit counts.
	OnExit []Decider `json:",omitempty"`
	// OnStart and OnStop are handlers that are called when an instance was started, and when it has ended for whatever reason.
	OnStart string `json:",omitempty"`
	OnStop  string `json:",omitempty"`

	// StopCommand is run to stop an instance, instead of a signal; if it fails, the signal is sent. nil means none.
	StopCommand []string `json:",omitempty"`
	Kill        Kill     `json:",omitempty"`
	// StopSignal is how an instance is asked to go at a stop. 0 means the signal that asked mwlua itself to stop, SIGTERM or
	// SIGINT (H-6.18, H-6.19), and SIGTERM for a stop that no signal asked for.
	StopSignal  int
	StopTimeout time.Duration // from the stop signal to SIGKILL; 0 means never

	OnReload     Reload
	ReloadSignal int // how an instance is told of a reload; 0 means not at all
	// NoStartOnReload never starts the program at a reload: not a new one beside the old, not one that is down, not one that
	// the reload added (H-6.9). Only the first load starts it.
	NoStartOnReload bool          `json:",omitempty"`
	MaxFormer       int           `json:",omitempty"` // former instances beyond this many are stopped at a load, oldest first; 0 means no limit
	FormerTimeout   time.Duration `json:",omitempty"` // from a former one's first reload signal to its stop signal; 0 means never
	// AnswerTimeout is how long a program that reloads itself may take for that; 0 means 10 s.
	AnswerTimeout time.Duration `json:",omitempty"`

	Exit policy.Policy
}

// Credential is the identity a program runs with.
type Credential struct {
	UID, GID uint32
	Groups   []uint32 // supplementary; empty means none
}

// Environ is the environment that spec gets: c.Env, unless spec has a whole one, then spec.Env, a later entry replacing an
// earlier one of its name.
func (c Config) Environ(spec Spec) []string {
	var env []string
	if !spec.WholeEnv {
		env = slices.Clone(c.Env)
	}
	for _, kv := range spec.Env {
		env = Setenv(env, kv)
	}
	return env
}

// Setenv adds kv ("NAME=VALUE") to env, in the place of an entry of the same name.
func Setenv(env []string, kv string) []string {
	name, _, _ := strings.Cut(kv, "=")
	i := slices.IndexFunc(env, func(e string) bool {
		return len(e) > len(name) && e[len(name)] == '=' && e[:len(name)] == name
	})
	if i < 0 {
		return append(env, kv)
	}
	env[i] = kv
	return env
}

// Changes names the fields of s that an instance of t does not have and would get from a restart; nil when there are none.
// What counts from now on without one (how it is stopped, what follows its exit) is no change, nor is its place.
func (s Spec) Changes(t Spec) []string {
	var names []string
	add := func(changed bool, name string) {
		if changed {
			names = append(names, name)
		}
	}
	add(!slices.Equal(s.Command, t.Command), "command")
	add(s.Dir != t.Dir, "dir")
	add(!slices.Equal(s.Env, t.Env) || s.WholeEnv != t.WholeEnv, "env")
	add(!s.User.equal(t.User), "user")
	add(!equal(s.Umask, t.Umask), "umask")
	add(!slices.Equal(s.Limits, t.Limits), "limits")
	add(s.Stdin != t.Stdin, "stdin")
	add(s.Stdout != t.Stdout, "stdout")
	add(s.Stderr != t.Stderr, "stderr")
	add(s.Expand != t.Expand, "expand")
	add(s.Kind != t.Kind, "kind")
	add(s.Ready.inherited() != t.Ready.inherited() || s.Ready.FD != t.Ready.FD, "ready")
	add(s.Watchdog != t.Watchdog, "watchdog")
	add(!slices.Equal(s.Sockets, t.Sockets), "sockets")
	add(!equal(s.Nice, t.Nice), "nice")
	add(!equal(s.OOMScoreAdj, t.OOMScoreAdj), "oom_score_adj")
	add(s.NoNewPrivs != t.NoNewPrivs, "no_new_privs")
	add((s.Capabilities == nil) != (t.Capabilities == nil) || !slices.Equal(s.Capabilities, t.Capabilities), "capabilities")
	add(s.Chroot != t.Chroot, "chroot")
	add(s.Group != t.Group, "process_group")
	add(s.OnMasterDeath != t.OnMasterDeath, "on_master_death")
	add(s.CGroup != t.CGroup, "cgroup")
	return names
}

// inherited is By if an instance has something of it from its start: a variable, a descriptor, or an output that is looked at.
func (r Ready) inherited() ReadyBy {
	if r.By == ReadyProbe {
		return ReadyAtOnce
	}
	return r.By
}

func equal[T comparable](a, b *T) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

func (c *Credential) equal(d *Credential) bool {
	if c == nil || d == nil {
		return c == d
	}
	return c.UID == d.UID && c.GID == d.GID && slices.Equal(c.Groups, d.Groups)
}

// Validate returns what is wrong with c whatever language declared it: the last check before a config is used. Loaders
// report the same things earlier, with a better place.
func (c Config) Validate() []Problem {
	var ps []Problem
	if len(c.Programs) > MaxPrograms {
		ps = append(ps, Problem{Text: fmt.Sprintf("%d programs declared, at most %d are allowed", len(c.Programs), MaxPrograms)})
	}
	ps = append(ps, c.Settings.validate()...)
	seen := make(map[string]Place, len(c.Programs))
	for _, s := range c.Programs {
		if first, ok := seen[s.Name]; ok {
			ps = append(ps, s.problem("already declared at %v", first))
		}
		seen[s.Name] = s.Place
		ps = append(ps, s.validate()...)
	}
	return append(ps, c.validateOrder()...)
}

func (s Spec) problem(format string, args ...any) Problem {
	return Problem{Place: s.Place, Text: fmt.Sprintf("%s %q: ", cmp.Or(string(s.Kind), "program"), s.Name) + fmt.Sprintf(format, args...)}
}

func (s Spec) validate() []Problem {
	var ps []Problem
	check := func(ok bool, format string, args ...any) {
		if !ok {
			ps = append(ps, s.problem(format, args...))
		}
	}
	nul := func(list []string) bool {
		return slices.ContainsFunc(list, func(v string) bool { return strings.ContainsRune(v, 0) })
	}
	check(s.Name != "", "the name is empty")
	check(len(s.Command) > 0 && s.Command[0] != "", "command: is required")
	check(!nul(s.Command) && !nul(s.Env) && !nul([]string{s.Name, s.Dir}) && !nul(s.lifeTexts()), "a NUL byte cannot be passed to a program")
	check(s.StopSignal >= 0 && s.StopSignal < 65, "stop_signal: %d is not a signal", s.StopSignal)
	check(s.ReloadSignal >= 0 && s.ReloadSignal < 65, "reload_signal: %d is not a signal", s.ReloadSignal)
	check(s.StopTimeout >= 0 && s.FormerTimeout >= 0 && s.AnswerTimeout >= 0, "a timeout cannot be negative")
	check(s.MaxFormer >= 0, "max_former: cannot be negative")
	check(slices.Contains([]Reload{Replace, IfChanged, Keep, Itself}, s.OnReload), "on_reload: unknown value %q", s.OnReload)
	check(s.OnReload == Keep || s.ReloadSignal != 0, "reload_signal: is required to replace an instance")
	check(s.Umask == nil || *s.Umask <= 0o777, "umask: must be 0 to 0777")
	for _, text := range validateLimits(s.Limits) {
		check(false, "%s", text)
	}
	check(validStream(s.Stdin), "stdin: unknown value %q", s.Stdin)
	check(validStream(s.Stdout), "stdout: unknown value %q", s.Stdout)
	check(validStream(s.Stderr), "stderr: unknown value %q", s.Stderr)
	for _, text := range s.validateLife() {
		check(false, "%s", text)
	}
	for _, text := range s.Exit.Validate() {
		ps = append(ps, s.problem("restart.%s", text))
	}
	return ps
}

func validStream(s string) bool {
	return s == "" || s == "null" || strings.HasPrefix(s, "file:/") && !strings.ContainsRune(s, 0)
}
