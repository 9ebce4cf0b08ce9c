package luatest

import (
	"encoding/xml"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"
)

// Reporter writes results as they come, and what there is to say at the end. err is why a run was given up, nil if it was not.
type Reporter interface {
	Result(r Result, done, all int)
	End(err error)
}

// Formats are the names that NewReporter knows.
func Formats() []string { return []string{"pretty", "tap", "junit"} }

// NewReporter writes to w in a format. colour is for a terminal.
func NewReporter(w io.Writer, format string, colour bool) Reporter {
	switch format {
	case "tap":
		return &tap{w: w}
	case "junit":
		return &junit{w: w, begun: time.Now()}
	}
	return &pretty{w: w, colour: colour, begun: time.Now()}
}

// counts of results.
type counts struct{ passed, failed, skipped int }

func (c *counts) add(r Result) {
	switch r.Status {
	case Passed:
		c.passed++
	case Failed:
		c.failed++
	default:
		c.skipped++
	}
}

// pretty is for people.
type pretty struct {
	counts
	w      io.Writer
	colour bool
	begun  time.Time
	file   string
}

func (p *pretty) paint(code, text string) string {
	if !p.colour {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// Result implements Reporter.
func (p *pretty) Result(r Result, _, _ int) {
	p.add(r)
	if r.File != p.file {
		p.file = r.File
		fmt.Fprintf(p.w, "%s\n", p.file)
	}
	switch r.Status {
	case Passed:
		fmt.Fprintf(p.w, "  %s  %s%s\n", p.paint("32", "ok  "), r.Name, tookText(r.Took))
	case Skipped:
		fmt.Fprintf(p.w, "  %s  %s: %s\n", p.paint("33", "skip"), r.Name, r.Text)
	case Failed:
		fmt.Fprintf(p.w, "  %s  %s%s\n", p.paint("31", "FAIL"), r.Name, tookText(r.Took))
		fmt.Fprintf(p.w, "        %v: %s\n", r.Place, strings.ReplaceAll(r.Text, "\n", "\n          "))
		if len(r.Callers) > 0 {
			fmt.Fprintf(p.w, "        called from %s\n", strings.Join(r.Callers, ", from "))
		}
		p.block("what it printed", r.Output)
		p.block("the last lines of the log", r.Log)
		p.block("the end of the trace", splitLines(r.Trace))
		if r.Seed != 0 {
			fmt.Fprintf(p.w, "        the seed was %d: -seed %d makes the same world\n", r.Seed, r.Seed)
		}
	}
	if r.Kept != "" {
		fmt.Fprintf(p.w, "        its directory is kept: %s\n", r.Kept)
	}
}

func (p *pretty) block(what string, lines []string) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(p.w, "        %s:\n", what)
	for _, line := range lines {
		for part := range strings.SplitSeq(line, "\n") {
			fmt.Fprintf(p.w, "          %s\n", printable(part))
		}
	}
}

// End implements Reporter.
func (p *pretty) End(err error) {
	text := fmt.Sprintf("%d passed, %d failed, %d skipped in %v", p.passed, p.failed, p.skipped, time.Since(p.begun).Round(time.Millisecond))
	switch {
	case err != nil:
		text = p.paint("31", "given up") + ": " + err.Error() + "; " + text
	case p.failed > 0:
		text = p.paint("31", text)
	}
	fmt.Fprintln(p.w, text)
}

func tookText(d time.Duration) string {
	if d < 100*time.Millisecond {
		return ""
	}
	return fmt.Sprintf(" (%v)", d.Round(10*time.Millisecond))
}

func splitLines(text string) []string {
	if text = strings.TrimRight(text, "\n"); text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// printable keeps a line from doing something to a terminal.
func printable(line string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r == 0x7f || r == utf8.RuneError {
			return '\ufffd'
		}
		return r
	}, line)
}

// tap is the Test Anything Protocol, version 14.
type tap struct {
	counts
	w     io.Writer
	begun bool
}

// Result implements Reporter.
func (t *tap) Result(r Result, done, all int) {
	t.add(r)
	t.begin(all)
	name := tapText(filepath.Base(r.File) + ": " + r.Name)
	switch r.Status {
	case Passed:
		fmt.Fprintf(t.w, "ok %d - %s\n", done, name)
	case Skipped:
		fmt.Fprintf(t.w, "ok %d - %s # SKIP %s\n", done, name, tapText(r.Text))
	case Failed:
		fmt.Fprintf(t.w, "not ok %d - %s\n", done, name)
		fmt.Fprintf(t.w, "  ---\n  message: %s\n  at: %s\n", yamlText(r.Text), yamlText(r.Place.String()))
		if r.Seed != 0 {
			fmt.Fprintf(t.w, "  seed: %d\n", r.Seed)
		}
		t.list("callers", r.Callers)
		t.list("output", r.Output)
		t.list("log", r.Log)
		t.list("trace", splitLines(r.Trace))
		fmt.Fprintf(t.w, "  ...\n")
	}
}

func (t *tap) begin(all int) {
	if !t.begun {
		t.begun = true
		fmt.Fprintf(t.w, "TAP version 14\n1..%d\n", all)
	}
}

func (t *tap) list(key string, lines []string) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(t.w, "  %s:\n", key)
	for _, line := range lines {
		fmt.Fprintf(t.w, "    - %s\n", yamlText(line))
	}
}

// End implements Reporter.
func (t *tap) End(err error) {
	t.begin(0)
	if err != nil {
		fmt.Fprintf(t.w, "Bail out! %s\n", tapText(err.Error()))
	}
}

// tapText escapes what would end a description.
func tapText(text string) string {
	return strings.NewReplacer(`\`, `\\`, "#", `\#`, "\n", " ", "\r", " ").Replace(printable(text))
}

// yamlText is a double-quoted scalar.
func yamlText(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// junit is the XML that continuous integration reads, a testsuite for each file, written at the end.
type junit struct {
	w       io.Writer
	begun   time.Time
	results []Result
}

type (
	suites struct {
		XMLName xml.Name `xml:"testsuites"`
		Suites  []suite  `xml:"testsuite"`
	}
	suite struct {
		Name     string     `xml:"name,attr"`
		Tests    int        `xml:"tests,attr"`
		Failures int        `xml:"failures,attr"`
		Errors   int        `xml:"errors,attr"`
		Skipped  int        `xml:"skipped,attr"`
		Time     string     `xml:"time,attr"`
		Stamp    string     `xml:"timestamp,attr"`
		Cases    []testcase `xml:"testcase"`
		total    time.Duration
	}
	testcase struct {
		Name    string   `xml:"name,attr"`
		Class   string   `xml:"classname,attr"`
		File    string   `xml:"file,attr,omitempty"`
		Line    int      `xml:"line,attr,omitempty"`
		Time    string   `xml:"time,attr"`
		Failure *message `xml:"failure"`
		Error   *message `xml:"error"`
		Skipped *message `xml:"skipped"`
		Output  string   `xml:"system-out,omitempty"`
	}
	message struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// Result implements Reporter.
func (j *junit) Result(r Result, _, _ int) { j.results = append(j.results, r) }

// End implements Reporter.
func (j *junit) End(err error) {
	var all suites
	for _, r := range j.results {
		if n := len(all.Suites); n == 0 || all.Suites[n-1].Name != r.File {
			all.Suites = append(all.Suites, suite{Name: r.File, Stamp: stampText(j.begun)})
		}
		all.Suites[len(all.Suites)-1].add(r)
	}
	if err != nil {
		all.Suites = append(all.Suites, suite{Name: "mwlua test", Tests: 1, Errors: 1, Time: secondsText(0), Stamp: stampText(j.begun), Cases: []testcase{
			{Name: "run", Class: "mwlua test", Time: secondsText(0), Error: &message{Message: xmlText(err.Error())}},
		}})
	}
	fmt.Fprint(j.w, xml.Header)
	encoder := xml.NewEncoder(j.w)
	encoder.Indent("", "  ")
	_ = encoder.Encode(all) // whoever opened w notices what is wrong with it
	fmt.Fprintln(j.w)
}

func (s *suite) add(r Result) {
	s.Tests++
	s.total += r.Took
	s.Time = secondsText(s.total)
	class := strings.TrimSuffix(filepath.Base(r.File), ".lua")
	one := testcase{
		Name: xmlText(r.Name), Class: class, File: r.File, Line: r.Place.Line, Time: secondsText(r.Took), Output: xmlText(strings.Join(r.Output, "\n")),
	}
	switch r.Status {
	case Failed:
		s.Failures++
		text := fmt.Sprintf("%v: %s\n%s\n%s", r.Place, r.Text, strings.Join(r.Log, "\n"), r.Trace)
		if r.Seed != 0 {
			text = fmt.Sprintf("%s\nseed %d", text, r.Seed)
		}
		one.Failure = &message{Message: xmlText(r.Text), Text: xmlText(text)}
	case Skipped:
		s.Skipped++
		one.Skipped = &message{Message: xmlText(r.Text)}
	}
	s.Cases = append(s.Cases, one)
}

func stampText(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05") }

func secondsText(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }

// xmlText leaves out what XML cannot hold.
func xmlText(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0xFFFE || r == 0xFFFF {
			return '\ufffd'
		}
		return r
	}, text)
}
