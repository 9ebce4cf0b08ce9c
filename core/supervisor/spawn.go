package supervisor

import (
	"errors"
	"strconv"
	"strings"

	"github.com/mwlua/mwlua/core/internal/proc"
	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
)

// spawn starts an instance, and returns what came of it.
func (s *supervisor) spawn(a machine.Spawn) machine.Event {
	c, err := command(a)
	if err != nil {
		return machine.SpawnFailed{ID: a.ID, Step: "expand", Text: err.Error()}
	}
	pid, err := proc.Start(c)
	var failed *proc.StartError
	if errors.As(err, &failed) {
		return machine.SpawnFailed{ID: a.ID, Step: failed.Step, Text: failed.Error()}
	}
	s.owners[pid] = a.ID
	return machine.Spawned{ID: a.ID, PID: pid}
}

// command is what an instance is to proc. The error says what of its declaration cannot be expanded.
func command(a machine.Spawn) (proc.Command, error) {
	own := []string{"MWLUA_PROGRAM=" + a.ID.Program, "MWLUA_INSTANCE=" + a.ID.String(), "MWLUA_SEQ=" + strconv.FormatUint(a.ID.Seq, 10)}
	spec, env, err := program.Config{Env: a.Env}.Instance(a.Spec, 0, own)
	if err != nil {
		return proc.Command{}, err
	}
	c := proc.Command{
		Argv: spec.Command, Env: env, Dir: spec.Dir,
		Stdio: [3]string{streamPath(spec.Stdin), streamPath(spec.Stdout), streamPath(spec.Stderr)},
		Umask: spec.Umask,
	}
	for _, l := range spec.Limits {
		c.Limits = append(c.Limits, proc.Limit(l))
	}
	if u := spec.User; u != nil {
		c.User = &proc.Identity{UID: u.UID, GID: u.GID, Groups: u.Groups}
	}
	return c, nil
}

// streamPath is the file that a stream of a declaration leads to; "" means where mwlua's own does.
func streamPath(stream string) string {
	if stream == "null" {
		return "/dev/null"
	}
	return strings.TrimPrefix(stream, "file:")
}
