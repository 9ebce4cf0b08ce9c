package carry_test

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/internal/carry"
	"github.com/mwlua/mwlua/core/internal/proc"
)

// These tests set an environment variable, so none is parallel.

// hand makes value what a previous image would have left, and checks that Received takes it away.
func hand(t *testing.T, value string) (*carry.Document, error) {
	t.Helper()
	t.Setenv(carry.Variable, value)
	d, err := carry.Received()
	if value, ok := os.LookupEnv(carry.Variable); ok {
		t.Errorf("%s is still %q", carry.Variable, value)
	}
	return d, err
}

// left is a sealed file that is as good as inherited: Received closes it.
func left(t *testing.T, d carry.Document) string {
	t.Helper()
	f, err := carry.Create()
	must(t, err)
	must(t, f.Write(d))
	must(t, f.Seal())
	return strconv.Itoa(f.FD())
}

func TestReceivedReturnsTheDocumentOfThePreviousImage(t *testing.T) {
	want := document(t, lived(t))
	value := left(t, want)
	got, err := hand(t, value)
	must(t, err)
	want.Format = carry.Format
	if diff := cmp.Diff(&want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("it differs (-left +received):\n%s", diff)
	}
	fd, _ := strconv.Atoi(value)
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != unix.EBADF {
		t.Errorf("the file is still open (%v)", err)
	}
}

func TestReceivedReturnsNothingWithoutVariable(t *testing.T) {
	t.Setenv(carry.Variable, "")
	os.Unsetenv(carry.Variable)
	if d, err := carry.Received(); d != nil || err != nil {
		t.Errorf("Received = %+v, %v", d, err)
	}
}

// TestReceivedIgnoresAForgery: what anybody could put into our environment (H-7.10).
func TestReceivedIgnoresAForgery(t *testing.T) {
	plain, err := os.CreateTemp(t.TempDir(), "")
	must(t, err)
	defer plain.Close()
	must(t, os.WriteFile(plain.Name(), []byte(encode(t, document(t, lived(t)))), 0o600))
	unsealed := newFile(t)
	must(t, unsealed.Write(document(t, lived(t))))
	halfSealed := newFile(t)
	must(t, halfSealed.Write(document(t, lived(t))))
	_, err = unix.FcntlInt(uintptr(halfSealed.FD()), unix.F_ADD_SEALS, unix.F_SEAL_GROW|unix.F_SEAL_SHRINK|unix.F_SEAL_SEAL)
	must(t, err)
	read, write, err := os.Pipe()
	must(t, err)
	defer read.Close()
	defer write.Close()

	self, err := proc.Identify(os.Getpid())
	must(t, err)
	parent, err := proc.Identify(os.Getppid())
	must(t, err)
	of := func(master proc.Process) string {
		d := document(t, lived(t))
		d.Master = master
		return left(t, d)
	}
	for name, value := range map[string]string{
		"empty":              "",
		"no number":          "memfd",
		"negative":           "-1",
		"standard output":    "1",
		"not open":           "1000000",
		"too large":          "99999999999999999999",
		"a regular file":     strconv.Itoa(int(plain.Fd())),
		"a pipe":             strconv.Itoa(int(read.Fd())),
		"not sealed":         strconv.Itoa(unsealed.FD()),
		"sealed in part":     strconv.Itoa(halfSealed.FD()),
		"nobody's":           of(proc.Process{}),
		"the parent's":       of(parent),
		"same pid, earlier":  of(proc.Process{PID: self.PID, StartTime: self.StartTime - 1, BootID: self.BootID}),
		"same pid, reboot":   of(proc.Process{PID: self.PID, StartTime: self.StartTime, BootID: "another"}),
		"no document":        sealed(t, "garbage"),
		"no document at all": sealed(t, ""),
		"a list":             sealed(t, "[1,2,3]"),
	} {
		t.Run(name, func(t *testing.T) {
			d, err := hand(t, value)
			if d != nil || !errors.Is(err, carry.ErrNotOurs) {
				t.Fatalf("Received = %+v, %v, want ErrNotOurs", d, err)
			}
			if text := err.Error(); !strings.Contains(text, carry.Variable+"="+strconv.Quote(value)) || strings.Contains(text, "\n") {
				t.Errorf("the message is %q", text)
			}
		})
	}
	for name, fd := range map[string]uintptr{"standard output": 1, "the file": plain.Fd(), "the pipe": read.Fd()} {
		if _, err := unix.FcntlInt(fd, unix.F_GETFD, 0); err != nil {
			t.Errorf("%s, which is not ours to close, was closed", name)
		}
	}
}

// sealed is a sealed file with any content.
func sealed(t *testing.T, text string) string {
	t.Helper()
	f, err := carry.Create()
	must(t, err)
	_, err = unix.Write(f.FD(), []byte(text))
	must(t, err)
	must(t, f.Seal())
	return strconv.Itoa(f.FD())
}

// TestReceivedRefusesANewerFormat: there was a previous image, and its programs run; that is no forgery to be ignored.
func TestReceivedRefusesANewerFormat(t *testing.T) {
	d := document(t, lived(t))
	d.Format = carry.Format + 1
	_, err := hand(t, sealed(t, string(binary(t, d))))
	want := "cannot take over the state of mwlua 1.2.3: its format is 3, this binary reads 1 and 2"
	if err == nil || errors.Is(err, carry.ErrNotOurs) || err.Error() != want {
		t.Errorf("Received: %v, want %s", err, want)
	}
}
