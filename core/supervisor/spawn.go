package supervisor

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/internal/proc"
	"github.com/mwlua/mwlua/core/internal/pump"
	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
)

// spawnAll starts the instances of the actions that begin with a Spawn, and returns the others. One thread starts all but those that are
// to get a signal when mwlua dies.
func (s *supervisor) spawnAll(actions []machine.Action) (others []machine.Action) {
	var spawns []machine.Spawn
	for _, a := range actions {
		spawn, ok := a.(machine.Spawn)
		if !ok || spawn.Spec.OnMasterDeath != 0 {
			break
		}
		spawns = append(spawns, spawn)
	}
	if len(spawns) > 0 {
		s.nursery.Do(func() {
			for _, a := range spawns {
				s.queue = append(s.queue, s.spawn(a))
			}
		})
	}
	return actions[len(spawns):]
}

// spawn starts an instance, and returns what came of it.
func (s *supervisor) spawn(a machine.Spawn) machine.Event {
	b := birth{instance: newInstance(a.ID)}
	c, err := s.prepare(a, &b)
	pid := 0
	if err == nil {
		pid, err = proc.Start(c)
	}
	closeAll(b.theirs)
	if err != nil {
		s.abandon(&b)
		return spawnFailed(a.ID, err)
	}
	s.owners[pid] = a.ID
	if b.isMore(a.Spec) {
		s.keep(b.instance, pid, a.Spec, b.own[0])
	}
	for _, pipe := range b.pipes {
		s.pumpOutput(a.ID, pipe, pump.State{Pattern: a.Spec.Ready.Pattern})
	}
	return machine.Spawned{ID: a.ID, PID: pid}
}

// birth is what a spawn under way has opened.
type birth struct {
	*instance
	own    []string    // variables that are meant for it; the first is that of no other
	theirs []int       // descriptors that are the program's once it was started
	pipes  []pump.Pipe // for what it writes
}

// isMore reports whether the instance is more than a process.
func (b *birth) isMore(s program.Spec) bool {
	return b.notify != none || b.ready != none || s.Kill != program.KillProcess || b.unit.CGroup != ""
}

// failedStep is a step of a spawn that failed before proc came to it.
type failedStep struct{ step, text string }

func (f *failedStep) Error() string { return f.text }

// spawnFailed is what the machine hears of an error.
func spawnFailed(id machine.ID, err error) machine.Event {
	var step *failedStep
	var start *proc.StartError
	switch {
	case errors.As(err, &step):
		return machine.SpawnFailed{ID: id, Step: step.step, Text: step.text}
	case errors.As(err, &start):
		return machine.SpawnFailed{ID: id, Step: start.Step, Text: start.Error()}
	}
	return machine.SpawnFailed{ID: id, Step: "fork", Text: err.Error()}
}

// prepare opens what an instance is to have, and returns what it is to proc.
func (s *supervisor) prepare(a machine.Spawn, b *birth) (proc.Command, error) {
	b.own = variables(a.ID)
	if wantsNotify(a.Spec) || a.Spec.Kill != program.KillProcess {
		s.adopt()
	}
	if err := b.openNotify(a.Spec); err != nil {
		return proc.Command{}, err
	}
	spec, c, err := command(a.Spec, a.Env, b.own)
	if err != nil {
		return c, err
	}
	if a.Spec.Watchdog > 0 {
		c.Env = without(c.Env, "WATCHDOG_PID") // of mwlua's own watchdog; without one, it is that of whoever asks (sd_watchdog_enabled(3))
	}
	for _, step := range []func(program.Spec, *proc.Command) error{s.passSockets, b.openReady, b.openOutput} {
		if err := step(spec, &c); err != nil {
			return c, err
		}
	}
	s.makeCGroup(spec, b, &c)
	return c, nil
}

// abandon closes what was opened for an instance that was not started.
func (s *supervisor) abandon(b *birth) {
	s.closeInstance(b.instance)
	for _, p := range b.pipes {
		unix.Close(p.In)
		if p.Out > 2 {
			unix.Close(p.Out)
		}
	}
	if b.unit.CGroup != "" {
		s.forget(b.instance)
	}
}

func closeAll(fds []int) {
	for _, fd := range fds {
		unix.Close(fd)
	}
}

// variables are what an instance is told of itself.
func variables(id machine.ID) []string {
	return []string{"MWLUA_INSTANCE=" + id.String(), "MWLUA_PROGRAM=" + id.Program, "MWLUA_SEQ=" + strconv.FormatUint(id.Seq, 10)}
}

// without is env without a variable.
func without(env []string, name string) []string {
	return slices.DeleteFunc(env, func(kv string) bool { return strings.HasPrefix(kv, name+"=") })
}

func (b *birth) openNotify(s program.Spec) error {
	if !wantsNotify(s) {
		return nil
	}
	fd, address, err := openNotify()
	if err != nil {
		return &failedStep{"notify", err.Error()}
	}
	b.notify, b.own = fd, append(b.own, notifyVariables(address, s)...)
	return nil
}

// openReady makes the pipe to which the program says that it is ready.
func (b *birth) openReady(s program.Spec, c *proc.Command) error {
	if s.Ready.By != program.ReadyFD {
		return nil
	}
	read, write, err := b.pipe()
	if err != nil {
		return &failedStep{"ready", err.Error()}
	}
	if err := unix.SetNonblock(read, true); err != nil {
		unix.Close(read)
		return &failedStep{"ready", err.Error()}
	}
	b.ready = read
	c.Extra = append(c.Extra, proc.Extra{At: s.Ready.FD, FD: uintptr(write)})
	return nil
}

// pipe makes one to whose other end the program writes.
func (b *birth) pipe() (read, write int, err error) {
	p := make([]int, 2)
	if err := unix.Pipe2(p, unix.O_CLOEXEC); err != nil {
		return none, none, err
	}
	b.theirs = append(b.theirs, p[1])
	return p[0], p[1], nil
}

// openOutput puts pipes before where standard output and error lead: one if that is the same, so that lines stay in order.
func (b *birth) openOutput(s program.Spec, c *proc.Command) error {
	if s.Ready.By != program.ReadyLog {
		return nil
	}
	c.Files = []uintptr{0, 0, 0}
	out, errs := c.Stdio[1], c.Stdio[2]
	write, err := b.openPump(1, out)
	if err != nil {
		return err
	}
	c.Files[1], c.Files[2] = uintptr(write), uintptr(write)
	if out != errs || out == "" && !sameFile(1, 2) {
		if write, err = b.openPump(2, errs); err != nil {
			return err
		}
		c.Files[2] = uintptr(write)
	}
	c.Stdio[1], c.Stdio[2] = "", ""
	return nil
}

// openPump makes a pipe to where a stream leads.
func (b *birth) openPump(stream int, path string) (write int, err error) {
	to, err := drain(stream, path)
	if err != nil {
		return none, err
	}
	read, write, err := b.pipe()
	if err != nil {
		if to > 2 {
			unix.Close(to)
		}
		return none, &failedStep{"ready", err.Error()}
	}
	b.pipes = append(b.pipes, pump.Pipe{In: read, Out: to})
	return write, nil
}

// command is what a declaration is to proc, for an instance that has these variables of its own. The error says what of it cannot be
// expanded.
func command(declared program.Spec, env, own []string) (program.Spec, proc.Command, error) {
	spec, env, err := program.Config{Env: env}.Instance(declared, declared.Slot, own)
	if err != nil {
		return spec, proc.Command{}, &failedStep{"expand", err.Error()}
	}
	c := proc.Command{
		Argv: spec.Command, Env: env, Dir: spec.Dir,
		Stdio: [3]string{streamPath(spec.Stdin), streamPath(spec.Stdout), streamPath(spec.Stderr)},
		Umask: spec.Umask, Nice: spec.Nice, OOMScoreAdj: spec.OOMScoreAdj, NoNewPrivs: spec.NoNewPrivs, Chroot: spec.Chroot,
		Group: spec.Group, Deathsig: spec.OnMasterDeath, Capabilities: capabilities(spec.Capabilities),
	}
	for _, l := range spec.Limits {
		c.Limits = append(c.Limits, proc.Limit(l))
	}
	if u := spec.User; u != nil {
		c.User = &proc.Identity{UID: u.UID, GID: u.GID, Groups: u.Groups}
	}
	return spec, c, nil
}

// capabilities are the numbers of capabilities; nil is another thing than none. Names were checked when they were declared.
func capabilities(names []string) []uint {
	if names == nil {
		return nil
	}
	numbers := []uint{}
	for _, name := range names {
		if i := slices.Index(program.CapabilityNames(), name); i >= 0 {
			numbers = append(numbers, uint(i))
		}
	}
	return numbers
}

// streamPath is the file that a stream of a declaration leads to; "" means where mwlua's own does.
func streamPath(stream string) string {
	if stream == "null" {
		return "/dev/null"
	}
	return strings.TrimPrefix(stream, "file:")
}
