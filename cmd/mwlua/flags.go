package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mwlua/mwlua/compat/haproxycfg"
	"github.com/mwlua/mwlua/core/control/mastercli"
	"github.com/mwlua/mwlua/core/journal"
	"github.com/mwlua/mwlua/core/program"
	"github.com/mwlua/mwlua/core/supervisor"
	"github.com/mwlua/mwlua/lua"
)

// sources is where a configuration comes from, and what else the command line says. The letters are HAProxy's.
type sources struct {
	code        *code    // of a master; nil for who only looks at a configuration
	lua         []string // Lua files, in order; they come after those of haproxy
	haproxy     []string // haproxy.cfg files, or directories of them, in order
	dir         string   // -C
	pidfile     string   // -p
	control     string   // the control socket, absolute; "" leaves it to the configuration
	localPeer   string   // -L
	release     string   // of HAProxy, that conditions are answered for
	zeroWarning bool     // -dW
	withHAProxy string   // the binary of an HAProxy to run beside the programs; "" is none
	haproxyArgs []string // for its command line
	worker      *worker  // that HAProxy

	exits exitPolicies // -plugin and -exit-policy

	sockets   []string            // -S, as given
	masterCLI []mastercli.Address // the same

	checks     bool // -c
	quiet      bool // -q
	verbose    bool // -V
	daemon     bool // -D
	foreground bool // -db
	systemd    bool // -Ws

	logFormat   string
	logFile     string
	journal     string // -journal, absolute from enter on; "" is none
	journalSize size
	version     bool
	image       image
}

func (s *sources) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringArrayVarP(&s.haproxy, "haproxy", "f", nil, "an haproxy.cfg, or a directory of *.cfg: `PATH`; may be repeated")
	f.StringVarP(&s.dir, "chdir", "C", "", "change to this `DIRECTORY` before anything is read")
	f.StringVarP(&s.pidfile, "pidfile", "p", "", "write the pid of mwlua to this `FILE`; wins over the keyword pidfile")
	f.StringVar(&s.control, "control", "", "the control socket is this `PATH` (default control.sock in the runtime directory, none with haproxy.cfg files alone)")
	f.StringArrayVarP(&s.sockets, "master-cli", "S", nil, "`ADDRESS`[,OPTION,VALUE]... of a master CLI; may be repeated")
	f.StringVarP(&s.localPeer, "localpeer", "L", "", "HAPROXY_LOCALPEER is this `NAME`; wins over the keyword localpeer")
	f.StringVar(&s.release, "haproxy-version", "", "conditions are answered for this `RELEASE` of HAProxy (default "+haproxycfg.DefaultVersion+", or that of -with-haproxy)")
	f.StringVar(&s.withHAProxy, "with-haproxy", "", "run HAProxy too, `BINARY` if it is not the one in PATH, with what is not mwlua's")
	f.Lookup("with-haproxy").NoOptDefVal = "haproxy"
	f.StringArrayVar(&s.haproxyArgs, "haproxy-arg", nil, "a `WORD` for the command line of that HAProxy; may be repeated")
	f.StringArrayVar(&s.exits.plugins, "plugin", nil, "a plugin for -exit-policy: `NAME=PATH`[,sha256=HEX][,config=FILE]; may be repeated")
	f.StringArrayVar(&s.exits.asked, "exit-policy", nil, "this plugin decides what follows an exit of the program: `PROGRAM=NAME`; may be repeated")
	f.BoolVar(&s.zeroWarning, "dW", false, "whatever HAProxy warns of is an error")
	f.BoolVarP(&s.checks, "check", "c", false, "say what is wrong with the configuration, and start nothing")
	f.BoolVarP(&s.quiet, "quiet", "q", false, "say nothing: /dev/null is standard input, output and error, the programs' too")
	f.BoolVarP(&s.verbose, "verbose", "V", false, "not quiet, whatever -q and the configuration say")
	f.BoolVarP(&s.daemon, "daemon", "D", false, "go to the background once the programs are started")
	f.BoolVar(&s.foreground, "db", false, "stay in the foreground, even with -D")
	f.BoolVar(&s.systemd, "Ws", false, "stay in the foreground, even with -D; systemd is told whenever NOTIFY_SOCKET is set")
	f.BoolP("master-worker", "W", false, "changes nothing: mwlua is a master in any case")
	f.StringVar(&s.logFormat, "log-format", "", "`FORM` of log lines: text, haproxy or json (default haproxy with an haproxy.cfg, else text)")
	f.StringVar(&s.logFile, "log-file", "", "append standard output and error to this `FILE`, the programs' too; a reload opens it anew")
	s.journalSize = journal.DefaultSize
	f.StringVar(&s.journal, "journal", "", "record what happens in this `FILE`, and in FILE.1 before that, for mwlua replay")
	f.Var(&s.journalSize, "journal-size", "the largest that each of the two may be: `SIZE`, as 16MiB")
	f.BoolVarP(&s.version, "version", "v", false, "print the version and leave")
	f.BoolVar(&s.version, "vv", false, "the same")
	f.Var(&s.image, "image", "for mwlua's own use, at a reload")
	_ = f.MarkHidden("vv")
	_ = f.MarkHidden("image")
}

// read takes the files that follow -- (H-4.16), and says what is wrong with the command line.
func (s *sources) read(c *cobra.Command, args []string) error {
	dash := c.ArgsLenAtDash()
	if dash < 0 {
		dash = len(args)
	}
	return s.readFiles(c, args[:dash], args[dash:])
}

// readFiles is read with the files before -- and those after it.
func (s *sources) readFiles(c *cobra.Command, before, after []string) error {
	for _, name := range before {
		if strings.HasSuffix(name, ".cfg") {
			return fmt.Errorf("unexpected argument %q: an haproxy.cfg needs a -haproxy or -f before it", name)
		}
	}
	s.lua, s.haproxy = before, append(s.haproxy, after...)
	if len(s.haproxy)+len(s.lua) == 0 {
		return errors.New("no configuration: name a Lua file, or an haproxy.cfg with -haproxy FILE or -f FILE")
	}
	if err := s.readHAProxy(c); err != nil {
		return err
	}
	if s.exits.given() && len(s.lua) > 0 {
		return errors.New("-plugin and -exit-policy are for haproxy.cfg files alone: a Lua file says plugin \"NAME\" { path = … }, and on_exit")
	}
	if err := s.exits.read(); err != nil {
		return err
	}
	if c.Flags().Changed("journal-size") && s.journal == "" {
		return errors.New("-journal-size: there is no journal: add -journal FILE, or leave it out")
	}
	if s.logFormat != "" && !slices.Contains(supervisor.Formats(), supervisor.Format(s.logFormat)) {
		return fmt.Errorf("--log-format: unknown format %q (haproxy, text or json)", s.logFormat)
	}
	return nil
}

// ownArgs are the words of HAProxy's command line that mwlua writes itself, or that would have it do something else.
var ownArgs = []string{"-f", "--", "-c", "-cc", "-C", "-D", "-L", "-S", "-V", "-W", "-Ws", "-d", "-db", "-p", "-q", "-sf", "-st", "-v", "-vv", "-x"}

// readHAProxy says what is wrong with -with-haproxy and what goes with it.
func (s *sources) readHAProxy(c *cobra.Command) error {
	with := c.Flags().Changed("with-haproxy")
	switch own := slices.IndexFunc(s.haproxyArgs, func(a string) bool { return slices.Contains(ownArgs, a) }); {
	case !with && len(s.haproxyArgs) > 0:
		return errors.New("-haproxy-arg: there is no HAProxy to give it to: add -with-haproxy, or leave it out")
	case !with:
	case s.withHAProxy == "":
		return errors.New("-with-haproxy= names nothing: name the binary, or leave the = out for the haproxy in PATH")
	case len(s.haproxy) == 0:
		return errors.New("-with-haproxy: there is no haproxy.cfg: name one with -haproxy FILE or -f FILE")
	case s.release != "":
		return errors.New("-haproxy-version: HAProxy says its own version with -with-haproxy: leave one of them out")
	case own >= 0:
		return fmt.Errorf("-haproxy-arg %s: that is for mwlua to choose: leave it out, or see %s --help", s.haproxyArgs[own], c.Name())
	}
	return nil
}

// enter changes to the directory of -C, once in the life of a master (T-38): its later images find themselves there. What is
// relative is so to this directory. The path that mwlua was called by is to name it from there too.
func (s *sources) enter() error {
	if s.dir == "" || s.image != firstImage {
		return nil
	}
	if called, err := filepath.Abs(os.Args[0]); err == nil && strings.Contains(os.Args[0], "/") {
		os.Args[0] = called
	}
	if err := os.Chdir(s.dir); err != nil {
		return failed{fmt.Errorf("-C: cannot change to the directory %q: %v: create it, or name another one", s.dir, cause(err))}
	}
	return nil
}

// cause is err without the name of the file, which we say ourselves.
func cause(err error) error {
	var pathError *os.PathError
	if errors.As(err, &pathError) {
		return pathError.Err
	}
	return err
}

// listen reads the addresses of the sockets. HAProxy takes no notice of an empty -S (H-8.1).
func (s *sources) listen() error {
	if s.control != "" {
		s.control, _ = filepath.Abs(s.control) // it cannot fail: we are somewhere
	}
	for _, text := range s.sockets {
		if text == "" {
			continue
		}
		a, err := mastercli.ParseAddress(text, lookup())
		if err != nil {
			return err
		}
		s.masterCLI = append(s.masterCLI, a)
	}
	return nil
}

func lookup() mastercli.Lookup {
	system := haproxycfg.System()
	return mastercli.Lookup{
		User:  func(name string) (int, error) { c, err := system.User(name); return int(c.UID), err },
		Group: func(name string) (int, error) { c, err := system.Group(name); return int(c.GID), err },
	}
}

// announced is what programs are told of -S. HAProxy tells all, the last one first (H-5.4); the Data Plane API takes it as a
// whole for one UNIX socket (D-6, H-12.1).
func (s *sources) announced() string {
	last := ""
	for _, a := range slices.Backward(s.masterCLI) {
		if a.Network == mastercli.UNIX {
			return a.MasterCLI()
		}
		if last == "" {
			last = a.MasterCLI()
		}
	}
	return last
}

// detaches says whether mwlua is to be a daemon. HAProxy 2.6 becomes one with -db or -Ws too (H-4.13).
func (s *sources) detaches() bool { return s.daemon && !s.foreground && !s.systemd }

// load reads the configuration: the HAProxy files, then the Lua files, which may change what those declare.
func (s *sources) load(run supervisor.Runner, use bool) (program.Config, program.Problems) {
	if len(s.lua) == 0 {
		config, problems := s.loadHAProxy(run, use)
		config.Settings.Control = s.control
		if len(problems.Errors()) == 0 {
			problems = append(problems, s.exits.apply(&config)...)
		}
		return config, problems
	}
	o := s.luaOptions()
	var problems program.Problems
	if len(s.haproxy) > 0 {
		config, found := s.loadHAProxy(run, use)
		if len(found.Errors()) > 0 {
			return config, found
		}
		o.Base, problems = &config, found
	}
	config, found := s.evaluate(o, use)
	if s.pidfile != "" {
		config.Pidfile, _ = filepath.Abs(s.pidfile) // it cannot fail: we are somewhere
	}
	problems = append(problems, found...)
	if len(problems.Errors()) == 0 && !s.checks {
		s.chooseControl(&config.Settings)
	}
	return config, problems
}

// evaluate runs Lua files. If they are to count, and this is a master, their functions will be called.
func (s *sources) evaluate(o lua.Options, use bool) (program.Config, program.Problems) {
	if !use || s.code == nil {
		return lua.Load(o)
	}
	config, handlers, problems := lua.Open(o)
	s.code.offer(handlers)
	return config, problems
}

// chooseControl says where the control socket is: where the command line says, or the configuration, or in the runtime directory.
// Without one of those there is none, and the load of a configuration for a service without a directory does not fail.
func (s *sources) chooseControl(settings *program.Settings) {
	switch {
	case s.control != "":
		settings.Control = s.control
	case settings.NoControl || settings.Control != "":
	default:
		dir := settings.RuntimeDir
		if dir == "" {
			dir, _ = runtimeDir()
		}
		if dir != "" && os.MkdirAll(dir, 0o755) == nil {
			settings.Control = filepath.Join(dir, controlName)
		}
	}
}

// controlName is the control socket in the runtime directory.
const controlName = "control.sock"

// loadHAProxy reads the HAProxy files. The environment is the one that we were started with, at every load (T-20).
func (s *sources) loadHAProxy(run supervisor.Runner, use bool) (program.Config, program.Problems) {
	o := haproxycfg.Options{
		Files:       s.haproxy,
		Env:         os.Environ(),
		Version:     s.release,
		LocalPeer:   s.localPeer,
		PeerGiven:   s.localPeer != "",
		Pidfile:     s.pidfile,
		MasterCLI:   s.announced(),
		ZeroWarning: s.zeroWarning,
		PlaceGiven:  s.daemon || s.foreground || s.systemd,
	}
	if s.worker != nil {
		return s.worker.load(o, run, use)
	}
	return haproxycfg.Load(o)
}

// employ prepares the HAProxy of -with-haproxy, for the master of that pid.
func (s *sources) employ(master int) (err error) {
	if s.withHAProxy == "" {
		return nil
	}
	s.worker, err = newWorker(s.withHAProxy, master)
	if err == nil && master == os.Getpid() && s.image != nextImage {
		err = s.worker.claim()
	}
	if err != nil {
		s.worker = nil
		return failed{fmt.Errorf("-with-haproxy: %w", err)}
	}
	s.worker.args = slices.Clone(s.haproxyArgs)
	if s.localPeer != "" {
		s.worker.args = append(s.worker.args, "-L", s.localPeer)
	}
	if s.zeroWarning {
		s.worker.args = append(s.worker.args, "-dW")
	}
	return nil
}
