package lua

import (
	lua "github.com/yuin/gopher-lua"

	"github.com/mwlua/mwlua/core/policy"
)

// actions are what a verdict can say.
func actions() []string {
	return []string{string(policy.Default), string(policy.Restart), string(policy.Stop), string(policy.Fail), string(policy.Shutdown)}
}

// verdictFields are the keys of a verdict.
func verdictFields() []field {
	return []field{
		{name: "action", kind: aChoice, choices: actions(), also: []string{"do", "verdict", "what"},
			doc: "\"restart\": it is started again. \"stop\": it stays down, and that is fine. \"fail\": it stays down, and counts as " +
				"failed. \"shutdown\": everything is stopped. \"default\": the next in `on_exit` is asked, and in the end `restart`. Required.",
			set: func(d *draft, v value) {
				if c, ok := v.choice(actions()); ok {
					d.verdict.Do = policy.Do(c)
				}
			},
			get: neverWritten},
		{name: "delay", kind: aDuration, value: `"0s"`, also: []string{"after", "wait"},
			doc: "How long to wait before a restart, at most 24 hours.",
			set: func(d *draft, v value) {
				t, ok := v.duration()
				if ok && t > policy.MaxDelay {
					v.errorf("expected at most %s, got %s", durationText(policy.MaxDelay), describe(v.lv))
				} else if ok {
					d.verdict.Delay = t
				}
			},
			get: neverWritten},
		{name: "reason", kind: aString, doc: "Why, for the log: a few words, at most 1 KiB.", also: []string{"message", "text"},
			set: func(d *draft, v value) {
				text, ok := v.text()
				if ok && len(text) > policy.MaxReason {
					v.errorf("is %d bytes long, at most %d are taken", len(text), policy.MaxReason)
				} else if ok {
					d.verdict.Reason = line(text)
				}
			},
			get: neverWritten},
		{name: "exit_code", kind: anInteger, value: "0", also: []string{"code", "status", "exitcode"},
			doc: "What mwlua ends with, from 0 to 255, whenever it does. The first that is not 0 counts.",
			set: func(d *draft, v value) {
				if n, ok := v.integer(0, 255); ok {
					d.verdict.ExitCode = n
				}
			},
			get: neverWritten},
		boolField("reset", "false", "Whether the count of failures in a row begins again.", func(d *draft) *bool { return &d.verdict.Reset }),
	}
}

// verdict is what a handler answered: nil, an action, or a table. It reports what is wrong, and is false then.
func (v value) verdict() (policy.Verdict, bool) {
	switch lv := v.lv.(type) {
	case *lua.LNilType:
		return policy.Verdict{Do: policy.Default}, true
	case lua.LString:
		c, ok := v.choice(actions())
		return policy.Verdict{Do: policy.Do(c)}, ok
	case *lua.LTable:
		d := &v.l.answered
		d.verdict = policy.Verdict{}
		before := v.l.errors
		v.decode(d, v.l.fields.verdict)
		if lv.RawGetString("action") == lua.LNil && v.l.errors == before {
			v.errorf("action: is required in a table: write action = \"restart\" or another one")
		}
		return d.verdict, v.l.errors == before
	}
	v.expected("nil, an action such as \"restart\", or a table such as { action = \"restart\", delay = \"5s\" }")
	return policy.Verdict{}, false
}

// verdictTable is a verdict as a handler could answer it.
func verdictTable(L *lua.LState, v policy.Verdict) *lua.LTable {
	table := L.CreateTable(0, 5)
	table.RawSetString("action", lua.LString(v.Do))
	table.RawSetString("delay", lua.LString(plainDuration(v.Delay)))
	table.RawSetString("reason", lua.LString(v.Reason))
	table.RawSetString("exit_code", lua.LNumber(v.ExitCode))
	table.RawSetString("reset", lua.LBool(v.Reset))
	return table
}
