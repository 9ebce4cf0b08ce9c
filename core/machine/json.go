package machine

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/mwlua/mwlua/core/program"
)

// HAProxy takes any byte in names and arguments (H-1.4), and JSON only what is UTF-8: it would come back as something else. So
// a string that is not valid is written as rawMark and one character a byte.
const rawMark = "\ufdd0" // a noncharacter: no text begins with it

// Escape is s as JSON can hold it, whatever bytes it has; most strings are as they were. Unescape takes it back.
func Escape(s string) string {
	if utf8.ValidString(s) && !strings.HasPrefix(s, rawMark) {
		return s
	}
	runes := make([]rune, len(s))
	for i := range len(s) {
		runes[i] = rune(s[i])
	}
	return rawMark + string(runes)
}

// Unescape is what Escape has made s of.
func Unescape(s string) string {
	raw, ok := strings.CutPrefix(s, rawMark)
	if !ok {
		return s
	}
	var b strings.Builder
	for _, r := range raw {
		b.WriteByte(byte(r))
	}
	return b.String()
}

type plainState State // without the methods below

// MarshalJSON writes s so that UnmarshalJSON gives back the same bytes in every string.
func (s State) MarshalJSON() ([]byte, error) { return json.Marshal(plainState(s.mapped(Escape))) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *State) UnmarshalJSON(data []byte) error {
	var plain plainState
	decoder := json.NewDecoder(strings.NewReader(string(data)))
	decoder.DisallowUnknownFields() // what an older binary does not know it must not lose
	if err := decoder.Decode(&plain); err != nil {
		return err
	}
	*s = State(plain).mapped(Unescape)
	return nil
}

// mapped is s with f applied to every string that somebody else chose. It shares no such string with s.
func (s State) mapped(f func(string) string) State {
	s.Reload.By, s.Reload.AgainBy = f(s.Reload.By), f(s.Reload.AgainBy)
	s.Config = mapConfig(s.Config, f)
	if s.Reload.Pending != nil {
		s.Reload.Pending = new(mapConfig(*s.Reload.Pending, f))
	}
	s.Reload.Broken = mapAll(s.Reload.Broken, f)
	s.Reload.Changes = slices.Clone(s.Reload.Changes)
	for i := range s.Reload.Changes {
		c := &s.Reload.Changes[i]
		c.Name, c.Reason = f(c.Name), f(c.Reason)
	}
	s.Reload.Asked, s.Stop.Asked = mapIDs(s.Reload.Asked, f), mapIDs(s.Stop.Asked, f)
	s.Programs = slices.Clone(s.Programs)
	for i := range s.Programs {
		p := &s.Programs[i]
		p.Name, p.Clock = f(p.Name), f(p.Clock)
		mapDeciding(p, f)
		p.Instances = slices.Clone(p.Instances)
		for j := range p.Instances {
			mapInstance(&p.Instances[j], f)
		}
	}
	return s
}

func mapConfig(c program.Config, f func(string) string) program.Config {
	c.Pidfile, c.Env = f(c.Pidfile), mapAll(c.Env, f)
	mapSettings(&c.Settings, f)
	mapCode(&c, f)
	c.Programs = slices.Clone(c.Programs)
	for i := range c.Programs {
		mapSpec(&c.Programs[i], f)
	}
	return c
}

func mapIDs(ids []ID, f func(string) string) []ID {
	ids = slices.Clone(ids)
	for i := range ids {
		ids[i].Program = f(ids[i].Program)
	}
	return ids
}

func mapSpec(spec *program.Spec, f func(string) string) {
	spec.Name, spec.Dir, spec.Place.File = f(spec.Name), f(spec.Dir), f(spec.Place.File)
	spec.Command, spec.Env = mapAll(spec.Command, f), mapAll(spec.Env, f)
	spec.Description, spec.Labels = f(spec.Description), mapAll(spec.Labels, f)
	spec.Stdin, spec.Stdout, spec.Stderr = f(spec.Stdin), f(spec.Stdout), f(spec.Stderr)
	mapLife(spec, f)
	spec.Limits = slices.Clone(spec.Limits)
	for i := range spec.Limits {
		spec.Limits[i].Name = f(spec.Limits[i].Name)
	}
}

func mapInstance(in *Instance, f func(string) string) {
	in.Said.Status, in.Health.Text = f(in.Said.Status), f(in.Health.Text)
	in.Left = slices.Clone(in.Left)
	for i := range in.Left {
		in.Left[i].Name = f(in.Left[i].Name)
	}
	if in.Ended != nil {
		in.Ended = new(*in.Ended)
		in.Ended.Program = f(in.Ended.Program)
	}
}

func mapDeciding(p *Program, f func(string) string) {
	p.Blobs = slices.Clone(p.Blobs)
	for i := range p.Blobs {
		p.Blobs[i].Plugin = f(p.Blobs[i].Plugin)
	}
	if p.Deciding == nil {
		return
	}
	p.Deciding = new(*p.Deciding)
	d := p.Deciding
	d.Exit.Program, d.By.Name, d.Text = f(d.Exit.Program), f(d.By.Name), f(d.Text)
}

// mapLife is mapSpec for what belongs to the life of a program.
func mapLife(spec *program.Spec, f func(string) string) {
	spec.After, spec.Needs = mapAll(spec.After, f), mapAll(spec.Needs, f)
	spec.OnStart, spec.OnStop, spec.OnExit = f(spec.OnStart), f(spec.OnStop), slices.Clone(spec.OnExit)
	for i := range spec.OnExit {
		spec.OnExit[i].Name = f(spec.OnExit[i].Name)
	}
	spec.Ready.Pattern = f(spec.Ready.Pattern)
	mapProbe(&spec.Ready.Probe, f)
	if spec.Health != nil {
		spec.Health = new(*spec.Health)
		mapProbe(&spec.Health.Probe, f)
	}
	spec.Sockets = slices.Clone(spec.Sockets)
	for i := range spec.Sockets {
		s := &spec.Sockets[i]
		s.Name, s.Address = f(s.Name), f(s.Address)
	}
	spec.Capabilities, spec.StopCommand = mapAll(spec.Capabilities, f), mapAll(spec.StopCommand, f)
	spec.Chroot, spec.Schedule, spec.Zone = f(spec.Chroot), f(spec.Schedule), f(spec.Zone)
}

// mapCode is mapConfig for what a configuration that is code has beside programs.
func mapCode(c *program.Config, f func(string) string) {
	c.Hooks, c.Sources, c.Plugins = slices.Clone(c.Hooks), slices.Clone(c.Sources), slices.Clone(c.Plugins)
	for i := range c.Hooks {
		c.Hooks[i].Name = f(c.Hooks[i].Name)
	}
	for i := range c.Sources {
		c.Sources[i].Path, c.Sources[i].Text = f(c.Sources[i].Path), f(c.Sources[i].Text)
	}
	for i := range c.Plugins {
		p := &c.Plugins[i]
		p.Name, p.Path, p.SHA256, p.Config, p.Place.File = f(p.Name), f(p.Path), f(p.SHA256), f(p.Config), f(p.Place.File)
		p.Args, p.Env = mapAll(p.Args, f), mapAll(p.Env, f)
	}
}

func mapProbe(p *program.Probe, f func(string) string) {
	p.HTTP, p.TCP, p.Unix, p.Command = f(p.HTTP), f(p.TCP), f(p.Unix), mapAll(p.Command, f)
}

func mapSettings(s *program.Settings, f func(string) string) {
	s.LogLevel, s.LogFormat, s.Notify = f(s.LogLevel), f(s.LogFormat), f(s.Notify)
	s.Control, s.ControlGroup, s.RuntimeDir = f(s.Control), f(s.ControlGroup), f(s.RuntimeDir)
}

func mapAll(list []string, f func(string) string) []string {
	list = slices.Clone(list)
	for i := range list {
		list[i] = f(list[i])
	}
	return list
}
