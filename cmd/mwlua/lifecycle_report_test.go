package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// report is what is known of a run. It names instances a#1, a#2, b#1 where the run had pids, and has no times, so that
// two runs of one scenario give the same report, whatever the master.
type report struct {
	instances []*instance // in order of birth
	status    string      // how the master ended
	said      []string    // the lines of the master's log that are not about the end of an instance, a word each
}

// instance is one run of a program.
type instance struct {
	name string
	pid  int
	seq  int      // among those of its name
	did  []string // its own events
	said []string // how the master reported its end
}

func (in *instance) String() string { return in.name + "#" + strconv.Itoa(in.seq) }

// event is one line of the file of events.
type event struct {
	name  string
	pid   int
	words []string
}

// eventLine is the form of testProgram.tell.
var eventLine = regexp.MustCompile(`(?m)^\d+ (\w+)\[(\d+)\] (.+)\n`)

// readEvents returns the events that the programs in dir told so far.
func readEvents(dir string) (events []event) {
	text, _ := os.ReadFile(filepath.Join(dir, eventsFile)) // not there until the first program tells something
	for _, m := range eventLine.FindAllStringSubmatch(string(text), -1) {
		pid, _ := strconv.Atoi(m[2])
		events = append(events, event{name: m[1], pid: pid, words: strings.Fields(m[3])})
	}
	return events
}

// newReport puts the events and the log of a master together.
func newReport(master int, events []event, log string) *report {
	r := &report{}
	lines := readMasterLog(master, log)
	for _, e := range events {
		r.add(e.name, e.pid)
	}
	for _, l := range lines {
		if l.word == "forked" {
			r.add(l.name, l.pid) // one that never ran, or is no testProgram, told nothing
		}
	}
	r.number(master)
	for _, e := range events {
		in := r.find(e.pid)
		for _, word := range e.words {
			in.did = append(in.did, r.rename(master, word))
		}
	}
	for _, l := range lines {
		r.say(l)
	}
	return r
}

func (r *report) add(name string, pid int) {
	if r.find(pid) == nil {
		r.instances = append(r.instances, &instance{name: name, pid: pid})
	}
}

func (r *report) find(pid int) *instance {
	for _, in := range r.instances {
		if in.pid == pid {
			return in
		}
	}
	return nil
}

// number puts the instances in order of birth. Pids are handed out in a circle, so those of the master's children are
// ordered by their distance from the master's.
func (r *report) number(master int) {
	limit := pidLimit()
	age := func(in *instance) int { return (in.pid - master + limit) % limit }
	slices.SortFunc(r.instances, func(a, b *instance) int { return cmp.Compare(age(a), age(b)) })
	count := make(map[string]int)
	for _, in := range r.instances {
		count[in.name]++
		in.seq = count[in.name]
	}
}

func pidLimit() int {
	text, _ := os.ReadFile("/proc/sys/kernel/pid_max")
	limit, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 1 << 22 // the largest that Linux has
	}
	return limit
}

var pidInEvent = regexp.MustCompile(`\[(\d+)\]$`)

// rename replaces the pid at the end of a word by who has it.
func (r *report) rename(master int, word string) string {
	m := pidInEvent.FindStringSubmatch(word)
	if m == nil {
		return word
	}
	who := "somebody"
	pid, _ := strconv.Atoi(m[1])
	if in := r.find(pid); in != nil {
		who = in.String()
	} else if pid == master {
		who = "master"
	}
	return strings.Replace(word, m[0], "("+who+")", 1)
}

// say files a line of the master's log under whom it is about.
func (r *report) say(l logLine) {
	in := r.find(l.pid)
	switch {
	case in == nil && l.name != "":
		r.said = append(r.said, l.word+"("+l.name+")")
	case in == nil:
		r.said = append(r.said, l.word)
	case l.word == "forked":
		r.said = append(r.said, in.String())
	default:
		in.said = append(in.said, l.word)
	}
}

// trace is what happened, an instance a line.
func (r *report) trace() []string {
	var lines []string
	for _, in := range r.instances {
		lines = append(lines, in.trace())
	}
	return append(lines, "master "+r.status)
}

// trace leaves out what is as it should be of every instance: that it is a child of the master (H-5.1).
func (in *instance) trace() string {
	words := slices.DeleteFunc(slices.Clone(in.did), func(w string) bool { return w == "parent(master)" })
	return strings.Join(append([]string{in.String()}, words...), " ")
}

// log is what the master said of it, line for line.
func (r *report) log() []string {
	var lines []string
	for _, in := range r.instances {
		lines = append(lines, strings.Join(in.said, " "))
	}
	return append(lines, strings.Join(r.said, " "))
}

// logLine is a line of the master's log that scenarios compare.
type logLine struct {
	word string // what it says, in short
	name string // the program that it is about
	pid  int    // the instance that it is about
}

// masterSays are the lines that name no program (H-10.3).
var masterSays = map[string]string{
	"NOTICE Loading success.":                                     "loaded",
	"WARNING Loading failure!":                                    "not-loaded",
	"NOTICE Reloading HAProxy":                                    "reload",
	"WARNING Exiting Master process...":                           "stop",
	"ALERT exit-on-failure: killing every processes with SIGTERM": "failure",
	"ALERT Cannot execute ./missing: No such file or directory":   "cannot-execute",
}

var (
	anyLine   = regexp.MustCompile(`^\[(NOTICE|WARNING|ALERT)\]( +)\((\d+)\) : (.*)$`)
	forkLine  = regexp.MustCompile(`^NOTICE New program '(.*)' \((\d+)\) forked$`)
	exitLine  = regexp.MustCompile(`^(ALERT Current|WARNING Former) program '(.*)' \((\d+)\) exited with code (\d+) \((.*)\)$`)
	leaveLine = regexp.MustCompile(`^WARNING All workers exited\. Exiting\.\.\. \((\d+)\)$`)
)

// readMasterLog picks the lines about programs that are written exactly as HAProxy writes them. It drops others: HAProxy's
// about its worker, its version and its sockets, and whatever mwlua has to say beyond HAProxy.
func readMasterLog(master int, log string) (lines []logLine) {
	for _, text := range strings.Split(log, "\n") {
		m := anyLine.FindStringSubmatch(text)
		if m == nil || len(m[1]+m[2])+len("[]") != 11 {
			continue
		}
		writer, _ := strconv.Atoi(m[3])
		l := readLogLine(m[1] + " " + m[4])
		switch {
		case l.word == "cannot-execute": // HAProxy's child writes it, mwlua itself
			lines = append(lines, logLine{word: l.word, pid: writer})
		case l.word != "" && writer == master:
			lines = append(lines, l)
		}
	}
	return lines
}

func readLogLine(text string) logLine {
	if word := masterSays[text]; word != "" {
		return logLine{word: word}
	}
	if m := leaveLine.FindStringSubmatch(text); m != nil {
		return logLine{word: "end:" + m[1]}
	}
	if m := forkLine.FindStringSubmatch(text); m != nil {
		pid, _ := strconv.Atoi(m[2])
		return logLine{word: "forked", name: m[1], pid: pid}
	}
	if m := exitLine.FindStringSubmatch(text); m != nil {
		pid, _ := strconv.Atoi(m[3])
		return logLine{word: exitWord(m[1], m[4], m[5]), name: m[2], pid: pid}
	}
	return logLine{}
}

// exitWord is "current:143" or "former:143", followed by the name of the exit only when it is not the one of H-6.23.
func exitWord(which, status, name string) string {
	_, which, _ = strings.Cut(which, " ")
	word := strings.ToLower(which) + ":" + status
	if n, _ := strconv.Atoi(status); name != exitName(n) {
		word += fmt.Sprintf("(%s)", name)
	}
	return word
}

// exitName is how HAProxy names a status: strsignal(3) for any above 128, be it from a signal or not (H-6.23).
func exitName(status int) string {
	if status < 128 {
		return "Exit"
	}
	name := syscall.Signal(status - 128).String()
	if n, ok := strings.CutPrefix(name, "signal "); ok {
		return "Unknown signal " + n
	}
	return strings.ToUpper(name[:1]) + name[1:]
}
