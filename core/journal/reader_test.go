package journal

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
)

// headLine is a line that begins a segment of a machine that knows nothing.
func headLine(t testing.TB, n uint64) string {
	t.Helper()
	data, err := encodeLine(Head{Format: Format, Version: "1.2.3", Run: "r", N: n, Begins: AtStart, At: 100, Wall: time.Unix(1, 0).UTC(),
		State: machine.New(1).State()})
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

const wakeLine = `{"at":200,"ev":"Wake"}` + "\n"

// read returns what a journal has, and how that ends.
func read(text string) (string, error) {
	r := Read("j", strings.NewReader(text))
	lines, err := ReadAll(r)
	var words []string
	for _, l := range lines {
		if l.Head != nil {
			words = append(words, l.Place+" head")
		} else {
			words = append(words, l.Place+" "+nameOf(l.Step.Event))
		}
	}
	if r.Cut > 0 {
		words = append(words, fmt.Sprintf("%d cut", r.Cut))
	}
	return strings.Join(words, ", "), err
}

func TestRead(t *testing.T) {
	head := headLine(t, 0)
	exited := `{"at":300,"ev":"Exited","is":{"ID":{"Program":"web","Seq":3},"Code":1}}` + "\n"
	const remedy = ": name the FILE of mwlua run -journal FILE"
	const before = ": copy the lines before it (head -n 1) to replay them alone"
	for name, test := range map[string]struct{ text, want, err string }{
		"empty":                     {"", "", ""},
		"a segment":                 {head + wakeLine + exited, "j:1 head, j:2 Wake, j:3 Exited", ""},
		"two segments":              {head + wakeLine + head + exited, "j:1 head, j:2 Wake, j:3 head, j:4 Exited", ""},
		"no last newline":           {head + strings.TrimSpace(wakeLine), "j:1 head, j:2 Wake", ""},
		"cut off":                   {head + wakeLine + exited[:30], "j:1 head, j:2 Wake, 1 cut", ""},
		"cut off, and another life": {head + exited[:30] + "\n" + head + wakeLine, "j:1 head, j:3 head, j:4 Wake, 1 cut", ""},
		"cut off by a new image":    {head + exited[:30] + "\n", "j:1 head, 1 cut", ""},
		"zeros after a power cut":   {head + wakeLine + "\x00\x00\x00", "j:1 head, j:2 Wake, 1 cut", ""},
		"the head is cut off":       {head[:40], "1 cut", ""},
		"garbage":                   {"hello\nworld\n", "", "j:1: this is no journal of mwlua, or not from its beginning" + remedy},
		"garbage without an end":    {strings.Repeat("hello", 30), "", "j:1: this is no journal of mwlua, or not from its beginning" + remedy},
		"an empty line":             {"\n", "", "j:1: this is no journal of mwlua, or not from its beginning" + remedy},
		"no head":                   {wakeLine, "", "j:1: this is no journal of mwlua, or not from its beginning" + remedy},
		"garbage behind":            {head + "hello\n" + wakeLine, "j:1 head", "j:2: the line is damaged (invalid character 'h' looking for beginning of value)" + before},
		"cut off in the middle":     {head + exited[:30] + "\n" + wakeLine, "j:1 head", "j:2: the line is cut off" + before},
		"another format": {`{"mwlua-journal":2,"version":"9.9"}` + "\n", "",
			`j:1: a journal of format 2, by mwlua "9.9", and this mwlua reads format 1: replay it with one that reads that`},
		"a newer head": {`{"mwlua-journal":1,"version":"9.9","colour":1}` + "\n", "",
			`j:1: a snapshot of mwlua "9.9" that this mwlua cannot read (json: unknown field "colour"): replay it with that one`},
		"a newer event": {head + `{"at":1,"ev":"Danced"}` + "\n", "j:1 head",
			`j:2: unknown event "Danced": replay it with the mwlua that has written it, or a newer one`},
		"a newer field": {head + `{"at":1,"ev":"Emptied","is":{"Colour":1}}` + "\n", "j:1 head",
			`j:2: json: unknown field "Colour": replay it with the mwlua that has written it, or a newer one`},
		"too many instances": {head + `{"at":1,"ev":"Loaded","is":{"In":{"Config":{"Programs":[{"Instances":2000000000}]}}}}` + "\n", "j:1 head",
			"j:2: its configuration has more than 1048576 instances: replay it with the mwlua that has written it, or a newer one"},
	} {
		got, err := read(test.text)
		said := ""
		if err != nil {
			said = err.Error()
		}
		if got != test.want || said != test.err {
			t.Errorf("%s: %s\n%s\nwant %s\n%s", name, got, said, test.want, test.err)
		}
	}
}

// endless is a line without an end.
type endless struct{ n int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	e.n += len(p)
	return len(p), nil
}

// TestLinesAreBounded: nobody reads a line to its end that is too long, and garbage is told by its first bytes.
func TestLinesAreBounded(t *testing.T) {
	in := new(endless)
	r := Read("j", in)
	if _, err := r.Next(); err == nil || !strings.Contains(err.Error(), "j:1: this is no journal") || in.n > 1<<20 {
		t.Errorf("%v, after %d bytes", err, in.n)
	}
	in = new(endless)
	r = Read("j", io.MultiReader(strings.NewReader(headLine(t, 0)), in))
	r.max = 1 << 20
	_, err := ReadAll(r)
	if want := "j:2: the line has more than 1 MiB: this is no journal of mwlua"; err == nil || err.Error() != want || in.n > 2<<20 {
		t.Errorf("%v, after %d bytes, want %s", err, in.n, want)
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "journal")
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want := func(want string) {
		t.Helper()
		said := ""
		r, err := Open(path)
		if err == nil {
			var lines []Line
			lines, err = ReadAll(r)
			for _, l := range lines {
				said += strings.TrimPrefix(l.Place, dir) + " "
			}
		}
		if err != nil {
			said += "error: " + strings.ReplaceAll(err.Error(), dir, "")
		}
		if said != want {
			t.Errorf("it is %s\nwant %s", said, want)
		}
	}
	want("error: /journal: cannot read the journal: no such file or directory: name the FILE of mwlua run -journal FILE")
	write(path, headLine(t, 1)+wakeLine)
	want("/journal:1 /journal:2 ")
	write(former(path), headLine(t, 0)+wakeLine)
	want("/journal.1:1 /journal.1:2 /journal:1 /journal:2 ")
	write(path, "")
	want("/journal.1:1 /journal.1:2 ")
	os.Remove(path) // as a rotation leaves it for a moment
	want("/journal.1:1 /journal.1:2 ")
	os.Remove(former(path))
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	want("error: /journal: is a directory: name the FILE of mwlua run -journal FILE")
}

// FuzzReader reads anything, and runs what can be read: there is an end, and no panic.
func FuzzReader(f *testing.F) {
	head := headLine(f, 0)
	for _, text := range []string{"", head, head + wakeLine, head + "{", "hello", head[:50] + "\n" + head,
		head + `{"at":1,"ev":"Booted"}` + "\n" +
			`{"at":2,"ev":"Loaded","is":{"N":1,"In":{"Config":{"Programs":[{"Name":"a","Command":["x"]}]}}}}` + "\n" +
			`{"at":3,"ev":"Spawned","is":{"ID":{"Program":"a","Seq":1},"PID":5}}` + "\n" +
			`{"at":4,"ev":"Exited","is":{"ID":{"Program":"a","Seq":1},"Code":1}}`,
		`{"mwlua-journal":1,"state":{"Version":1,"Generation":1,"Config":{"Programs":[{"Name":"a"}]},"Programs":[{"Name":"a","Phase":"down"}]}}` + "\n"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		lines, err := ReadAll(Read("j", strings.NewReader(string(data))))
		if err != nil && (strings.Contains(err.Error(), "\n") || !strings.HasPrefix(err.Error(), "j:")) {
			t.Errorf("the error is %q", err)
		}
		result, err := Replay(Read("j", strings.NewReader(string(data))), Conf{})
		if err == nil && result.Events > len(lines) {
			t.Errorf("%d events of %d lines", result.Events, len(lines))
		}
		other := conf(everySecond, []program.Decider{{By: program.ByHandler, Name: "f"}, {By: program.ByPlugin, Name: "p"}})
		other.Config.Programs[0].Name = "a"
		_, _ = Replay(Read("j", strings.NewReader(string(data))), other) // whatever comes of it: there is an end
	})
}
