package carry_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/internal/carry"
	"github.com/mwlua/mwlua/core/internal/proc"
	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newFile(t testing.TB) carry.File {
	t.Helper()
	f, err := carry.Create()
	must(t, err)
	t.Cleanup(f.Close)
	return f
}

// document is one for this process.
func document(t testing.TB, state machine.State) carry.Document {
	t.Helper()
	self, err := proc.Identify(os.Getpid())
	must(t, err)
	return carry.Document{Binary: "1.2.3", Master: self, State: state, Guard: carry.Guard{PID: 42, FD: 7}}
}

func TestFileGivesBackWhatWasWritten(t *testing.T) {
	t.Parallel()
	f := newFile(t)
	want := document(t, lived(t))
	must(t, f.Write(carry.Document{Binary: strings.Repeat("longer, and replaced", 10_000)}))
	must(t, f.Write(want))
	want.Format = carry.Format
	for range 2 { // the trial reads it, and the next image
		got, err := f.Read()
		must(t, err)
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("read differs (-written +read):\n%s", diff)
		}
	}
	if _, err := machine.Restore(want.State); err != nil {
		t.Errorf("Restore: %v", err)
	}
}

func TestEmptyFileIsNoDocument(t *testing.T) {
	t.Parallel()
	if d, err := newFile(t).Read(); err == nil {
		t.Errorf("Read = %+v", d)
	}
}

func TestSealedFileCannotBeChanged(t *testing.T) {
	t.Parallel()
	f := newFile(t)
	want := document(t, lived(t))
	must(t, f.Write(want))
	if f.Sealed() {
		t.Error("it is sealed before Seal")
	}
	must(t, f.Seal())
	if !f.Sealed() {
		t.Error("it is not sealed after Seal")
	}
	if err := f.Write(carry.Document{}); err == nil {
		t.Error("Write worked")
	}
	for what, err := range map[string]error{
		"pwrite":    second(unix.Pwrite(f.FD(), []byte("x"), 0)),
		"append":    second(unix.Pwrite(f.FD(), []byte("x"), 1<<20)),
		"ftruncate": unix.Ftruncate(f.FD(), 0),
		"seal":      second(unix.FcntlInt(uintptr(f.FD()), unix.F_ADD_SEALS, unix.F_SEAL_WRITE)),
		"write through /proc": func() error {
			w, err := os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", f.FD()), os.O_WRONLY, 0)
			if err == nil {
				_, err = w.Write([]byte("x"))
				w.Close()
			}
			return err
		}(),
	} {
		if err == nil {
			t.Errorf("%s worked", what)
		}
	}
	got, err := f.Read()
	must(t, err)
	want.Format = carry.Format
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("read differs (-written +read):\n%s", diff)
	}
}

func second(_ int, err error) error { return err }

// Every descriptor is close-on-exec from birth, and but for Inherit for good (T-15).
func TestFileIsCloseOnExec(t *testing.T) {
	t.Parallel()
	f := newFile(t)
	checkCloseOnExec(t, f.FD(), true)
	must(t, carry.Inherit(f.FD(), true))
	checkCloseOnExec(t, f.FD(), false)
	must(t, carry.Inherit(f.FD(), false))
	checkCloseOnExec(t, f.FD(), true)

	inherited, err := unix.Dup(f.FD())
	must(t, err)
	defer unix.Close(inherited)
	checkCloseOnExec(t, inherited, false)
	carry.Open(inherited)
	checkCloseOnExec(t, inherited, true)
	if err := carry.Inherit(1<<20, true); err == nil {
		t.Error("a descriptor that is not open can be inherited")
	}
}

func checkCloseOnExec(t *testing.T, fd int, want bool) {
	t.Helper()
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	must(t, err)
	if got := flags&unix.FD_CLOEXEC != 0; got != want {
		t.Errorf("close-on-exec is %v, want %v", got, want)
	}
}

// TestVectorV1 reads a document of the first format. The file is never edited: if this test fails, a supervisor in the field
// cannot be upgraded by a reload.
func TestVectorV1(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"v1.json", newest} {
		t.Run(name, func(t *testing.T) { checkVector(t, name) })
	}
}

// newest is the vector of format 1 since programs can be commanded.
const newest = "v1-commands.json"

func checkVector(t *testing.T, name string) {
	data, err := os.ReadFile("testdata/" + name)
	must(t, err)
	d, err := carry.Decode(data)
	must(t, err)
	m, err := machine.Restore(d.State)
	must(t, err)
	must(t, m.Check())

	phases, steps := map[machine.Phase]int{}, map[machine.Step]int{}
	for _, p := range d.State.Programs {
		phases[p.Phase]++
		for _, in := range p.Instances {
			steps[in.Step]++
		}
	}
	for _, phase := range []machine.Phase{machine.Running, machine.Waiting, machine.Down, machine.Failed, machine.Removed} {
		if phases[phase] == 0 {
			t.Errorf("no program is %s: %v", phase, phases)
		}
	}
	for _, step := range []machine.Step{machine.Started, machine.Leaving, machine.Stopping} {
		if steps[step] == 0 {
			t.Errorf("no instance is %s: %v", step, steps)
		}
	}
	if d.State.Reload.Step != machine.Handing || !d.State.Reload.Again {
		t.Errorf("the reload is %+v", d.State.Reload)
	}

	d.State = m.State()
	if again := encode(t, d); again != string(bytes.TrimSpace(data)) {
		t.Errorf("encoded again it differs (-file +now):\n%s", cmp.Diff(indented(data), indented([]byte(again))))
	}
}

// TestVectorV2 is the same document as the newest of format 1, as it is written now. It is never edited, either.
func TestVectorV2(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/v2.cbor")
	must(t, err)
	got, err := carry.Decode(data)
	must(t, err)
	text, err := os.ReadFile("testdata/" + newest)
	must(t, err)
	want, err := carry.Decode(text)
	must(t, err)
	if again := written(t, got); !bytes.Equal(again, data) {
		t.Errorf("written again it differs: %x", again)
	}
	want.Format = carry.Format
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("it is not the same (-JSON +CBOR):\n%s", diff)
	}
}

// TestAnyBytesAreCarried, and what is nil does not become empty, nor the other way round.
func TestAnyBytesAreCarried(t *testing.T) {
	t.Parallel()
	want := carry.Document{Format: carry.Format, State: machine.State{Config: program.Config{
		Programs: []program.Spec{{Name: "\xff\x00", Command: []string{"\ufdd0", "\xed\xa0\x80"}, Capabilities: []string{}}},
	}}}
	got, err := carry.Decode(written(t, want))
	must(t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("read differs (-written +read):\n%s", diff)
	}
}

// written is what File.Write makes of a document.
func written(t testing.TB, d carry.Document) []byte {
	t.Helper()
	f := newFile(t)
	must(t, f.Write(d))
	data, err := os.ReadFile(fmt.Sprintf("/proc/self/fd/%d", f.FD()))
	must(t, err)
	return data
}

// binary is any value as a document is written.
func binary(t testing.TB, v any) []byte {
	t.Helper()
	data, err := cbor.Marshal(v)
	must(t, err)
	return data
}

func encode(t testing.TB, d carry.Document) string {
	t.Helper()
	data, err := json.Marshal(d)
	must(t, err)
	return string(data)
}

func indented(data []byte) string {
	var b bytes.Buffer
	if json.Indent(&b, data, "", " ") != nil {
		return string(data)
	}
	return b.String()
}

// The machine that wrote the vector still comes to the same state. If it does not, that may be as it should be: then this test
// goes on with a new vector, and the old one is kept.
func TestVectorV1IsWhatIsWrittenNow(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/" + newest)
	must(t, err)
	d, err := carry.Decode(data)
	must(t, err)
	d.State = lived(t)
	if now := encode(t, d); now != string(bytes.TrimSpace(data)) {
		t.Errorf("it differs (-file +now):\n%s", cmp.Diff(indented(data), indented([]byte(now))))
	}
}

func TestDecodeRefusesOtherFormats(t *testing.T) {
	t.Parallel()
	for _, format := range []int{0, carry.Format + 1, 1000, -1} {
		for _, data := range [][]byte{
			fmt.Appendf(nil, `{"Format":%d,"Binary":"9.8.7","State":"something else"}`, format),
			binary(t, map[string]any{"Format": format, "Binary": "9.8.7", "State": "something else"}),
		} {
			d, err := carry.Decode(data)
			want := fmt.Sprintf("cannot take over the state of mwlua 9.8.7: its format is %d, this binary reads 1 and 2", format)
			if err == nil || err.Error() != want {
				t.Errorf("Decode(%q) = %+v, %v, want %s", data, d, err, want)
			}
		}
	}
}

func TestDecodeRefusesWhatIsNoDocument(t *testing.T) {
	t.Parallel()
	text, valid := encode(t, carry.Document{Format: 1}), string(written(t, carry.Document{}))
	unknown := binary(t, map[string]any{"Format": carry.Format, "State": map[string]any{"Version": 1, "Later": 1}})
	for _, data := range []string{"", "x", "null", "[]", "1", "{}", text[:len(text)-1], text + "x", `{"Format":"1"}`,
		`{"Format":1,"State":7}`, `{"Format":1,"State":{"Programs":{}}}`, `{"Format":1,"Master":{"PID":"1"}}`,
		valid[:len(valid)-1], valid + "x", string(unknown)} {
		if d, err := carry.Decode([]byte(data)); err == nil {
			t.Errorf("Decode(%s) = %+v", data, d)
		} else if strings.Contains(err.Error(), "\n") {
			t.Errorf("Decode(%q): the message has more than a line: %v", data, err)
		}
	}
}

// The time counts because only a guard watches over the programs while the document is written and read.
func TestManyProgramsAreCarried(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1_000, 10_000} {
		f := newFile(t)
		want := document(t, many(t, n))
		begin := time.Now()
		must(t, f.Write(want))
		written := time.Now()
		got, err := f.Read()
		must(t, err)
		read := time.Now()
		_, err = machine.Restore(got.State)
		must(t, err)
		var st unix.Stat_t
		must(t, unix.Fstat(f.FD(), &st))
		t.Logf("%d programs, %d KiB: written in %v, read in %v, restored in %v", n, st.Size>>10,
			written.Sub(begin).Round(time.Millisecond), read.Sub(written).Round(time.Millisecond), time.Since(read).Round(time.Millisecond))
		want.Format = carry.Format
		if encode(t, got) != encode(t, want) {
			t.Errorf("%d programs: read differs from written", n)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, name := range []string{"v1.json", "v2.cbor"} {
		data, err := os.ReadFile("testdata/" + name)
		must(f, err)
		f.Add(data)
	}
	for _, data := range []string{"", "{}", `{"Format":1}`, `{"Format":2,"Binary":"x"}`, `{"format":1,"STATE":{"version":1}}`,
		`{"Format":1,"State":{"Version":1,"Programs":[{"Name":"a","Phase":"down"}]}}`,
		`{"Format":1,"State":{"Version":1,"Generation":1,"Config":{"Programs":[{"Name":"\ud800"}]},"Programs":[{"Name":"\ufffd","Phase":"down"}]}}`} {
		f.Add([]byte(data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := carry.Decode(data)
		if err != nil {
			return
		}
		m, err := machine.Restore(d.State)
		if err != nil {
			return
		}
		d.State = m.State()
		once := written(t, d)
		again, err := carry.Decode(once)
		if err != nil {
			t.Fatalf("what was decoded cannot be decoded once more: %v\n%q", err, once)
		}
		if twice := written(t, again); !bytes.Equal(twice, once) {
			t.Errorf("written once it is\n%q\nwritten twice\n%q", once, twice)
		}
		if _, err := machine.Restore(again.State); err != nil {
			t.Errorf("a state that could be restored cannot be any more: %v\n%q", err, once)
		}
	})
}

// TestFDsAreAllThatADocumentNames: pids and numbers are not among them, nor is what every image has.
func TestFDsAreAllThatADocumentNames(t *testing.T) {
	d := carry.Document{
		Guard:   carry.Guard{PID: 100, FD: 3},
		Sockets: []carry.Socket{{Name: "a", FD: 4}, {Name: "b", FD: 5, Of: &machine.ProgramSocket{Program: "p"}}},
		Waiting: []carry.Waiting{{Token: 200, FD: 6}},
		Descriptors: []carry.Descriptor{
			{Kind: carry.NotifySocket, FD: 7}, {Kind: carry.OutputPipe, FD: 8, Output: &carry.Output{To: 1}},
			{Kind: carry.OutputPipe, FD: 9, Output: &carry.Output{To: 10}},
		},
		Helpers: []int{300}, Silent: []int{400}, Attempts: []int{500},
	}
	if got, want := d.FDs(), []int{3, 4, 5, 6, 7, 8, 9, 10}; !slices.Equal(got, want) {
		t.Errorf("FDs = %v, want %v", got, want)
	}
	d.Clock = 11
	if got := d.FDs(); !slices.Contains(got, 11) {
		t.Errorf("FDs = %v, without the clock", got)
	}
}
