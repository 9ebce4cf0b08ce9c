package haproxycfg

import (
	"strconv"
	"strings"
)

// globals are the keywords of a global section that matter here; the others are HAProxy's (D-3, H-4.20).
var globals = map[string]func(*loader, statement){
	"setenv":              (*loader).setenv,
	"presetenv":           (*loader).setenv,
	"unsetenv":            (*loader).unsetenv,
	"resetenv":            func(l *loader, s statement) { l.env.reset(s.list(1)) },
	"localpeer":           (*loader).localpeer,
	"pidfile":             (*loader).pidfile,
	"master-worker":       (*loader).masterWorker,
	"mworker-max-reloads": (*loader).maxReloads,
	"hard-stop-after":     (*loader).hardStopAfter,
	"stats":               (*loader).stats,
	"zero-warning":        (*loader).zeroWarning,
	"quiet":               (*loader).quiet,
	"daemon":              (*loader).daemon,
}

func (l *loader) inGlobal(s statement) {
	l.beside(s)
	read, ok := globals[s.text(0)]
	switch {
	case !ok:
		l.misspelt(s)
	case s.negated != "":
		l.errorf(l.place, "%q cannot stand before %q: remove it", s.negated, s.text(0))
	default:
		for _, text := range s.losses {
			l.warnf(l.place, "%s: %s", s.text(0), text)
		}
		read(l, s)
	}
}

// setenv reads setenv and presetenv. HAProxy 2.6 ignores a word after the value and refuses a second one (H-4.1).
func (l *loader) setenv(s statement) {
	keyword, name, value := s.text(0), s.text(1), s.text(2)
	switch {
	case name == "" || strings.Contains(name, "="):
		l.errorf(l.place, "%s: %s is no name of a variable: write \"%s NAME VALUE\"", keyword, quote(name), keyword)
		return
	case value == "":
		l.errorf(l.place, "%s: the value of %s is missing or empty: write \"%s NAME VALUE\"", keyword, quote(name), keyword)
		return
	case s.text(4) != "":
		l.errorf(l.place, "%s: unexpected word %s: quote the value if it holds blanks", keyword, quote(s.text(4)))
		return
	}
	if _, set := l.env.get(name); !set || keyword == "setenv" {
		l.env.set(name, value)
	}
	l.ignored(s, 3)
}

// ignored warns of a word that HAProxy 2.6 takes no notice of.
func (l *loader) ignored(s statement, i int) {
	if s.text(i) != "" {
		l.warnf(l.place, "%s: the word %s at column %d is ignored: remove it", s.text(0), quote(s.text(i)), s.words[i].column)
	}
}

func (l *loader) unsetenv(s statement) {
	names := s.list(1)
	if len(names) == 0 {
		l.errorf(l.place, "unsetenv without a name: write the variables to remove after it")
	}
	for _, name := range names {
		if strings.Contains(name, "=") {
			l.errorf(l.place, "unsetenv %s: this is no name of a variable: write it without the value", quote(name))
		}
		l.env.unset(name)
	}
}

func (l *loader) localpeer(s statement) {
	switch {
	case !l.oneWord(s, "the name of this peer"):
	case l.options.PeerGiven:
		l.haproxyWarning("localpeer is already set to %s by -L: this one is ignored", quote(l.options.LocalPeer))
	default:
		l.env.set("HAPROXY_LOCALPEER", s.text(1))
	}
}

// oneWord checks that a keyword has exactly one argument.
func (l *loader) oneWord(s statement, what string) bool {
	switch {
	case s.text(1) == "":
		l.errorf(l.place, "%s without a value: write %s after it", s.text(0), what)
	case s.text(2) != "":
		l.errorf(l.place, "%s: unexpected word %s: quote the value if it holds blanks", s.text(0), quote(s.text(2)))
	default:
		return true
	}
	return false
}

// noWord checks that a keyword has no argument.
func (l *loader) noWord(s statement) bool {
	if s.text(1) != "" {
		l.errorf(l.place, "%s: unexpected word %s: remove it", s.text(0), quote(s.text(1)))
	}
	return s.text(1) == ""
}

func (l *loader) quiet(s statement) { l.global.quiet = l.noWord(s) }

// daemon does nothing: a file that systemd and containers have used would make mwlua vanish from under them.
func (l *loader) daemon(s statement) {
	if l.noWord(s) && !l.options.PlaceGiven {
		l.warnf(l.place, "daemon: mwlua stays in the foreground: write -D on the command line to have it in the background, "+
			"or -db to have no warning")
	}
}

// pidfile keeps the first one, as HAProxy does.
func (l *loader) pidfile(s statement) {
	switch {
	case l.global.pidfile != "":
		l.warnf(l.place, "pidfile is already set to %s: this one is ignored", quote(l.global.pidfile))
	case l.oneWord(s, "a path"):
		l.global.pidfile = s.text(1)
	}
}

func (l *loader) masterWorker(s statement) {
	const option = "no-exit-on-failure"
	switch {
	case s.text(1) != "" && s.text(1) != option:
		l.errorf(l.place, "master-worker: unknown option %s%s", quote(s.text(1)), suggest(s.text(1), []string{option}))
	case s.text(2) != "":
		l.errorf(l.place, "master-worker: unexpected word %s: remove it", quote(s.text(2)))
	case s.text(1) == option:
		l.global.keepOnFailure = true
	}
}

func (l *loader) zeroWarning(s statement) {
	if l.noWord(s) {
		l.global.zeroWarning = new(l.place)
	}
}

// haproxyWarning is a warning that HAProxy gives too: zero-warning makes an error of it.
func (l *loader) haproxyWarning(format string, args ...any) {
	l.global.warnings = append(l.global.warnings, l.place)
	l.warnf(l.place, format, args...)
}

// checkWarnings does that. Our own warnings do not count.
func (l *loader) checkWarnings() {
	switch {
	case len(l.global.warnings) == 0:
	case l.global.zeroWarning != nil:
		l.errorf(*l.global.zeroWarning, "zero-warning does not allow the warning at %v: remove one of them", l.global.warnings[0])
	case l.options.ZeroWarning:
		l.errorf(l.global.warnings[0], "-dW does not allow the warning of this line: change the line, or leave -dW out")
	}
}

// maxReloads never fails: HAProxy 2.6 reports a bad value and goes on (H-4.8). 0 cannot be had, because it would allow no
// former instance at all.
func (l *loader) maxReloads(s statement) {
	n, err := strconv.Atoi(s.text(1))
	if err != nil || n < 0 {
		l.haproxyWarning("mworker-max-reloads %s is ignored: write a number of reloads", quote(s.text(1)))
		return
	}
	l.global.maxReloads = n
	l.ignored(s, 2)
}

// stats remembers the addresses for HAPROXY_CLI (H-5.3).
func (l *loader) stats(s statement) {
	if s.text(1) == "socket" && s.text(2) != "" {
		l.global.sockets = append(l.global.sockets, socketAddress(s.text(2)))
	}
}

// socketAddress writes the kind of an address before it, as HAPROXY_CLI has it.
func socketAddress(address string) string {
	switch {
	case strings.Contains(address, "@"):
		return address
	case strings.HasPrefix(address, "/"):
		return "unix@" + address
	case strings.Count(address, ":") > 1:
		return "ipv6@" + address
	default:
		return "ipv4@" + address
	}
}

func (l *loader) hardStopAfter(s statement) {
	d, rest, err := parseTime(s.text(1))
	if err != nil {
		l.errorf(l.place, "hard-stop-after %s: %v", quote(s.text(1)), err)
		return
	}
	if rest != "" {
		l.haproxyWarning("hard-stop-after: %s after %v is ignored: write one number and one unit", quote(rest), d)
	}
	l.global.hardStopAfter = d
	l.ignored(s, 2)
}
