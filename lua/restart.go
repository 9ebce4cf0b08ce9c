package lua

import (
	"cmp"
	"strconv"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/mwlua/mwlua/core/policy"
)

// defaultPolicy is gentler than the zero policy, which restarts at once.
func defaultPolicy() policy.Policy {
	return policy.Policy{
		Backoff: policy.Backoff{
			Base: time.Second, Max: 30 * time.Second, Factor: 2, Jitter: 0.1, ResetAfter: time.Minute,
		},
		Window:      time.Minute,
		RetryAfter:  5 * time.Minute,
		MinInterval: 100 * time.Millisecond,
	}
}

func restartField() field {
	keys := restartFields()
	return field{
		name: "restart", kind: choiceTable, choices: policies(), value: `"on-failure"`, keys: keys,
		also: []string{"autorestart", "respawn", "restart_policy"},
		doc:  "What follows an exit: a policy, or a table with a policy and its figures.",
		set: func(d *draft, v value) {
			if d.spec.Exit.Rule != policy.RestartRule { // of an HAProxy configuration
				d.spec.Exit = defaultPolicy()
			}
			if _, isTable := v.lv.(*lua.LTable); isTable {
				v.decode(d, keys)
			} else if c, ok := v.choice(policies()); ok {
				setPolicy(d, c)
			}
			v.finishRule(d)
		},
		get: func(d *draft) string { return optional(string(d.spec.Exit.Rule)) },
	}
}

// policies are the choices of restart. The last two are HAProxy's.
func policies() []string {
	return []string{"on-failure", "always", "never", string(policy.ExitOnFailure), string(policy.NoExitOnFailure)}
}

func setPolicy(d *draft, name string) {
	d.spec.Exit.Rule, d.spec.Exit.When = policy.RestartRule, policy.When(name)
	switch name {
	case "on-failure":
		d.spec.Exit.When = policy.OnFailure
	case string(policy.ExitOnFailure), string(policy.NoExitOnFailure):
		d.spec.Exit.Rule, d.spec.Exit.When = policy.Rule(name), policy.OnFailure
	}
}

// finishRule leaves nothing but its name of a rule of HAProxy, which has no figures.
func (v value) finishRule(d *draft) {
	rule := d.spec.Exit.Rule
	if rule == policy.RestartRule {
		return
	}
	if table, ok := v.lv.(*lua.LTable); ok && len(keys(table)) > 1 {
		v.errorf("%q has no figures, because it never starts a program again: remove the other keys, or choose another policy", rule)
	}
	d.spec.Exit = policy.Policy{Rule: rule}
}

func restartFields() []field {
	backoff := func(d *draft) *policy.Backoff { return &d.spec.Exit.Backoff }
	number := func(name, initial, doc string, low, high float64, to func(*draft) *float64) field {
		return field{name: name, kind: aNumber, value: initial, doc: doc, set: func(d *draft, v value) {
			if f, ok := v.number(low, high); ok {
				*to(d) = f
			}
		}, get: func(d *draft) string { return strconv.FormatFloat(*to(d), 'g', -1, 64) }}
	}
	return []field{
		choiceField("policy", "on-failure", "After which exits it is started again. The last two are HAProxy's rules, and never start it "+
			"again: an end that is no 0, 130 or 143 stops everything, or leaves the others running; in the end its status is mwlua's.",
			policies(), setPolicy, func(d *draft) string { return cmp.Or(string(d.spec.Exit.When), "on-failure") }).called("when", "condition"),
		durationField("delay", "1s", "How long to wait before the first restart in a row.",
			func(d *draft) *time.Duration { return &backoff(d).Base }).called("restartsec", "backoff", "interval"),
		durationField("max_delay", "30s", "The longest delay, before the jitter.",
			func(d *draft) *time.Duration { return &backoff(d).Max }),
		number("factor", "2", "By how much the delay grows with each failure in a row. 1 keeps it the same.", 1, 100,
			func(d *draft) *float64 { return &backoff(d).Factor }),
		number("jitter", "0.1", "The share of the delay that is left to chance, so that programs which died together do not come back together.",
			0, 1, func(d *draft) *float64 { return &backoff(d).Jitter }),
		durationField("reset_after", "60s", "An instance that ran this long ends the row. \"0s\" means never.",
			func(d *draft) *time.Duration { return &backoff(d).ResetAfter }).called("startsecs"),
		{name: "limit", kind: anInteger, value: "0", also: []string{"startretries", "retries", "max_restarts", "startlimitburst"},
			doc: "How many restarts are allowed within `window`. 0 means any number.",
			set: func(d *draft, v value) {
				if n, ok := v.integer(0, policy.MaxLimit); ok {
					d.spec.Exit.Limit = n
				}
			},
			get: func(d *draft) string { return strconv.Itoa(d.spec.Exit.Limit) }},
		durationField("window", "1m", "The time in which restarts are counted for `limit`. \"0s\" means since the first start.",
			func(d *draft) *time.Duration { return &d.spec.Exit.Window }).called("startlimitintervalsec"),
		choiceField("on_limit", "fail", "What happens at the limit. \"fail\": it stays down. \"shutdown\": everything is stopped. \"retry\": "+
			"it waits for `retry_after`.", []string{"fail", "shutdown", "retry"},
			func(d *draft, c string) { d.spec.Exit.OnLimit = onLimit(c) },
			func(d *draft) string { return cmp.Or(string(d.spec.Exit.OnLimit), "fail") }),
		durationField("retry_after", "5m", "How long to wait at the limit, for \"retry\".",
			func(d *draft) *time.Duration { return &d.spec.Exit.RetryAfter }),
		durationField("min_interval", "100ms", "The shortest time between two starts, whatever the rest says.",
			func(d *draft) *time.Duration { return &d.spec.Exit.MinInterval }),
	}
}

func onLimit(name string) policy.Do {
	if name == "fail" {
		return "" // the zero value says the same
	}
	return policy.Do(name)
}
