package proc_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/mwlua/mwlua/core/internal/proc"
)

// resident is how much of files this process has mapped into its memory, in kB.
func resident(t *testing.T) (kB int) {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	must(t, err)
	_, rest, _ := strings.Cut(string(status), "\nRssFile:")
	_, err = fmt.Sscan(rest, &kB)
	must(t, err)
	return kB
}

// TestTrim: what is read again is as it was, and what was written stays.
func TestTrim(t *testing.T) {
	if !alone(t) {
		return
	}
	before := resident(t)
	written := bytes.Repeat([]byte("written"), 100_000)
	proc.Trim()
	if after := resident(t); after >= before {
		t.Errorf("%d kB of files were mapped before, and %d are after it", before, after)
	}
	if !bytes.Equal(written, bytes.Repeat([]byte("written"), 100_000)) {
		t.Error("the heap is something else")
	}
	proc.Trim()
	if got := fmt.Sprintf("%q %v %.2f", "all of fmt", []int{1, 2}, 2.5); got != `"all of fmt" [1 2] 2.50` {
		t.Error(got)
	}
}

// TestOnlyWhatWasNotWrittenIsTrimmed, as proc_pid_smaps(5) tells: of another file nothing, nor what can be written, or was before it could
// not any more.
func TestOnlyWhatWasNotWrittenIsTrimmed(t *testing.T) {
	const path = "/usr/bin/mwlua (deleted)"
	for _, m := range []struct {
		line, anonymous, swap string
		want                  bool
	}{
		{"00400000-00c02000 r-xp 00000000 fe:00 1                    " + path, "0", "0", true},
		{"00c02000-0147a000 r--p 00802000 fe:00 1                    " + path, "0", "0", true},
		{"00c02000-0147a000 r--p 00802000 fe:00 1                    " + path, "4", "0", false},
		{"00c02000-0147a000 r--p 00802000 fe:00 1                    " + path, "0", "4", false},
		{"0147a000-014f2000 rw-p 0107a000 fe:00 1                    " + path, "0", "0", false},
		{"0147a000-014f2000 r--s 0107a000 fe:00 1                    " + path, "0", "0", false},
		{"00400000-00c02000 r-xp 00000000 fe:00 1                    /lib/a", "0", "0", false},
		{"7f9acdde0000-7f9ace000000 r--p 00000000 00:00 0 ", "0", "0", false},
		{"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]", "0", "0", false},
		{"x-0147a000 r--p 00802000 fe:00 1                    " + path, "0", "0", false},
	} {
		text := m.line + "\nSize: 8 kB\nAnonymous: " + m.anonymous + " kB\nSwap: " + m.swap + " kB\nVmFlags: rd ex\n"
		if got := proc.Unwritten(text+"\n"+text, path); got != m.want {
			t.Errorf("%s: %v", text, got)
		}
	}
}
