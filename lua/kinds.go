package lua

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mwlua/mwlua/core/cron"
	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
)

// fieldSet are the tables of fields of one load.
type fieldSet struct {
	program, oneshot, cron, defaults, supervisor, plugin, verdict []field
}

func newFieldSet() fieldSet {
	s := fieldSet{program: programFields(), oneshot: oneshotFields(), cron: cronFields(), supervisor: supervisorFields(),
		plugin: pluginFields(), verdict: verdictFields()}
	s.defaults = slices.Concat(s.program, s.only(program.OneShot), s.only(program.Cron))
	for i, f := range s.defaults {
		if f.name == "overlap" {
			s.defaults[i] = anyOverlapField()
		}
	}
	return s
}

// of are the keys of a kind.
func (s fieldSet) of(kind program.Kind) []field {
	switch kind {
	case program.OneShot:
		return s.oneshot
	case program.Cron:
		return s.cron
	}
	return s.program
}

// only are the keys of a kind that no kind before it has.
func (s fieldSet) only(kind program.Kind) []field {
	before := s.program
	if kind == program.Cron {
		before = slices.Concat(before, s.oneshot)
	}
	var found []field
	for _, f := range s.of(kind) {
		if _, ok := find(before, f.name); !ok {
			found = append(found, f)
		}
	}
	return found
}

// owners are the kinds that have a key, in words.
func (s fieldSet) owners(name string) []string {
	var owners []string
	for _, kind := range []program.Kind{program.Service, program.OneShot, program.Cron} {
		if _, ok := find(s.of(kind), name); ok {
			owners = append(owners, "a "+kindWord(kind))
		}
	}
	return owners
}

// kindWord is the function that declares a kind.
func kindWord(kind program.Kind) string { return cmp.Or(string(kind), "program") }

// programFields are the keys of program.
func programFields() []field {
	return slices.Concat(commonFields(), []field{autostartField(), criticalField(), instancesField()}, readyFields(), reloadFields(),
		[]field{socketsField(), restartField()})
}

// commonFields are the keys of every kind.
func commonFields() []field {
	return slices.Concat(commandFields(), identityFields(), environmentFields(), streamFields(), orderFields(), attributeFields(),
		stopFields(), handlerFields())
}

// retryFields are those of what ends by itself.
func retryFields() []field {
	return []field{
		timeoutField("timeout", "", "How long it may take. Then it is stopped, and that is a failure. Without it, for ever.",
			func(d *draft) *time.Duration { return &d.spec.Timeout }).called("timeoutstartsec", "runtimemaxsec", "max_runtime"),
		integerField("retries", "0", "How many times it is tried again after a failure.", 0, policy.MaxLimit,
			func(d *draft) *int { return &d.retries }).called("backofflimit", "startretries"),
		durationField("retry_delay", "1s", "How long to wait before that.", func(d *draft) *time.Duration { return &d.retryDelay }),
	}
}

// oneshotFields are the keys of oneshot.
func oneshotFields() []field {
	runs := []string{"boot", "reload", "change", "manual"}
	return slices.Concat(commonFields(), retryFields(), []field{
		choiceField("run", "boot", "Which loads run it. \"boot\": the first one. \"reload\": every one. \"change\": the first one, and "+
			"those that changed its declaration. \"manual\": none, but `mwlua start`. One that is new is run by its first load, and one "+
			"that had failed by the next, unless it is \"manual\".", runs,
			func(d *draft, c string) {
				if d.spec.Run = program.Run(c); c == "boot" {
					d.spec.Run = program.RunBoot
				}
			}, func(d *draft) string { return cmp.Or(string(d.spec.Run), "boot") }),
		choiceField("on_fail", "fail", "What its final failure means. \"fail\": what waits for it is not started. \"ignore\": the same as "+
			"its success. \"shutdown\": everything is stopped, and mwlua ends with its exit code.", []string{"fail", "ignore", "shutdown"},
			func(d *draft, c string) { d.onFail = c }, func(d *draft) string { return d.onFail }),
	})
}

// cronFields are the keys of cron.
func cronFields() []field {
	return slices.Concat(commonFields(), []field{autostartField(), criticalField()}, retryFields(), []field{
		{name: "schedule", kind: aString, also: []string{"cron", "oncalendar", "on_calendar", "at", "every"},
			doc: "When it is started: minute, hour, day, month and weekday, as in crontab(5); @hourly, @daily, @weekly, @monthly or " +
				"@yearly; or \"@every 15m\". Required.",
			set: func(d *draft, v value) {
				if text, ok := v.word(); ok && v.fine(cron.Check(text, "")) {
					d.spec.Schedule = strings.TrimSpace(text)
				}
			},
			get: func(d *draft) string { return optional(d.spec.Schedule) }},
		{name: "timezone", kind: aString, also: []string{"zone", "tz", "time_zone"},
			doc: "The time zone of `schedule`, such as \"Europe/Berlin\". Without it, it is mwlua's own. In the night in which clocks are put " +
				"forward, what is due in the hour that is left out runs after it, and what is due in the hour that comes twice runs once; " +
				"a schedule of every hour follows the hours as they pass.",
			set: func(d *draft, v value) {
				if text, ok := v.word(); ok && v.fine(cron.Check("@hourly", text)) {
					d.spec.Zone = text
				}
			},
			get: func(d *draft) string { return optional(d.spec.Zone) }},
		choiceField("overlap", "skip", "What happens when it is due and the run before still goes on. \"skip\": nothing. \"queue\": one more "+
			"run follows it. \"kill\": it is stopped, then the next one starts. \"allow\": the next one starts beside it.", cronOverlaps(),
			setCronOverlap, func(d *draft) string { return cmp.Or(string(d.spec.CronOverlap), "skip") }).called("concurrencypolicy"),
		durationField("jitter", "0s", "The longest time by which a start is put off, so that not everything starts in the same second.",
			func(d *draft) *time.Duration { return &d.spec.Jitter }).called("randomizeddelaysec", "random_delay"),
		boolField("catch_up", "false", "Whether it is run once for what a jump of the clock has left out.",
			func(d *draft) *bool { return &d.spec.CatchUp }).called("persistent"),
	})
}

// fine reports err, which is about v, unless it is nil.
func (v value) fine(err error) bool {
	if err != nil {
		v.errorf("%v", err)
	}
	return err == nil
}

func overlaps() []string { return []string{"at-once", "stop-first", "start-first"} }

func setOverlap(d *draft, c string) {
	if d.spec.Overlap = program.Overlap(c); c == "at-once" {
		d.spec.Overlap = program.AtOnce
	}
}

func cronOverlaps() []string { return []string{"skip", "queue", "kill", "allow"} }

func setCronOverlap(d *draft, c string) {
	if d.spec.CronOverlap = program.CronOverlap(c); c == "skip" {
		d.spec.CronOverlap = program.CronSkip
	}
}

// anyOverlapField is the overlap of defaults: what it says tells whose it is.
func anyOverlapField() field {
	return choiceField("overlap", "", "As of a program, or as of a cron.", slices.Concat(overlaps(), cronOverlaps()),
		func(d *draft, c string) {
			if slices.Contains(overlaps(), c) {
				setOverlap(d, c)
			} else {
				setCronOverlap(d, c)
			}
		}, func(*draft) string { return "" })
}

func integerField(name, initial, doc string, low, high int, to func(*draft) *int) field {
	return field{name: name, kind: anInteger, value: initial, doc: doc, set: func(d *draft, v value) {
		if n, ok := v.integer(low, high); ok {
			*to(d) = n
		}
	}, get: func(d *draft) string { return strconv.Itoa(*to(d)) }}
}

// finishKind leaves in s what its kind has: defaults may have said more.
func (d *draft) finishKind(s *program.Spec) {
	plain := newDraft().spec
	if s.Kind != program.OneShot {
		s.Run, s.IgnoreFailure = program.RunBoot, false
	} else {
		s.NoAutostart, s.Critical, s.IgnoreFailure = false, d.onFail == "shutdown", d.onFail == "ignore"
	}
	if s.Kind != program.Cron {
		s.Schedule, s.Zone, s.CronOverlap, s.Jitter, s.CatchUp = "", "", program.CronSkip, 0, false
	}
	if s.Kind == program.Service {
		s.Timeout = 0
		return
	}
	s.Instances, s.Ready, s.Health, s.Watchdog, s.Overlap, s.Sockets = 0, program.Ready{}, nil, 0, program.AtOnce, nil
	s.OnReload, s.ReloadSignal, s.NoStartOnReload = program.Keep, 0, false
	s.MaxFormer, s.FormerTimeout = 0, plain.FormerTimeout
	s.Exit = policy.Policy{When: policy.Never, SuccessCodes: s.Exit.SuccessCodes}
	if d.retries > 0 {
		s.Exit.When, s.Exit.Limit, s.Exit.Backoff = policy.OnFailure, d.retries, policy.Backoff{Base: d.retryDelay, Factor: 1}
	}
}

// undoKind is the other way round.
func (d *draft) undoKind() {
	s := &d.spec
	if s.Kind == program.Service {
		return
	}
	if s.Exit.When == policy.OnFailure && s.Exit.Limit > 0 {
		d.retries, d.retryDelay = s.Exit.Limit, s.Exit.Backoff.Base
	}
	switch {
	case s.IgnoreFailure:
		d.onFail = "ignore"
	case s.Critical:
		d.onFail = "shutdown"
	}
}
