package lua

import (
	"cmp"
	"maps"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
)

// draft is a declaration on its way to a program.Spec. It is also what supervisor{} fills, for its own fields.
type draft struct {
	spec     program.Spec // what needs no second look is in here already
	what     string       // program "web"
	disabled bool
	none     bool // no instance of a program is wanted
	foreign  bool // declared in another language

	shell        string
	onReload     string // "" leaves spec as it is
	reloadSignal int    // 0 if none was given
	expand       bool

	after, needs []wait

	deciders        []decider
	decided         bool // on_exit was said
	onStart, onStop callback

	// Of what ends by itself.
	retries    int
	retryDelay time.Duration
	onFail     string

	account   *Account
	group     *uint32
	groups    []uint32
	groupsSet bool

	env         map[string]*string // nil removes a variable
	envFile     []string           // NAME=VALUE
	inherit     bool
	inheritOnly []string

	// For Write only.
	groupName func(gid uint32) string
	asOurs    []string // variables of env that stay as mwlua itself has them

	config    program.Config // what supervisor{} says; its programs and their environment are not in here
	pluginDir string         // so does this

	plugin  *program.Plugin // what plugin{} says; nil of everything else
	verdict policy.Verdict  // what a handler has answered
}

// newDraft has the defaults of every program.
func newDraft() *draft {
	return &draft{
		spec: program.Spec{
			StopSignal:    int(syscall.SIGTERM),
			StopTimeout:   10 * time.Second,
			MaxFormer:     2,
			FormerTimeout: 30 * time.Minute,
			Kill:          program.KillUnit,
			Exit:          defaultPolicy(),
		},
		onReload:   "if-changed",
		inherit:    true,
		retryDelay: time.Second,
		onFail:     "fail",
	}
}

// clone is a copy that shares nothing that a field changes in place.
func (d *draft) clone() *draft {
	c := *d
	c.env = maps.Clone(d.env)
	return &c
}

func (d *draft) setLimit(limit program.Limit) {
	d.spec.Limits = slices.DeleteFunc(slices.Clone(d.spec.Limits), func(l program.Limit) bool { return l.Name == limit.Name })
	d.spec.Limits = append(d.spec.Limits, limit)
	slices.SortFunc(d.spec.Limits, func(a, b program.Limit) int { return cmp.Compare(a.Name, b.Name) })
}

// takeBase makes drafts of what another language declared.
func (l *loader) takeBase(base program.Config) {
	l.config = base
	l.config.Programs, l.config.Env = nil, nil
	for _, spec := range base.Programs {
		d := &draft{spec: spec, foreign: true, inherit: true, expand: spec.Expand, retryDelay: time.Second, onFail: "fail"}
		d.what = kindWord(spec.Kind) + " " + quote(spec.Name)
		d.after, d.needs = waitsFor(l, d, spec.After), waitsFor(l, d, spec.Needs)
		d.undoKind()
		l.drafts = append(l.drafts, d)
		l.names[spec.Name] = d
	}
}

// convert makes a Config of what was declared without an error.
func (l *loader) convert() program.Config {
	config := l.config
	config.Env = l.inherited()
	if l.options.Base != nil {
		config.Env = l.options.Base.Env
	}
	search := newSearch()
	for _, d := range l.drafts {
		if d.left() {
			continue
		}
		spec := d.finish(config)
		spec.After, spec.Needs = l.present(d.after), l.present(d.needs)
		l.finishHandlers(d, &spec)
		if text := search.missing(config, spec); text != "" && !d.foreign {
			l.warnf(spec.Place, "%s: %s", d.what, text)
		}
		config.Programs = append(config.Programs, spec)
	}
	config.Plugins = append(slices.Clone(config.Plugins), l.plugins()...)
	config.Hooks = append(slices.Clone(config.Hooks), l.finishHooks()...)
	config.Sources = l.finishSources()
	if len(config.Programs) == 0 {
		l.warnf(place(l.options.Files[0], 0), "declares no program: nothing to run")
	}
	for _, p := range config.Validate() {
		l.errorf(p.Place, "%s", p.Text)
	}
	return config
}

// dropped are variables that must not reach a program: what a service manager told mwlua alone.
func dropped() []string {
	return []string{"NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}
}

// inherited is the environment that programs get before their own.
func (l *loader) inherited() []string {
	env := slices.Clone(l.options.Env)
	for _, name := range dropped() {
		env = without(env, name)
	}
	return program.Setenv(env, "MWLUA=1")
}

func without(env []string, name string) []string {
	return slices.DeleteFunc(env, func(kv string) bool {
		n, _, _ := strings.Cut(kv, "=")
		return n == name
	})
}

// finish is the Spec of d in config.
func (d *draft) finish(config program.Config) program.Spec {
	s := d.spec
	s.Expand = d.expand
	if d.shell != "" {
		text := d.shell
		if d.expand { // ${…} is the shell's here
			text = escape(text)
		}
		s.Command = []string{"/bin/sh", "-c", text}
	}
	d.finishReload(&s)
	d.finishKind(&s)
	d.finishIdentity(&s)
	d.finishEnv(&s, config)
	return settled(s)
}

func (d *draft) finishReload(s *program.Spec) {
	switch d.onReload {
	case "":
		s.ReloadSignal = cmp.Or(d.reloadSignal, s.ReloadSignal)
	case "keep":
		s.OnReload, s.ReloadSignal = program.Keep, d.reloadSignal
	case "signal":
		s.OnReload, s.ReloadSignal = program.Keep, cmp.Or(d.reloadSignal, int(syscall.SIGHUP))
	default:
		s.OnReload, s.ReloadSignal = program.Reload(d.onReload), cmp.Or(d.reloadSignal, int(syscall.SIGUSR1))
	}
}

func (d *draft) finishIdentity(s *program.Spec) {
	if d.account == nil && d.group == nil && !d.groupsSet {
		return
	}
	c := program.Credential{UID: uint32(os.Getuid()), GID: uint32(os.Getgid())}
	if s.User != nil {
		c = *s.User
	}
	if d.account != nil {
		c = program.Credential{UID: d.account.UID, GID: d.account.GID, Groups: d.account.Groups}
	}
	if d.group != nil {
		c.GID = *d.group
	}
	if d.groupsSet {
		c.Groups = d.groups
	}
	s.User = &c
}

// finishEnv puts the environment together: what is inherited, what the user has, the files, and env, each over the one before. As
// long as nothing of what is inherited is taken away, it is only what comes on top.
func (d *draft) finishEnv(s *program.Spec, config program.Config) {
	var own []string
	if d.account != nil {
		for _, kv := range d.account.environ() {
			own = program.Setenv(own, kv)
		}
	}
	for _, kv := range d.envFile {
		own = program.Setenv(own, kv)
	}
	if d.expand { // only what env says is expanded
		own = escaped(own)
	}
	over := own
	own = slices.Clone(s.Env) // of a foreign program
	for _, kv := range over {
		own = program.Setenv(own, kv)
	}
	var removed []string
	for _, name := range slices.Sorted(maps.Keys(d.env)) {
		if text := d.env[name]; text != nil {
			own = program.Setenv(own, name+"="+*text)
		} else {
			own, removed = without(own, name), append(removed, name)
		}
	}
	s.Env = own
	if d.inherit && len(removed) == 0 || s.WholeEnv {
		return
	}
	s.WholeEnv = true
	var whole []string
	for _, kv := range config.Env {
		name, _, _ := strings.Cut(kv, "=")
		if (d.inherit || slices.Contains(d.inheritOnly, name)) && !slices.Contains(removed, name) {
			whole = append(whole, kv)
		}
	}
	if d.expand { // inherited values are no text of the configuration
		whole = escaped(whole)
	}
	for _, kv := range own {
		whole = program.Setenv(whole, kv)
	}
	s.Env = whole
}
