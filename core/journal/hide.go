package journal

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
)

// hider keeps secrets out of a journal. What may be one is replaced by "#" and a hash with a key that is not written anywhere: what
// was equal stays equal, which is all that the machine ever asks about it, and nobody can find it by trying.
//
// Hidden are: the values of environment variables and of labels; the words of commands behind the first one; patterns and URLs of
// probes; the configuration, the arguments and the environment of plugins; the text of code; and what functions and plugins keep.
// Names and paths are not. In what people read (texts of errors, a program's status) values of environment variables are
// replaced where they are found.
type hider struct {
	key []byte
	scrubber
}

// hash is s, hidden.
func (h *hider) hash(s string) string {
	mac := hmac.New(sha256.New, h.key)
	mac.Write([]byte(s))
	return "#" + hex.EncodeToString(mac.Sum(nil)[:8])
}

// secret is hash, but that nothing stays nothing.
func (h *hider) secret(s string) string {
	if s == "" {
		return ""
	}
	return h.hash(s)
}

// variable is NAME=VALUE with its value hidden.
func (h *hider) variable(kv string) string {
	name, value, ok := strings.Cut(kv, "=")
	if !ok {
		return h.secret(kv)
	}
	return name + "=" + h.hash(value)
}

func (h *hider) variables(list []string) []string { return each(list, h.variable) }

// command is a command with its words hidden, but for the first one.
func (h *hider) command(argv []string) []string {
	out := each(argv, h.secret)
	if len(argv) > 0 {
		out[0] = argv[0]
	}
	return out
}

// data is what code keeps. nil stays nil, and what is empty stays empty, because both mean something.
func (h *hider) data(b []byte) []byte {
	if b == nil {
		return nil
	}
	return []byte(h.secret(string(b)))
}

// words hide what is in events.
func (h *hider) words() words {
	return words{
		name: machine.Escape, text: func(s string) string { return machine.Escape(h.text(s)) }, data: h.data, config: h.config,
	}
}

// config is c without secrets. It shares what is not changed.
func (h *hider) config(c program.Config) program.Config {
	c.Env = h.variables(c.Env)
	c.Sources = slices.Clone(c.Sources)
	for i := range c.Sources {
		c.Sources[i].Text = h.secret(c.Sources[i].Text)
	}
	c.Plugins = slices.Clone(c.Plugins)
	for i := range c.Plugins {
		p := &c.Plugins[i]
		p.Args, p.Env, p.Config = each(p.Args, h.secret), h.variables(p.Env), h.secret(p.Config)
	}
	c.Programs = slices.Clone(c.Programs)
	for i := range c.Programs {
		h.spec(&c.Programs[i])
	}
	return c
}

func (h *hider) spec(s *program.Spec) {
	s.Command, s.StopCommand = h.command(s.Command), h.command(s.StopCommand)
	s.Env, s.Labels = h.variables(s.Env), h.variables(s.Labels)
	s.Description = h.text(s.Description)
	s.Ready.Pattern = h.secret(s.Ready.Pattern)
	h.probe(&s.Ready.Probe)
	if s.Health != nil {
		s.Health = new(*s.Health)
		h.probe(&s.Health.Probe)
	}
}

func (h *hider) probe(p *program.Probe) {
	p.HTTP, p.Command = h.secret(p.HTTP), h.command(p.Command)
}

// state is s without secrets. It shares what is not changed.
func (h *hider) state(s machine.State) machine.State {
	r := &s.Reload
	r.By, r.AgainBy, r.Broken = h.text(r.By), h.text(r.AgainBy), each(r.Broken, h.text)
	s.Config = h.config(s.Config)
	if r.Pending != nil {
		r.Pending = new(h.config(*r.Pending))
	}
	s.Programs = slices.Clone(s.Programs)
	for i := range s.Programs {
		h.program(&s.Programs[i])
	}
	return s
}

func (h *hider) program(p *machine.Program) {
	p.Store = h.data(p.Store)
	p.Blobs = slices.Clone(p.Blobs)
	for i := range p.Blobs {
		p.Blobs[i].Data = h.data(p.Blobs[i].Data)
	}
	if p.Deciding != nil {
		p.Deciding = new(*p.Deciding)
		p.Deciding.Text = h.text(p.Deciding.Text)
	}
	p.Instances = slices.Clone(p.Instances)
	for i := range p.Instances {
		in := &p.Instances[i]
		in.Said.Status, in.Health.Text, in.Left = h.text(in.Said.Status), h.text(in.Health.Text), survivors(in.Left, h.text)
	}
}
