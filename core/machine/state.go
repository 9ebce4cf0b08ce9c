package machine

import (
	"fmt"
	"slices"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
)

// StateVersion is the version of State. A reader takes its own version only.
const StateVersion = 1

// State is all that a Machine knows, as plain data: it can be sent through JSON at any step without changing what follows.
type State struct {
	Version    int
	Seed       uint64         // of the jitter
	Generation uint64         // the number of the last successful load; 0 before the first
	Config     program.Config // of that load
	Reload     Reload
	Stop       Stop
	Failures   int       `json:",omitempty"` // failed loads since the last good one
	Status     int       // what mwlua leaves with, if nothing else happens: the first Verdict.ExitCode that is not 0
	Programs   []Program // in the order of Config, then removed ones that still have instances
}

// Reload is the progress of a load. One runs at a time; Again says that one more was asked for meanwhile.
type Reload struct {
	N       uint64 // counts the attempts; every answer carries it
	Step    ReloadStep
	By      string `json:",omitempty"` // who asked
	Again   bool   `json:",omitempty"` // one more was asked for meanwhile
	AgainBy string `json:",omitempty"` // by whom, the last time
	Hard    bool   `json:",omitempty"` // what goes gets SIGTERM instead of its reload signal
	// Waiting are those who wait for the end of this load, AgainWaiting for that of the one that follows, which is hard
	// if AgainHard says so.
	Waiting      []uint64 `json:",omitempty"`
	AgainWaiting []uint64 `json:",omitempty"`
	AgainHard    bool     `json:",omitempty"`
	Deadline     Instant  `json:",omitempty"` // when the trial, the load, or waiting for answers is given up
	// In step Asking: the configuration that was loaded, and the programs whose answer is missing.
	Pending *program.Config `json:",omitempty"`
	Asked   []ID            `json:",omitempty"`
	Changes []Change        `json:",omitempty"` // in step Starting: the plan, if somebody waits for it
	Left    int             `json:",omitempty"` // in step Starting: programs that this load starts and that have no answer yet
	Broken  []string        `json:",omitempty"` // in step Starting: what it could not do, a line each
}

// ReloadStep is how far a load got.
type ReloadStep string

const (
	Idle     ReloadStep = ""
	Trying   ReloadStep = "trial"    // the next image tries the configuration and the state
	Settling ReloadStep = "settling" // the trial passed; spawns that are under way must be answered before the hand-over
	Handing  ReloadStep = "handover" // execve is under way, or happened and the new image has not booted yet
	Loading  ReloadStep = "loading"  // this image reads the configuration
	Asking   ReloadStep = "asking"   // programs that reload themselves were asked to
	Starting ReloadStep = "starting" // the plan is being carried out
)

// holds says that nothing may be spawned in this step, because the state, or the configuration, is about to be replaced.
func (s ReloadStep) holds() bool { return s == Settling || s == Handing || s == Loading || s == Asking }

// Stop is the end of the supervisor's life, once begun. It never ends but by Quit.
type Stop struct {
	Verb     Verb    `json:",omitempty"` // StopAll or SoftStop; "" means not stopping
	Signal   int     `json:",omitempty"` // sent to programs without a stop signal of their own
	Done     bool    `json:",omitempty"` // Quit was said: nothing follows
	Deadline Instant `json:",omitempty"` // when all that is left is killed; 0 means never
	// Asked are those that were reloading themselves when the stop came, and did not say yet how that ended.
	Asked []ID `json:",omitempty"`
	// Orphans says that Quit was said with programs that run on.
	Orphans bool `json:",omitempty"`
}

// Phase is what a program is doing.
type Phase string

const (
	Down      Phase = "down"      // no current instance and none wanted: it ended well, was stopped, or was never started
	Failed    Phase = "failed"    // no current instance and none wanted: it failed
	Waiting   Phase = "waiting"   // it is started at Program.StartAt
	Blocked   Phase = "blocked"   // it is started when what it waits for is ready
	Running   Phase = "running"   // it has a current instance
	Deciding  Phase = "deciding"  // its instance has ended, and a function or a plugin is asked what follows
	Done      Phase = "done"      // a one-shot that has succeeded
	Scheduled Phase = "scheduled" // a cron that is started at Program.TickAt
	Removed   Phase = "removed"   // no longer declared; it is forgotten once its former instances are gone
)

// Program is what is known of one program beside its Spec.
type Program struct {
	Name      string
	Slot      int `json:",omitempty"` // which one of its instances this is, from 0
	Phase     Phase
	StartAt   Instant   `json:",omitempty"` // in phase Waiting
	Starting  bool      `json:",omitempty"` // the load under way starts it, and has no answer yet
	Seq       uint64    `json:",omitempty"` // of the newest instance
	Failures  int       `json:",omitempty"` // in a row
	Restarts  []Instant `json:",omitempty"` // the last ones, oldest first, as many as the policy's limit needs
	Current   uint64    `json:",omitempty"` // the Seq of the current instance; 0 means none
	Held      bool      `json:",omitempty"` // stopped by hand: it stays down until it is started by hand
	Again     bool      `json:",omitempty"` // its current instance was stopped to be replaced by another
	Askers    []Asker   `json:",omitempty"` // who wait, in the order in which they asked
	LastStart Instant   `json:",omitempty"` // of the newest instance
	Next      uint64    `json:",omitempty"` // the Seq of the one that follows the current one once it is ready; 0 means none
	Await     bool      `json:",omitempty"` // its replacement, which is to be ready first, waits for others
	Roll      bool      `json:",omitempty"` // its instance is replaced when that of the slot before is done
	Stale     bool      `json:",omitempty"` // its instance was to be replaced, which failed
	// While it is asked what follows an end, in phase Deciding; and what is kept for those who are asked.
	Deciding *Decision     `json:",omitempty"`
	Asked    uint64        `json:",omitempty"` // counts the questions; every answer carries it
	History  []policy.Past `json:",omitempty"` // newest first
	Store    []byte        `json:",omitempty"` // what the functions of this program have left
	Blobs    []Blob        `json:",omitempty"` // what plugins have
	// Of a cron: when it is due next, and what is known of that.
	TickAt   Instant `json:",omitempty"`
	TickWall int64   `json:",omitempty"` // the same, without the jitter, in nanoseconds since 1970
	TickN    uint64  `json:",omitempty"` // of the last NextTick
	Clock    string  `json:",omitempty"` // the schedule and the zone that it was asked for
	Queued   bool    `json:",omitempty"` // one more run follows the one that goes on
	Last     Ending  `json:",omitzero"`  // of the newest instance that has ended
	// Instances holds the current one and the former ones, oldest first.
	Instances []Instance `json:",omitempty"`
}

// underWay says that a load waits for p: it is counted in Reload.Left. Nobody waits for what others keep from being started.
func (p *Program) underWay() bool { return p.Starting && !p.Roll && !p.Await && p.Phase != Blocked }

// id names an instance of p.
func (p *Program) id(seq uint64) ID { return ID{Program: p.Name, Slot: p.Slot, Seq: seq} }

// Ending is how an instance ended.
type Ending struct {
	Seq          uint64 // 0 means that none has ended
	Code, Signal int    // as in policy.Exit
	At           Instant
}

// Status is the ending as a shell reports it.
func (e Ending) Status() int { return policy.Exit{Code: e.Code, Signal: e.Signal}.Status() }

// Decision is a question under way: what follows an end.
type Decision struct {
	Seq      uint64 // of the instance that has ended
	Exit     policy.Exit
	PID      int             `json:",omitempty"`
	Failed   bool            `json:",omitempty"` // the instance did not start
	Text     string          `json:",omitempty"` // why not
	At       int             // which of Spec.OnExit is asked
	By       program.Decider // that one, as it was declared then
	Deadline Instant         // when its answer is given up
}

// Blob is what a plugin has left for a program with its last verdict.
type Blob struct {
	Plugin string
	Data   []byte
}

// Check returns the first invariant that does not hold, for tests, simulation and fuzzing; nil means all is well.
func (m *Machine) Check() error {
	s := &m.s
	seen := make(map[key]bool, len(s.Programs))
	left, spawning, alive := 0, 0, 0
	for i := range s.Programs {
		p := &s.Programs[i]
		if seen[key{p.Name, p.Slot}] {
			return fmt.Errorf("program %q is there twice", slotName(p.Name, p.Slot))
		}
		seen[key{p.Name, p.Slot}] = true
		if m.place(p) != i {
			return fmt.Errorf("program %q: the index says place %d, it is in %d", slotName(p.Name, p.Slot), m.place(p), i)
		}
		alive += len(p.Instances)
		if err := p.check(i < len(s.Config.Programs), s.Stop.Verb != ""); err != nil {
			return fmt.Errorf("program %q: %w", p.Name, err)
		}
		if i < len(s.Config.Programs) && (s.Config.Programs[i].Name != p.Name || s.Config.Programs[i].Slot != p.Slot) {
			return fmt.Errorf("place %d is program %q, declared is %q", i, p.Name, s.Config.Programs[i].Name)
		}
		if kind := s.kind(i); p.Phase == Scheduled && kind != program.Cron || p.Phase == Done && kind != program.OneShot {
			return fmt.Errorf("program %q is %s, and of kind %q", p.Name, p.Phase, kind)
		}
		if s.Stop.Verb != "" && (p.StartAt != 0 || p.TickAt != 0 || p.Phase == Blocked || p.Phase == Scheduled || p.Starting) {
			return fmt.Errorf("program %q would start while mwlua stops", p.Name)
		}
		if p.underWay() {
			left++
		}
		if p.Starting && s.Reload.Step != Starting {
			return fmt.Errorf("program %q is starting in reload step %q", p.Name, s.Reload.Step)
		}
		for _, in := range p.Instances {
			if in.Step == Spawning {
				spawning++
			}
		}
	}
	switch {
	case s.Generation == 0 && (len(s.Programs) > 0 || s.Reload.Step != Idle && s.Reload.Step != Loading):
		return fmt.Errorf("%d programs and reload step %q before the first load", len(s.Programs), s.Reload.Step)
	case len(s.Programs) < len(s.Config.Programs):
		return fmt.Errorf("%d programs declared, %d known", len(s.Config.Programs), len(s.Programs))
	case left != s.Reload.Left:
		return fmt.Errorf("%d programs are starting, reload says %d", left, s.Reload.Left)
	case (left > 0) != (s.Reload.Step == Starting):
		return fmt.Errorf("%d programs are starting in reload step %q", left, s.Reload.Step)
	case spawning != m.spawning:
		return fmt.Errorf("%d instances are spawning, the count says %d", spawning, m.spawning)
	case alive != m.alive:
		return fmt.Errorf("%d instances are there, the count says %d", alive, m.alive)
	case spawning > 0 && (s.Reload.Step == Handing || s.Reload.Step == Loading):
		return fmt.Errorf("%d instances are spawning in reload step %q", spawning, s.Reload.Step)
	case s.Stop.Deadline != 0 && s.Stop.Verb == "":
		return fmt.Errorf("a deadline of a stop, and mwlua does not stop")
	case s.Stop.Done && alive > 0 && !s.Stop.Orphans:
		return fmt.Errorf("%d instances are left after the end", alive)
	case s.Stop.Verb != "" && s.Reload.Step != Idle:
		return fmt.Errorf("a reload is in step %q while mwlua stops", s.Reload.Step)
	}
	return s.Reload.check()
}

// kind is that of the program at a place.
func (s *State) kind(place int) program.Kind {
	if place >= len(s.Config.Programs) {
		return program.Service
	}
	return s.Config.Programs[place].Kind
}

func (r *Reload) check() error {
	switch {
	case !slices.Contains([]ReloadStep{Idle, Trying, Settling, Handing, Loading, Asking, Starting}, r.Step):
		return fmt.Errorf("unknown reload step %q", r.Step)
	case (r.Deadline != 0) != (r.Step == Trying || r.Step == Loading || r.Step == Asking):
		return fmt.Errorf("reload step %q with deadline %d", r.Step, r.Deadline)
	case r.Again && r.Step == Idle:
		return fmt.Errorf("a reload is queued and none runs")
	case len(r.Broken) > 0 && r.Step != Starting:
		return fmt.Errorf("a load that does not run could not do something")
	case len(r.Waiting) > 0 && r.Step == Idle, len(r.AgainWaiting) > 0 && !r.Again:
		return fmt.Errorf("somebody waits for a load that does not run")
	case (len(r.Asked) > 0) != (r.Step == Asking), (r.Pending != nil) != (r.Step == Asking):
		return fmt.Errorf("%d programs are asked in reload step %q", len(r.Asked), r.Step)
	}
	return nil
}

func (p *Program) check(declared, stopping bool) error {
	switch {
	case !slices.Contains([]Phase{Down, Failed, Waiting, Blocked, Running, Deciding, Done, Scheduled, Removed}, p.Phase):
		return fmt.Errorf("unknown phase %q", p.Phase)
	case declared == (p.Phase == Removed):
		return fmt.Errorf("declared is %v in phase %s", declared, p.Phase)
	case (p.Phase == Running) != (p.Current != 0):
		return fmt.Errorf("phase %s with current instance %d", p.Phase, p.Current)
	case (p.Phase == Deciding) != (p.Deciding != nil):
		return fmt.Errorf("phase %s, and a question is under way is %v", p.Phase, p.Deciding != nil)
	case p.Phase == Waiting && p.StartAt == 0, p.Phase != Waiting && p.Phase != Running && p.StartAt != 0:
		return fmt.Errorf("phase %s with a start at %d", p.Phase, p.StartAt)
	case p.Next != 0 && (p.Current == 0 || p.find(p.Next) == nil || p.Next == p.Current || p.StartAt != 0):
		return fmt.Errorf("instance %d is to follow %d", p.Next, p.Current)
	case (p.Roll || p.Await) && (!p.Starting || p.Next != 0 || p.Current == 0):
		return fmt.Errorf("its replacement waits, and nobody waits for it")
	case p.Current != 0 && p.find(p.Current) == nil:
		return fmt.Errorf("current instance %d is not there", p.Current)
	case p.Again && (p.Current == 0 || p.find(p.Current).Cause != ByRequest && p.find(p.Current).Cause != ByReplace):
		return fmt.Errorf("it is to run again, and was not stopped")
	case p.Held && (p.StartAt != 0 || p.TickAt != 0 || p.Phase == Blocked || p.Phase == Scheduled || p.Again):
		return fmt.Errorf("it was stopped by hand, and is to start")
	case len(p.Askers) > 0 && stopping:
		return fmt.Errorf("somebody waits for it while mwlua stops")
	case !slices.IsSortedFunc(p.Instances, func(a, b Instance) int { return int(a.Seq) - int(b.Seq) }):
		return fmt.Errorf("instances are not in order")
	}
	for _, in := range p.Instances {
		if err := in.check(p.counts(in.Seq), stopping, p.Seq); err != nil {
			return fmt.Errorf("instance %d: %w", in.Seq, err)
		}
	}
	return nil
}

// find returns the instance with that number, nil if there is none. The pointer is good until Instances changes.
func (p *Program) find(seq uint64) *Instance {
	for i := range p.Instances {
		if p.Instances[i].Seq == seq {
			return &p.Instances[i]
		}
	}
	return nil
}
