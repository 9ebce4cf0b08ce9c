package supervisor

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
)

// freePorts are two addresses of loopback that nobody listens at.
func freePorts(t *testing.T) (one, other string) {
	t.Helper()
	var addresses []string
	for range 2 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		check(t, err)
		defer l.Close()
		addresses = append(addresses, l.Addr().String())
	}
	return addresses[0], addresses[1]
}

func socketsOf(name string, sockets ...program.Socket) (all []machine.ProgramSocket) {
	for _, s := range sockets {
		all = append(all, machine.ProgramSocket{Program: name, Socket: s})
	}
	return all
}

// answerAt is what a client is told at an address.
func (r *rig) answerAt(network, address string) string {
	r.t.Helper()
	conn, err := net.Dial(network, address)
	check(r.t, err)
	defer conn.Close()
	text, err := io.ReadAll(conn)
	check(r.t, err)
	return string(text)
}

func TestProgramGetsItsSockets(t *testing.T) {
	if !alone(t) {
		return
	}
	r := newRig(t)
	tcp, _ := freePorts(t)
	path := filepath.Join(r.dir, "socket")
	spec := r.spec("a", "serve", "sleep")
	spec.Sockets = []program.Socket{{Name: "admin", Address: "unix://" + path}, {Name: "http", Address: "tcp://" + tcp}}
	r.perform(machine.OpenSockets{Sockets: socketsOf("a", spec.Sockets...)})
	conn, err := net.Dial("tcp", tcp) // nobody serves yet, and it waits
	check(t, err)
	r.spawn(spec)
	for _, got := range []string{r.answerAt("tcp", tcp), r.answerAt("tcp", tcp)} {
		if got != "a#1 http" {
			t.Errorf("a client was told %q", got)
		}
	}
	if text, err := io.ReadAll(conn); string(text) != "a#1 http" {
		t.Errorf("the client that came first was told %q, %v", text, err)
	}
	if got := r.answerAt("unix", path); got != "a#1 admin" {
		t.Errorf("a client was told %q", got)
	}
	r.s.closeAllListeners()
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("the file of its socket is left: %v", err)
	}
}

// TestSocketsBecomeThoseThatAreDeclared: some stay, one goes from one program to another, one is closed, one is in the way.
func TestSocketsBecomeThoseThatAreDeclared(t *testing.T) {
	if !alone(t) {
		return
	}
	r := newRig(t)
	one, another := freePorts(t)
	stays, moves := program.Socket{Name: "s", Address: "tcp://" + one}, program.Socket{Name: "m", Address: "tcp://" + another}
	goes := program.Socket{Name: "g", Address: "unix://" + filepath.Join(r.dir, "goes")}
	r.perform(machine.OpenSockets{Sockets: socketsOf("a", stays, moves, goes)})
	before := r.s.listeners[socketsOf("a", moves)[0]]
	kept := r.s.listeners[socketsOf("a", stays)[0]]
	other, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	taken := program.Socket{Name: "t", Address: "tcp://" + other.Addr().String()}
	r.perform(machine.OpenSockets{Sockets: append(socketsOf("a", stays, taken), socketsOf("b", moves)...)})
	want := machine.SocketFailed{Program: "a", Name: "t", Text: fmt.Sprintf("t (%s): address already in use", taken.Address)}
	if got := expect[machine.SocketFailed](r); got != want {
		r.errorf("%+v, want %+v", got, want)
	}
	if r.s.listeners[socketsOf("b", moves)[0]] != before || r.s.listeners[socketsOf("a", stays)[0]] != kept || len(r.s.listeners) != 2 {
		t.Errorf("there are %v", r.s.listeners)
	}
	if _, err := os.Lstat(filepath.Join(r.dir, "goes")); !os.IsNotExist(err) {
		t.Errorf("the file of a socket that is not declared is left: %v", err)
	}

	spec := r.spec("a", "serve", "sleep")
	spec.Sockets = []program.Socket{stays, taken}
	id := machine.ID{Program: "a", Seq: 1}
	r.perform(machine.Spawn{ID: id, Spec: spec})
	if got := expect[machine.SpawnFailed](r); got != (machine.SpawnFailed{ID: id, Step: "sockets", Text: want.Text}) {
		r.errorf("%+v", got)
	}
	other.Close()
	r.spawn(spec) // it is tried again
	if got := r.answerAt("tcp", other.Addr().String()); got != "a#1 t" {
		t.Errorf("a client was told %q", got)
	}
}
