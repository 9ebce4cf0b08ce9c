package plugintest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/mwlua/mwlua/core/program"
	"github.com/mwlua/mwlua/plugins/host"
)

// Check is what is checked.
type Check struct {
	Plugin    program.Plugin
	Log       func(host.Line) // what the plugin logs; nil throws it away
	Lenience  int             // how many times as long everything may take, on a busy machine; 0 means once
	processes host.Processes  // nil means host.Alone
}

// Point is one thing that is expected of a plugin.
type Point struct {
	Name string // as shutdown
	Rule string // what is expected, in one clause
	test func(context.Context, *session) error
}

// Points are all points, in the order in which they are best checked.
func Points() []Point {
	return []Point{
		{"handshake", "it says where it listens within 10 s, and answers there", handshake},
		{"stdout", "it writes nothing to its standard output but the handshake", stdoutSilent},
		{"by-hand", "started by hand, it says in a sentence what it is, and fails", byHand},
		{"describe", "it says what it is: name, version, capabilities and a JSON Schema; the same each time", describes},
		{"bad-config", "a configuration that is wrong gives problems with a path, and no end", badConfig},
		{"extremes", "any event that there can be is answered with a verdict, in time", extremes},
		{"thousand", "1,000 events, 16 at a time, are answered", thousand},
		{"unknown-fields", "fields that it does not know are ignored", unknownFields},
		{"cancelled", "after calls that were given up it answers others", cancelled},
		{"stderr-closed", "it lives on when nobody reads its log", stderrClosed},
		{"descriptors", "it does not have more and more descriptors", descriptors},
		{"SIGINT", "SIGINT does not end it", interrupted},
		{"SIGTERM", "SIGTERM ends it, with status 0", terminated},
		{"shutdown", "Shutdown ends it within 1 s", shutsDown},
		{"orphan", "it is gone 2 s after its host was killed", orphaned},
	}
}

// timeLimit bounds one point.
const timeLimit = 120 * time.Second

// Point checks one point. The error says what is wrong with the plugin.
func (c Check) Point(ctx context.Context, point Point) error {
	ctx, cancel := context.WithTimeout(ctx, timeLimit)
	defer cancel()
	dir, err := os.MkdirTemp("", "mwlua-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if c.Plugin.User != nil { // it has to reach its socket
		if err := os.Chmod(dir, 0o711); err != nil {
			return err
		}
	}
	if c.Plugin.Path, err = filepath.Abs(c.Plugin.Path); err != nil {
		return err
	}
	s := &session{Check: c, dir: dir}
	if s.processes == nil {
		s.processes = host.Alone()
	}
	if s.Log == nil {
		s.Log = func(host.Line) {}
	}
	return point.test(ctx, s)
}

// session is a place for the runs of one point.
type session struct {
	Check
	dir string
}

func (s *session) place() host.Place {
	return host.Place{Processes: s.processes, Dir: s.dir, Log: s.Log}
}

// run starts the plugin and configures it.
func (s *session) run(ctx context.Context) (*host.Run, error) {
	r, err := s.place().Start(ctx, s.Plugin)
	if err != nil {
		return nil, err
	}
	if err := r.Configure(ctx, s.Plugin.Config, nil, asker); err != nil {
		r.Stop()
		return nil, err
	}
	return r, nil
}

// limit is d, with lenience.
func (s *session) limit(d time.Duration) time.Duration { return d * time.Duration(max(s.Lenience, 1)) }

var asker = host.Asker{Version: "check", Generation: 1, Hostname: "localhost"}

// endsWithin waits for the end of a run.
func endsWithin(r *host.Run, limit time.Duration) error {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-r.Ended():
		return nil
	case <-timer.C:
		return fmt.Errorf("it runs on after %v", limit)
	}
}
