package mastercli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// command is a row of the help text. Its words are what has to be typed, but for targets, which session.route handles.
type command struct {
	words, usage, text string
}

// dialect is how the releases differ.
type dialect struct {
	commands []command // in the order in which HAProxy knows them, which decides between equally good suggestions
	unlisted []command // work as well
	prompt   string    // the usage of `prompt`
	modern   bool      // 3.x: name the unknown word, keep silent on an empty line, accept `set severity-output`
}

// newDialect returns that of 2.6.12 for a 2.x version, and else that of 3.2.0. Commands that 2.6 had not work in the former too
// (D-7), and stay out of its help, so that this is what scripts know.
func newDialect(version string) dialect {
	level := command{"show cli level", "", "display the level of the current CLI session"}
	sockets := command{"show cli sockets", "", "dump list of cli sockets"}
	operator := command{"operator", "", "lower the level of the current CLI session to operator"}
	user := command{"user", "", "lower the level of the current CLI session to user"}
	show := command{"show version", "", "show version of the current process"}
	logs := command{"show startup-logs", "", "report logs emitted during HAProxy startup"}
	hard := command{"hard-reload", "", "achieve a hard-reload (-st) of haproxy"}
	master := []command{
		{"@<relative pid>", "", "send a command to the <relative pid> process"},
		{"@!<pid>", "", "send a command to the <pid> process"},
		{"@master", "", "send a command to the master process"},
		{"show proc", "", "show processes status"},
	}
	if strings.HasPrefix(version, "2.") {
		return dialect{
			commands: slices.Concat([]command{sockets, level, show, operator, user}, master, []command{{"reload", "", "reload haproxy"}}),
			unlisted: []command{hard, logs},
			prompt:   "prompt",
		}
	}
	return dialect{
		commands: slices.Concat([]command{
			{"echo", "echo <text>", "print text to the output"},
			{"show env", "show env [var]", "dump environment variables known to the process"},
			sockets, level, show, operator, user, logs,
		}, master, []command{{"reload", "", "achieve a soft-reload (-sf) of haproxy"}, hard}),
		unlisted: []command{{words: "_loadstatus"}},
		prompt:   "prompt [help | n | i | p | timed ]*",
		modern:   true,
	}
}

func (c command) split() []string {
	if strings.HasPrefix(c.words, "@") {
		return []string{c.words} // "@<relative pid>" is one word
	}
	return strings.Fields(c.words)
}

func (c command) line() string {
	return fmt.Sprintf("  %-40s: %s\n", cmp.Or(c.usage, c.words), c.text)
}

// find returns the words of the command that words begin with, "" if there is none. What follows them is its arguments.
func (d dialect) find(words []string) string {
	for _, c := range slices.Concat(d.commands, d.unlisted) {
		if n := len(c.split()); len(words) >= n && slices.Equal(c.split(), words[:n]) {
			return c.words
		}
	}
	return ""
}

// help answers `help` followed by words.
func (d dialect) help(words []string) string {
	return "The following commands are valid at this level:\n" + d.list(words)
}

// unknown answers words that are no command; none is the empty line.
func (d dialect) unknown(words []string) string {
	text := "Unknown command"
	if d.modern && len(words) > 0 {
		text += fmt.Sprintf(": '%s'", words[0])
	}
	if len(words) == 0 {
		return text + ". Please enter one of the following commands only:\n" + d.list(nil)
	}
	return text + ", but maybe one of the following ones is a better match:\n" + d.list(words)
}

// list returns the lines of the commands that suit words best, and of those that are always shown.
func (d dialect) list(words []string) string {
	commands := d.suggest(words)
	slices.SortFunc(commands, func(a, b command) int { return strings.Compare(a.line(), b.line()) })
	var t strings.Builder
	for _, c := range commands {
		t.WriteString(c.line())
	}
	t.WriteString(command{"help [<command>]", "", "list matching or all commands"}.line())
	t.WriteString(command{d.prompt, "", "toggle interactive mode with prompt"}.line())
	t.WriteString(command{"quit", "", "disconnect"}.line())
	return t.String()
}

// Limits of a suggestion, as in HAProxy.
const (
	mostSuggestions = 5
	mostWords       = 5 // of a command line that count
)

// suggest returns the commands that begin with as many of words as any does. If words go on after that, it returns up to 5
// of them whose rest is most like that of words, if any is like it at all.
//
// The measure is HAProxy's, so the answer is its answer for the commands of a master, those with a recording and those without. It
// differs where we have other commands: under mcli-debug-mode, which shows those of a worker, and in 2.7 to 3.1, whose help
// lies between the two that we speak.
func (d dialect) suggest(words []string) []command {
	matching := 0
	for _, c := range d.commands {
		matching = max(matching, commonStart(c.split(), words))
	}
	type candidate struct {
		command
		distance int
	}
	var all []command
	var near []candidate
	for _, c := range d.commands {
		if commonStart(c.split(), words) < matching {
			continue
		}
		all = append(all, c)
		if matching < len(words) {
			typed, known := words[matching:min(len(words), mostWords)], c.split()[matching:]
			length := len(strings.Join(typed, "")) + len(strings.Join(known, ""))
			if d := distance(typed, known); d < 5*length/2 {
				near = append(near, candidate{c, d})
			}
		}
	}
	if len(near) == 0 {
		return all
	}
	slices.SortStableFunc(near, func(a, b candidate) int { return a.distance - b.distance })
	all = nil
	for _, c := range near[:min(len(near), mostSuggestions)] {
		if c.distance <= 5*near[0].distance/2 {
			all = append(all, c.command)
		}
	}
	return all
}

func commonStart(a, b []string) int {
	n := 0
	for n < len(a) && n < len(b) && n < mostWords && a[n] == b[n] {
		n++
	}
	return n
}

// fingerprint counts which letter follows which in words, and in row 0 marks those that occur at all.
type fingerprint [32][32]uint8

// edge stands for the beginning and the end of a word, and for what is neither letter nor digit.
const (
	digit = 27
	edge  = 28
)

func (f *fingerprint) add(word string) {
	from := edge
	for _, c := range []byte(word) {
		to := edge
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
			to = int(c & 31)
		case c >= '0' && c <= '9':
			to = digit
		}
		f[0][to] = 1
		f[from][to]++
		from = to
	}
	f[from][edge]++
}

func distance(a, b []string) int {
	var x, y fingerprint
	for _, word := range a {
		x.add(word)
	}
	for _, word := range b {
		y.add(word)
	}
	sum := 0
	for i := range x {
		for j := range x[i] {
			sum += max(int(x[i][j])-int(y[i][j]), int(y[i][j])-int(x[i][j]))
		}
	}
	return sum
}
