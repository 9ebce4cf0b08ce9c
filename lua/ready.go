package lua

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/mwlua/mwlua/core/program"
)

// highestFD is the last descriptor that can be one for readiness.
const highestFD = 1023

// readyFields are about whether an instance serves.
func readyFields() []field {
	keys, healthKeys := readyKeys(), healthKeys()
	return []field{
		{name: "ready", kind: choiceTable, choices: []string{"immediate", "notify"}, value: `"immediate"`, keys: keys,
			also: []string{"readiness", "notification_fd"},
			doc: "How it tells that it can serve. \"immediate\": by running. \"notify\": by READY=1 to its NOTIFY_SOCKET, see sd_notify(3). Or " +
				"a table with one of `fd`, `tcp`, `unix`, `http`, `command`, `log` and `notify`.",
			set: func(d *draft, v value) {
				r := &d.spec.Ready
				if r.By == program.ReadyAtOnce {
					r.Timeout, r.Probe.Interval = 30*time.Second, 200*time.Millisecond
				}
				if _, isTable := v.lv.(*lua.LTable); isTable {
					v.decode(d, keys)
					v.oneOf(readyTargets(), r.By != program.ReadyAtOnce)
				} else if c, ok := v.choice([]string{"immediate", "notify"}); ok && c == "notify" {
					readyBy(d, program.ReadyNotify)
				} else {
					*r = program.Ready{}
				}
				if r.By != program.ReadyProbe {
					r.Probe = program.Probe{}
				}
			},
			get: func(d *draft) string {
				if r := d.spec.Ready; r.By == program.ReadyNotify && r.Timeout == 30*time.Second {
					return `"notify"`
				}
				return ""
			}},
		{name: "health", kind: aTable, keys: healthKeys, also: []string{"healthcheck", "health_check", "liveness"},
			doc: "How it is found out, again and again, whether one that is ready still serves: a table with one of `http`, `tcp`, `unix` and " +
				"`command`.",
			set: func(d *draft, v value) {
				d.spec.Health = healthOf(d) // a copy: defaults may have it too
				v.decode(d, healthKeys)
				v.oneOf(probeTargets(), !d.spec.Health.Probe.IsZero())
			}},
		timeoutField("watchdog", "", "How often it must send WATCHDOG=1 to its NOTIFY_SOCKET once it is ready. If it does not, it is stopped, and "+
			"that is a failure.", func(d *draft) *time.Duration { return &d.spec.Watchdog }).called("watchdogsec"),
	}
}

func probeTargets() []string { return []string{"http", "tcp", "unix", "command"} }

func readyTargets() []string { return append([]string{"notify", "fd", "log"}, probeTargets()...) }

// oneOf wants exactly one of targets in the table v, or none if there is one already.
func (v value) oneOf(targets []string, there bool) {
	table, ok := v.lv.(*lua.LTable)
	if !ok {
		return
	}
	var given []string
	for _, name := range targets {
		if table.RawGetString(name) != lua.LNil {
			given = append(given, name)
		}
	}
	switch {
	case len(given) > 1:
		v.errorf("expected one of %s, got %s", or(targets), strings.Join(given, " and "))
	case len(given) == 0 && !there && !isList(table):
		v.errorf("names nothing to look at: add %s", or(targets))
	}
}

// readyBy makes another way the one to be ready.
func readyBy(d *draft, by program.ReadyBy) {
	r := &d.spec.Ready
	*r = program.Ready{By: by, Timeout: r.Timeout, Probe: program.Probe{Interval: r.Probe.Interval}}
}

func readyKeys() []field {
	ready := func(d *draft) *program.Ready { return &d.spec.Ready }
	fields := []field{
		{name: "notify", kind: aBoolean, doc: "true: by READY=1 to its NOTIFY_SOCKET, as \"notify\", with another `timeout`.",
			set: func(d *draft, v value) {
				if b, ok := v.boolean(); ok && b {
					readyBy(d, program.ReadyNotify)
				} else if ok {
					v.errorf("expected true: leave ready out instead")
				}
			},
			get: func(d *draft) string {
				if ready(d).By == program.ReadyNotify {
					return "true"
				}
				return ""
			}},
		{name: "fd", kind: anInteger, doc: "The descriptor, from 3 to 1023, on which it writes a newline. Those of `sockets` come first.",
			set: func(d *draft, v value) {
				if n, ok := v.integer(3, highestFD); ok {
					readyBy(d, program.ReadyFD)
					ready(d).FD = n
				}
			},
			get: func(d *draft) string {
				if ready(d).FD == 0 {
					return ""
				}
				return strconv.Itoa(ready(d).FD)
			}},
		{name: "log", kind: aString, also: []string{"ready_log_line", "pattern"},
			doc: "A regular expression (RE2) that matches a line of its output.",
			set: func(d *draft, v value) {
				text, ok := v.word()
				if !ok {
					return
				}
				if _, err := regexp.Compile(text); err != nil {
					v.errorf("%s", strings.Replace(err.Error(), "error parsing regexp", "cannot understand the expression", 1))
					return
				}
				readyBy(d, program.ReadyLog)
				ready(d).Pattern = text
			},
			get: func(d *draft) string { return optional(ready(d).Pattern) }},
	}
	fields = append(fields, probeKeys("it is ready", func(d *draft) *program.Probe { return &ready(d).Probe },
		func(d *draft) { readyBy(d, program.ReadyProbe) })...)
	return append(fields,
		durationOf("interval", "200ms", "From one attempt's end to the next.", func(d *draft) *time.Duration { return &ready(d).Probe.Interval },
			func(d *draft) bool { return ready(d).By == program.ReadyProbe }),
		readyTimeoutField())
}

// readyTimeoutField: false, which is none, is what one has that is ready at once.
func readyTimeoutField() field {
	f := timeoutField("timeout", "30s", "How long that may take from its start. Then it is stopped, and that is a failure. false waits for ever.",
		func(d *draft) *time.Duration { return &d.spec.Ready.Timeout })
	get := f.get
	f.get = func(d *draft) string {
		if r := d.spec.Ready; r.By == program.ReadyAtOnce || r.Timeout == 30*time.Second {
			return ""
		}
		return get(d)
	}
	return f
}

// durationOf is durationField for a duration that only counts with something else, and is not written when it is the default.
func durationOf(name, initial, doc string, to func(*draft) *time.Duration, counts func(*draft) bool) field {
	f := durationField(name, initial, doc, to)
	f.set = func(d *draft, v value) {
		if t, ok := v.duration(); ok && t < 10*time.Millisecond {
			v.errorf("expected at least \"10ms\", got %s", describe(v.lv))
		} else if ok {
			*to(d) = t
		}
	}
	f.get = func(d *draft) string {
		if text := durationText(*to(d)); counts(d) && text != quoted(initial) {
			return text
		}
		return ""
	}
	return f
}

// healthOf is a copy of what d says of health, or what holds unless it says something.
func healthOf(d *draft) *program.Health {
	if d.spec.Health == nil {
		return &program.Health{Probe: program.Probe{Interval: 10 * time.Second, Timeout: 2 * time.Second}, Failures: 3, Successes: 1}
	}
	return new(*d.spec.Health)
}

func healthKeys() []field {
	health := func(d *draft) *program.Health {
		if d.spec.Health == nil { // only looked at
			return healthOf(d)
		}
		return d.spec.Health
	}
	count := func(name, initial, doc string, to func(*draft) *int) field {
		return integerField(name, initial, doc, 1, 1000, to)
	}
	return append(probeKeys("it serves", func(d *draft) *program.Probe { return &health(d).Probe }, func(d *draft) {
		p := &health(d).Probe
		*p = program.Probe{Interval: p.Interval, Timeout: p.Timeout}
	}),
		durationOf("interval", "10s", "From one attempt's end to the next.", func(d *draft) *time.Duration { return &health(d).Probe.Interval },
			func(d *draft) bool { return d.spec.Health != nil }),
		durationOf("timeout", "2s", "How long one attempt may take.", func(d *draft) *time.Duration { return &health(d).Probe.Timeout },
			func(d *draft) bool { return d.spec.Health != nil }),
		durationField("start_delay", "", "From ready to the first attempt. Without it, `interval`.",
			func(d *draft) *time.Duration { return &health(d).StartDelay }).called("start_period", "initial_delay", "initialdelayseconds"),
		count("failures", "3", "How many attempts in a row must fail until it is unhealthy.",
			func(d *draft) *int { return &health(d).Failures }).called("retries", "failurethreshold"),
		count("successes", "1", "How many attempts in a row must succeed until it is healthy again.",
			func(d *draft) *int { return &health(d).Successes }).called("successthreshold"),
		choiceField("on_fail", "restart", "What becomes of an unhealthy one. \"restart\": it is stopped, and that is a failure. \"log\": it is "+
			"said, nothing else. \"stop\": it is stopped and stays down.", []string{"restart", "log", "stop"},
			func(d *draft, c string) {
				if health(d).OnFail = program.OnUnhealthy(c); c == "restart" {
					health(d).OnFail = program.RestartUnhealthy
				}
			}, func(d *draft) string { return cmp.Or(string(health(d).OnFail), "restart") }))
}

// probeKeys are the ways to find out that what is so. begin forgets the way before.
func probeKeys(what string, probe func(*draft) *program.Probe, begin func(*draft)) []field {
	target := func(name, doc string, check func(string) error, to func(*draft) *string) field {
		return field{name: name, kind: aString, doc: doc, set: func(d *draft, v value) {
			if text, ok := v.word(); ok && v.expandable(d, text) && v.fine(check(text)) {
				begin(d)
				*to(d) = text
			}
		}, get: func(d *draft) string { return d.optionalLiteral(*to(d)) }}
	}
	return []field{
		target("http", "A URL: an answer with a status from 200 to 399 says that "+what+". Redirects are not followed.", program.CheckURL,
			func(d *draft) *string { return &probe(d).HTTP }),
		target("tcp", "HOST:PORT: that it accepts a connection.", program.CheckTCP, func(d *draft) *string { return &probe(d).TCP }),
		{name: "unix", kind: aPath, doc: "A unix socket: that it accepts a connection.", set: func(d *draft, v value) {
			if path, ok := v.expandablePath(d); ok {
				begin(d)
				probe(d).Unix = path
			}
		}, get: func(d *draft) string { return d.optionalLiteral(probe(d).Unix) }},
		{name: "command", kind: aList, doc: "A program and its arguments: that it ends with 0. It runs as the program does.",
			set: func(d *draft, v value) {
				if words, ok := v.command(d); ok {
					begin(d)
					probe(d).Command = words
				}
			},
			get: func(d *draft) string {
				if len(probe(d).Command) == 0 {
					return ""
				}
				return list(probe(d).Command, d.literal)
			}},
	}
}
