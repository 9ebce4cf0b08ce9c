package shim

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

// pair is a socket of ours, and one of the other side.
func pair(t *testing.T) (ours, theirs int) {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fds[0]) })
	return fds[0], fds[1]
}

// TestRequestArrivesAsItWas, over a socket that does not hold it at once.
func TestRequestArrivesAsItWas(t *testing.T) {
	long := strings.Repeat("x", 1<<17-1)
	for _, want := range []Request{
		{Umask: -1, Path: "/bin/true", Argv: []string{"true"}},
		{
			Umask: 0o777, Limits: []Limit{{Resource: 7, Soft: 0, Hard: math.MaxUint64}, {Resource: 15, Soft: 1, Hard: 2}},
			User:        &User{UID: math.MaxUint32, GID: 1, Groups: []uint32{3, 4}, SetGroups: true},
			OOMScoreAdj: new(-1000), Nice: new(-20), Chroot: "/c d", Capabilities: []uint{40, 0}, NoNewPrivs: true, Deathsig: 9, Parent: 1 << 22,
			Dir: "/d", Path: "p", Argv: []string{"", "a b", "\xff"}, Env: []string{"A=1", "", "="},
		},
		{User: &User{UID: 1, SetGroups: true}, Argv: []string{"a"}, Env: strings.Split(strings.Repeat(long+" ", 12), " ")},
		{User: &User{UID: 1, GID: 2}},
		{OOMScoreAdj: new(0), Nice: new(0), Capabilities: []uint{}},
	} {
		ours, theirs := pair(t)
		directed := make(chan error)
		go func() { directed <- Direct(ours, want) }() // waits for the other side, below
		got := read(receive(theirs))
		syscall.Close(theirs)
		if err := <-directed; err == nil {
			t.Error("the other side has closed the socket, and Direct has succeeded")
		}
		if a, b := describe(got), describeRequest(want); a != b {
			t.Errorf("got %.300s, want %.300s", a, b)
		}
	}
}

func describe(p prepared) string {
	r := Request{
		Umask: p.umask, Limits: p.limits, Chroot: optionalText(p.chroot), User: p.user, NoNewPrivs: p.noNewPrivs, Deathsig: p.deathsig,
		Parent: p.parent, Dir: optionalText(p.dir), Path: text(p.path), Argv: texts(p.argv), Env: texts(p.env),
	}
	if p.niceSet {
		r.Nice = &p.nice
	}
	if n, err := strconv.Atoi(string(p.oomScoreAdj)); err == nil {
		r.OOMScoreAdj = &n
	}
	if p.capabilities != nil {
		r.Capabilities = p.capabilities.numbers
	}
	return describeRequest(r)
}

func describeRequest(r Request) string {
	number := func(n *int) string {
		if n == nil {
			return "none"
		}
		return strconv.Itoa(*n)
	}
	return fmt.Sprintf("%d %s %v %s %q %+v %#v %v %d %d %q %q %q %q", r.Umask, number(r.OOMScoreAdj), r.Limits, number(r.Nice), r.Chroot,
		fmt.Sprint(r.User), r.Capabilities, r.NoNewPrivs, r.Deathsig, r.Parent, r.Dir, r.Path, r.Argv, r.Env)
}

func optionalText(p *byte) string {
	if p == nil {
		return ""
	}
	return text(p)
}

func texts(list []*byte) (out []string) {
	for _, p := range list[:len(list)-1] {
		out = append(out, text(p))
	}
	if list[len(list)-1] != nil {
		out = append(out, "no nil at the end")
	}
	return out
}

// text is a string of C.
func text(p *byte) string {
	n := 0
	for *(*byte)(unsafe.Add(unsafe.Pointer(p), n)) != 0 {
		n++
	}
	return string(unsafe.Slice(p, n))
}

// TestDirectTellsHowAShimEnded, by what it said.
func TestDirectTellsHowAShimEnded(t *testing.T) {
	for _, test := range []struct {
		said string
		want error
	}{
		{"x", nil},
		{"", &Failure{Index: -1, Err: syscall.EAGAIN}},
		{"f", &Failure{Index: -1, Err: syscall.EAGAIN}},
		{"f\x02\x02\x01\x00", &Failure{Step: "limits", Index: 2, Err: syscall.EPERM}},
		{"f\x05\xff\x0b\x00", &Failure{Step: "credentials", Index: -1, Err: syscall.EAGAIN}},
		{"f\x06\x00\x01\x00", &Failure{Step: "capabilities", Err: syscall.EPERM}},
		{"f\x09\xff\x0d\x00", &Failure{Step: "directory", Index: -1, Err: syscall.EACCES}},
		{"xf\x0a\xff\x6d\x04", &Failure{Step: "exec", Index: -1, Err: 1133}},
	} {
		ours, theirs := pair(t)
		if _, err := syscall.Write(theirs, []byte(test.said)); err != nil {
			t.Fatal(err)
		}
		syscall.Close(theirs)
		err := Direct(ours, Request{Umask: -1})
		var got, want *Failure
		if errors.As(test.want, &want) != errors.As(err, &got) || want != nil && *got != *want {
			t.Errorf("%q: %v, want %v", test.said, err, test.want)
		}
	}
}

// TestNobodyBecomesAShimByChance: the variable means something only if there is no other.
func TestNobodyBecomesAShimByChance(t *testing.T) {
	if len(os.Args) == 2 && os.Args[1] == "-test.run=^TestNobodyBecomesAShimByChance$" {
		return // it came that far
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		env  []string
		code int
	}{
		{[]string{variable + "=3", "A=1"}, 0},
		{[]string{variable + "S=3"}, 0},
		{[]string{variable + "=3"}, 127},
		{[]string{variable + "="}, 127},
	} {
		pid, err := syscall.ForkExec(self, []string{self, "-test.run=^TestNobodyBecomesAShimByChance$"}, &syscall.ProcAttr{Env: test.env})
		if err != nil {
			t.Fatal(err)
		}
		var ws syscall.WaitStatus
		if _, err := syscall.Wait4(pid, &ws, 0, nil); err != nil || ws.ExitStatus() != test.code {
			t.Errorf("%q: status %d, %v, want %d", test.env, ws.ExitStatus(), err, test.code)
		}
	}
}
