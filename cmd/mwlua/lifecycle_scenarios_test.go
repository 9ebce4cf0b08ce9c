package main

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// A configuration begins with one of these.
const (
	global = "global\n    master-worker\n"
	goOn   = "global\n    master-worker no-exit-on-failure\n"
)

// notAtReload is the option, as a line of a section.
const notAtReload = "    no option start-on-reload\n"

// broken is a line that no release of HAProxy knows.
const broken = "    unknown-keyword\n"

// section declares a testProgram.
func section(name string, args ...string) string {
	return command(name, strings.Join(append([]string{"./" + lifecycleProgram, "name=" + name}, args...), " "))
}

// sleeper declares a program that tells of nothing. One that a master may end while it starts is no testProgram, because
// it would be chance whether it gets to tell of its start.
func sleeper(name string) string { return command(name, "sleep 3600") }

// missing declares a program that cannot be executed.
func missing(name string) string { return command(name, "./missing") }

func command(name, line string) string {
	return fmt.Sprintf("program %s\n    command %s\n", name, line)
}

// reloadScenarios are about what a reload does to the programs.
func reloadScenarios() []scenario {
	two := global + section("a") + section("b")
	return []scenario{{
		name:   "reload by SIGUSR2",
		facts:  "H-6.4, D-4",
		config: two,
		script: func(r *run) { reloadTwo(r, "USR2") },
		want:   reloadedTwo,
	}, {
		name:   "reload by SIGHUP",
		facts:  "H-6.4",
		config: two,
		script: func(r *run) { reloadTwo(r, "HUP") },
		want:   reloadedTwo,
	}, {
		name:   "SIGUSR1 goes out before the new instance starts",
		facts:  "H-6.4, H-6.22",
		config: global + section("a", "look"),
		script: func(r *run) {
			r.did("a#1 start")
			r.freeze("a#1") // so that its SIGUSR1 stays where a#2 can see it
			r.reload("USR2")
			r.did("a#2 start")
			r.kill("a#1", unix.SIGCONT)
			r.reported("a#1")
			r.signal("TERM")
		},
		want: `
			a#1 start USR1:dies                 | former:138
			a#2 start after:USR1(a#1) TERM:dies | current:143
			master exit:0                       | a#1 loaded reload a#2 loaded stop end:0`,
	}, {
		name:   "former instances that survive SIGUSR1 get it again at each reload",
		facts:  "H-6.8",
		config: global + section("a", "ignore=USR1"),
		script: func(r *run) {
			r.did("a#1 start")
			r.reload("USR2")
			r.did("a#1 start USR1", "a#2 start")
			r.reload("USR2")
			r.did("a#1 start USR1 USR1", "a#2 start USR1", "a#3 start")
			r.reload("USR2")
			r.did("a#1 start USR1 USR1 USR1", "a#2 start USR1 USR1", "a#3 start USR1", "a#4 start")
			r.signal("TERM")
		},
		want: `
			a#1 start USR1 USR1 USR1 TERM:dies | former:143
			a#2 start USR1 USR1 TERM:dies      | former:143
			a#3 start USR1 TERM:dies           | former:143
			a#4 start TERM:dies                | current:143
			master exit:0                      | a#1 loaded reload a#2 loaded reload a#3 loaded reload a#4 loaded stop end:0`,
	}, {
		name:   "reloads with a broken configuration change nothing",
		facts:  "H-6.10",
		config: global + section("a"),
		script: func(r *run) {
			r.did("a#1 start")
			r.configure(global + section("a") + broken)
			r.reloadFails()
			r.reloadFails()
			r.configure(global + section("a"))
			r.reload("USR2")
			r.did("a#2 start")
			r.reported("a#1")
			r.signal("TERM")
		},
		want: `
			a#1 start USR1:dies | former:138
			a#2 start TERM:dies | current:143
			master exit:0       | a#1 loaded reload not-loaded reload not-loaded reload a#2 loaded stop end:0`,
	}, {
		name:   "after a broken configuration a program still is a current one",
		facts:  "H-6.10",
		config: two,
		script: func(r *run) {
			r.did("a#1 start", "b#1 start")
			r.configure(two + broken)
			r.reloadFails()
			r.kill("a#1", unix.SIGKILL)
		},
		want: `
			a#1 start           | current:137
			b#1 start TERM:dies | current:143
			master exit:137     | a#1 b#1 loaded reload not-loaded failure end:137`,
	}, {
		name:   "a program is removed and another added",
		facts:  "H-6.6",
		config: two,
		script: func(r *run) {
			r.did("a#1 start", "b#1 start")
			r.configure(global + section("b") + section("c"))
			r.reload("USR2")
			r.did("b#2 start", "c#1 start")
			r.reported("a#1", "b#1")
			r.signal("TERM")
		},
		want: `
			a#1 start USR1:dies | former:138
			b#1 start USR1:dies | former:138
			b#2 start TERM:dies | current:143
			c#1 start TERM:dies | current:143
			master exit:0       | a#1 b#1 loaded reload b#2 c#1 loaded stop end:0`,
	}, {
		name:   "a removed program that survives SIGUSR1 stays until the stop",
		facts:  "H-6.6",
		config: global + section("a", "ignore=USR1"),
		script: func(r *run) {
			r.did("a#1 start")
			r.configure(global)
			r.reload("USR2")
			r.did("a#1 start USR1")
			r.reload("USR2")
			r.did("a#1 start USR1 USR1")
			r.signal("TERM")
		},
		want: `
			a#1 start USR1 USR1 TERM:dies | former:143
			master exit:0                 | a#1 loaded reload loaded reload loaded stop end:0`,
	}, {
		name:   "a renamed program is one removed and one added",
		facts:  "H-6.7",
		config: global + section("a"),
		script: func(r *run) {
			r.did("a#1 start")
			r.configure(global + section("b"))
			r.reload("USR2")
			r.did("b#1 start")
			r.reported("a#1")
			r.signal("TERM")
		},
		want: `
			a#1 start USR1:dies | former:138
			b#1 start TERM:dies | current:143
			master exit:0       | a#1 loaded reload b#1 loaded stop end:0`,
	}, {
		name:   "without start-on-reload an instance that survives SIGUSR1 is kept",
		facts:  "H-6.9",
		config: global + section("a", "ignore=USR1") + notAtReload,
		script: func(r *run) {
			r.did("a#1 start")
			r.reload("USR2")
			r.did("a#1 start USR1")
			r.reload("USR2")
			r.did("a#1 start USR1 USR1")
			r.reload("USR2")
			r.did("a#1 start USR1 USR1 USR1")
			r.signal("TERM")
		},
		want: `
			a#1 start USR1 USR1 USR1 TERM:dies | former:143
			master exit:0                      | a#1 loaded reload loaded reload loaded reload loaded stop end:0`,
		differs: &difference{
			fact: "T-4: it stays current",
			want: `
			a#1 start USR1 USR1 USR1 TERM:dies | current:143
			master exit:0                      | a#1 loaded reload loaded reload loaded reload loaded stop end:0`,
		},
	}, {
		name:   "without start-on-reload an instance that dies of SIGUSR1 is gone for good",
		facts:  "H-6.9",
		config: global + section("a") + notAtReload + section("b"),
		script: func(r *run) {
			r.did("a#1 start", "b#1 start")
			r.reload("USR2")
			r.did("b#2 start")
			r.reported("a#1", "b#1")
			r.reload("USR2")
			r.did("b#3 start")
			r.reported("b#2")
			r.signal("TERM")
		},
		want: `
			a#1 start USR1:dies | former:138
			b#1 start USR1:dies | former:138
			b#2 start USR1:dies | former:138
			b#3 start TERM:dies | current:143
			master exit:0       | a#1 b#1 loaded reload b#2 loaded reload b#3 loaded stop end:0`,
		differs: &difference{
			fact: "T-4: it was current, and dying of our own reload signal is no failure",
			want: `
			a#1 start USR1:dies | current:138
			b#1 start USR1:dies | former:138
			b#2 start USR1:dies | former:138
			b#3 start TERM:dies | current:143
			master exit:0       | a#1 b#1 loaded reload b#2 loaded reload b#3 loaded stop end:0`,
		},
	}, {
		name:   "without start-on-reload a program that a reload adds is never started",
		facts:  "H-6.9f",
		config: global + section("b"),
		script: func(r *run) {
			r.did("b#1 start")
			r.configure(global + section("a") + notAtReload + section("b"))
			r.reload("USR2")
			r.did("b#2 start")
			r.reported("b#1")
			r.reload("USR2")
			r.did("b#3 start")
			r.reported("b#2")
			r.signal("TERM")
		},
		want: `
			b#1 start USR1:dies | former:138
			b#2 start USR1:dies | former:138
			b#3 start TERM:dies | current:143
			master exit:0       | b#1 loaded reload b#2 loaded reload b#3 loaded stop end:0`,
	}, {
		name:   "a program that exited 0 is started again by a reload",
		facts:  "H-6.24, H-6.27",
		config: two,
		script: func(r *run) {
			r.did("a#1 start", "b#1 start")
			r.exits("a#1")
			r.reported("a#1")
			r.reload("USR2")
			r.did("a#2 start", "b#2 start")
			r.reported("b#1")
			r.signal("TERM")
		},
		want: `
			a#1 start exit:0    | current:0
			b#1 start USR1:dies | former:138
			a#2 start TERM:dies | current:143
			b#2 start TERM:dies | current:143
			master exit:0       | a#1 b#1 loaded reload a#2 b#2 loaded stop end:0`,
	}}
}

func reloadTwo(r *run, signal string) {
	r.did("a#1 start", "b#1 start")
	r.reload(signal)
	r.did("a#2 start", "b#2 start")
	r.reported("a#1", "b#1")
	r.signal("TERM")
}

const reloadedTwo = `
	a#1 start USR1:dies | former:138
	b#1 start USR1:dies | former:138
	a#2 start TERM:dies | current:143
	b#2 start TERM:dies | current:143
	master exit:0       | a#1 b#1 loaded reload a#2 b#2 loaded stop end:0`

// exitScenarios are about what follows when a program ends that nobody asked to.
func exitScenarios() []scenario {
	list := []scenario{
		failure("exit 1", "exit=1", unix.SIGALRM, "exit:1", 1),
		failure("exit 3", "exit=3", unix.SIGALRM, "exit:3", 3),
		failure("exit 255", "exit=255", unix.SIGALRM, "exit:255", 255),
		failure("death by SIGKILL", "", unix.SIGKILL, "", 137),
		failure("death by SIGHUP", "", unix.SIGHUP, "HUP:dies", 129),
		quietEnd("exit 0", "exit=0", unix.SIGALRM, "exit:0", 0, 0),
		quietEnd("exit 143", "exit=143", unix.SIGALRM, "exit:143", 143, 0),
		quietEnd("exit 130", "exit=130", unix.SIGALRM, "exit:130", 130, 130),
		quietEnd("death by SIGTERM", "", unix.SIGTERM, "TERM:dies", 143, 0),
		quietEnd("death by SIGINT", "", unix.SIGINT, "INT:dies", 130, 130),
	}
	return append(list, scenario{
		name:   "the first status that is neither 0 nor 143 is the master's",
		facts:  "H-6.24",
		config: global + section("a", "exit=130") + section("b", "exit=3") + section("c"),
		script: func(r *run) {
			r.did("a#1 start", "b#1 start", "c#1 start")
			r.exits("a#1")
			r.reported("a#1")
			r.exits("b#1")
		},
		want: `
			a#1 start exit:130  | current:130
			b#1 start exit:3    | current:3
			c#1 start TERM:dies | current:143
			master exit:130     | a#1 b#1 c#1 loaded failure end:130`,
	}, scenario{
		name:   "a reload forgets the status to exit with",
		facts:  "H-6.17, T-14",
		config: global + section("a", "exit=130"),
		script: func(r *run) {
			r.did("a#1 start")
			r.exits("a#1")
			r.reported("a#1")
			r.reload("USR2")
			r.did("a#2 start")
			r.signal("TERM")
		},
		want: `
			a#1 start exit:130  | current:130
			a#2 start TERM:dies | current:143
			master exit:0       | a#1 loaded reload a#2 loaded stop end:0`,
	}, scenario{
		name:   "the end of a former instance has no effect",
		facts:  "H-6.25",
		config: global + section("a", "ignore=USR1", "exit=7"),
		script: func(r *run) {
			r.did("a#1 start")
			r.reload("USR2")
			r.did("a#1 start USR1", "a#2 start")
			r.exits("a#1")
			r.reported("a#1")
			r.signal("TERM")
		},
		want: `
			a#1 start USR1 exit:7 | former:7
			a#2 start TERM:dies   | current:143
			master exit:0         | a#1 loaded reload a#2 loaded stop end:0`,
	}, scenario{
		name:   "no-exit-on-failure",
		facts:  "H-4.7",
		config: goOn + section("a", "exit=3") + section("b"),
		script: func(r *run) {
			r.did("a#1 start", "b#1 start")
			r.exits("a#1")
		},
		want: `
			a#1 start exit:3    | current:3
			b#1 start TERM:dies | current:143
			master exit:3       | a#1 b#1 loaded failure end:3`,
		differs: &difference{
			fact: "T-12: it is honoured; the status is remembered (H-6.24)",
			script: func(r *run) {
				r.did("a#1 start", "b#1 start")
				r.exits("a#1")
				r.reported("a#1")
				r.signal("TERM")
			},
			want: `
			a#1 start exit:3    | current:3
			b#1 start TERM:dies | current:143
			master exit:3       | a#1 b#1 loaded stop end:3`,
		},
	}, scenario{
		name:   "a program cannot be executed at the first start",
		facts:  "H-6.30a",
		config: global + sleeper("a") + missing("b"),
		early:  true,
		script: func(*run) {},
		want: `
			a#1           | current:143
			b#1           | cannot-execute current:1
			master exit:1 | a#1 b#1 loaded failure end:1`,
		differs: &difference{
			fact: "T-8: known before anything is forked; the consequence is the same",
			want: `
			a#1           | current:143
			master exit:1 | a#1 cannot-execute failure end:1`,
		},
	}, scenario{
		name:   "a program cannot be executed after a reload",
		facts:  "H-6.30b",
		config: global + sleeper("a") + sleeper("b"),
		script: func(r *run) {
			r.configure(global + sleeper("a") + missing("b"))
			r.reload("USR2")
			r.reported("a#1", "b#1", "b#2")
			r.signal("TERM")
		},
		want: `
			a#1           | former:138
			b#1           | former:138
			a#2           | current:143
			b#2           | cannot-execute current:0
			master exit:0 | a#1 b#1 loaded reload a#2 b#2 loaded stop end:0`,
		differs: &difference{
			fact: "T-9: it is a failure after a reload as it is at the start",
			script: func(r *run) {
				r.configure(global + sleeper("a") + missing("b"))
				r.signal("USR2")
			},
			want: `
			a#1           | former:138
			b#1           | former:138
			a#2           | current:143
			master exit:1 | a#1 b#1 loaded reload a#2 cannot-execute failure end:1`,
		},
	}, scenario{
		name:   "no-exit-on-failure and a program that cannot be executed",
		facts:  "H-6.30a, H-4.7",
		config: goOn + sleeper("a") + missing("b"),
		early:  true,
		script: func(*run) {},
		want: `
			a#1           | current:143
			b#1           | cannot-execute current:1
			master exit:1 | a#1 b#1 loaded failure end:1`,
		differs: &difference{
			fact: "T-8, T-12: only that program is concerned; the status is remembered (H-6.24)",
			script: func(r *run) {
				r.loaded()
				r.signal("TERM")
			},
			want: `
			a#1           | current:143
			master exit:1 | a#1 cannot-execute loaded stop end:1`,
		},
	})
}

// failure ends a program in a way that stops the others and the master.
func failure(how, arg string, signal unix.Signal, event string, status int) scenario {
	return scenario{
		name:   "exit-on-failure after " + how,
		facts:  "H-6.23, H-6.24",
		config: global + section("a", words(arg)...) + section("b"),
		script: func(r *run) {
			r.did("a#1 start", "b#1 start")
			r.kill("a#1", signal)
		},
		want: fmt.Sprintf(`
			a#1 start %[1]s     | current:%[2]d
			b#1 start TERM:dies | current:143
			master exit:%[2]d   | a#1 b#1 loaded failure end:%[2]d`, event, status),
	}
}

// quietEnd ends a program in a way that leaves the others alone.
func quietEnd(how, arg string, signal unix.Signal, event string, status, master int) scenario {
	return scenario{
		name:   "no exit-on-failure after " + how,
		facts:  "H-6.23, H-6.24",
		config: global + section("a", words(arg)...) + section("b"),
		script: func(r *run) {
			r.did("a#1 start", "b#1 start")
			r.kill("a#1", signal)
			r.reported("a#1")
			r.signal("TERM")
		},
		want: fmt.Sprintf(`
			a#1 start %[1]s     | current:%[2]d
			b#1 start TERM:dies | current:143
			master exit:%[3]d   | a#1 b#1 loaded stop end:%[3]d`, event, status, master),
	}
}

func words(arg string) []string { return strings.Fields(arg) }

// stopScenarios are about signals that end the master.
func stopScenarios() []scenario {
	return []scenario{{
		name:   "two programs start, and stop by SIGTERM",
		facts:  "H-6.1, H-6.18",
		config: global + section("a") + section("b"),
		script: func(r *run) {
			r.did("a#1 start", "b#1 start")
			r.signal("TERM")
		},
		want: `
			a#1 start TERM:dies | current:143
			b#1 start TERM:dies | current:143
			master exit:0       | a#1 b#1 loaded stop end:0`,
	}, {
		name:   "stop by SIGINT",
		facts:  "H-6.19",
		config: global + section("a") + section("b"),
		script: func(r *run) {
			r.did("a#1 start", "b#1 start")
			r.signal("INT")
		},
		want: `
			a#1 start INT:dies | current:130
			b#1 start INT:dies | current:130
			master exit:130    | a#1 b#1 loaded stop end:130`,
	}, {
		name:   "SIGTERM again goes to the programs again",
		facts:  "H-6.18",
		config: global + section("a", "ignore=TERM"),
		script: func(r *run) {
			r.did("a#1 start")
			r.signal("TERM")
			r.did("a#1 start TERM")
			r.signal("TERM")
			r.did("a#1 start TERM TERM")
			r.exits("a#1")
		},
		want: `
			a#1 start TERM TERM exit:0 | current:0
			master exit:0              | a#1 loaded stop stop end:0`,
	}, {
		name:   "an instance exits with a failure after SIGTERM",
		facts:  "H-6.24",
		config: global + section("a", "ignore=TERM", "exit=3"),
		script: func(r *run) {
			r.did("a#1 start")
			r.signal("TERM")
			r.did("a#1 start TERM")
			r.exits("a#1")
		},
		want: `
			a#1 start TERM exit:3 | current:3
			master exit:3         | a#1 loaded stop failure end:3`,
		differs: &difference{
			fact: "T-5: after a stop every end is an expected one",
			want: `
			a#1 start TERM exit:3 | current:3
			master exit:0         | a#1 loaded stop end:0`,
		},
	}, {
		name:   "soft stop of a program that dies of SIGUSR1",
		facts:  "H-6.20",
		config: global + section("a"),
		script: func(r *run) {
			r.did("a#1 start")
			r.signal("USR1")
		},
		want: `
			a#1 start USR1:dies | current:138
			master exit:138     | a#1 loaded stop failure end:138`,
		differs: &difference{
			fact: "T-5: a death by our own signal is an expected end",
			want: `
			a#1 start USR1:dies | current:138
			master exit:0       | a#1 loaded stop end:0`,
		},
	}, {
		name:   "soft stop of a program that survives SIGUSR1 and exits later",
		facts:  "H-6.20",
		config: global + section("a", "ignore=USR1"),
		script: func(r *run) {
			r.did("a#1 start")
			r.signal("USR1")
			r.did("a#1 start USR1")
			r.exits("a#1")
		},
		want: `
			a#1 start USR1 exit:0 | current:0
			master exit:0         | a#1 loaded stop end:0`,
	}, {
		name:   "a stop reaches former instances",
		facts:  "H-6.18",
		config: global + section("a", "ignore=USR1"),
		script: func(r *run) {
			r.did("a#1 start")
			r.reload("USR2")
			r.did("a#1 start USR1", "a#2 start")
			r.signal("INT")
		},
		want: `
			a#1 start USR1 INT:dies | former:130
			a#2 start INT:dies      | current:130
			master exit:130         | a#1 loaded reload a#2 loaded stop end:130`,
	}, {
		name:   "reload while a stop is in progress",
		facts:  "H-6.15",
		config: global + section("a", "ignore=TERM,USR1"),
		script: func(r *run) {
			r.did("a#1 start")
			r.signal("TERM")
			r.did("a#1 start TERM")
			r.reload("USR2") // the stop is forgotten
			r.did("a#1 start TERM USR1", "a#2 start")
			r.signal("TERM")
			r.did("a#1 start TERM USR1 TERM", "a#2 start TERM")
			r.exits("a#1")
			r.exits("a#2")
		},
		want: `
			a#1 start TERM USR1 TERM exit:0 | former:0
			a#2 start TERM exit:0           | current:0
			master exit:0                   | a#1 loaded stop reload a#2 loaded stop end:0`,
		differs: &difference{
			fact: "T-3: a stop wins over a reload",
			script: func(r *run) {
				r.did("a#1 start")
				r.signal("TERM")
				r.did("a#1 start TERM")
				r.signal("USR2")
				r.signal("TERM") // once a#1 has it, SIGUSR2 was looked at as well
				r.did("a#1 start TERM TERM")
				r.exits("a#1")
			},
			want: `
			a#1 start TERM TERM exit:0 | current:0
			master exit:0              | a#1 loaded stop stop end:0`,
		},
	}}
}
