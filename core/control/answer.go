package control

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/mwlua/mwlua/core/machine"
)

// Why a request was not carried out, in a word that programs compare, besides those of machine.Why.
const (
	WhyInvalid     machine.Why = "invalid"      // the configuration cannot be used
	WhyBadRequest  machine.Why = "bad-request"  // the request makes no sense
	WhyUnknownPath machine.Why = "unknown-path" // there is no such endpoint
	WhyWrongMethod machine.Why = "wrong-method" // it takes another one
	WhyForbidden   machine.Why = "forbidden"    // the client is neither root nor mwlua's own user, and the socket is not open to others
	WhyBusy        machine.Why = "busy"         // too many clients wait
	WhyInternal    machine.Why = "internal"     // a defect of mwlua
	WhyCut         machine.Why = "cut"          // the connection ended without an answer: only a Client says that
	WhyStrange     machine.Why = "strange"      // the answer is not one of mwlua's: the same
)

// Failure is the JSON of every answer that says no. It is an error too: that of the Client's methods.
type Failure struct {
	Text     string      `json:"error"` // a line a problem
	Why      machine.Why `json:"why"`
	Hint     string      `json:"hint"`               // what to do; "" if there is nothing to say
	Problems []Problem   `json:"problems,omitempty"` // of the configuration, with WhyInvalid
}

func (f *Failure) Error() string { return f.Text }

// Result is the JSON of an answer to a request that was carried out, or begun where nobody wanted to wait.
type Result struct {
	OK      bool     `json:"ok"`                // true
	Text    string   `json:"text,omitempty"`    // what there is to say besides
	Changes []Change `json:"changes,omitempty"` // what a reload has done
}

// answer is what a request gets.
type answer struct {
	code  int // of HTTP
	body  any // Status, Plan, Result or *Failure
	done  func()
	taken bool // somebody else answers
}

func failed(code int, why machine.Why, text, hint string) answer {
	return answer{code: code, body: &Failure{Text: text, Why: why, Hint: hint}}
}

// leaving is the answer when the supervisor gives none.
func leaving() answer {
	return failed(http.StatusServiceUnavailable, machine.WhyDropped, "mwlua is leaving", "start it again with mwlua run")
}

// outcome is the answer to a request that the machine has answered.
func outcome(a machine.Reply, begun bool) answer {
	switch {
	case a.OK && begun:
		return answer{code: http.StatusAccepted, body: Result{OK: true, Text: a.Text}}
	case a.OK:
		return answer{code: http.StatusOK, body: Result{OK: true, Text: a.Text, Changes: changesOf(a.Changes)}}
	}
	f := Failure{Text: a.Text, Why: a.Why}
	code, text := http.StatusUnprocessableEntity, "it failed"
	switch a.Why {
	case machine.WhyDropped:
		code, text, f.Hint = http.StatusServiceUnavailable, "mwlua is stopping", "mwlua status shows what it is doing"
	case machine.WhyUnknown:
		code, text, f.Hint = http.StatusNotFound, "there is no program of that name", "mwlua status lists the programs"
	case machine.WhyNotRunning:
		code, text, f.Hint = http.StatusConflict, "it is not running", "mwlua start starts a program"
	case machine.WhySuperseded:
		code, text, f.Hint = http.StatusConflict, "another request came in between", "mwlua status shows what came of it"
	default:
		f.Why = machine.WhyFailed
	}
	f.Text = cmp.Or(strings.TrimRight(f.Text, "\n"), text)
	return answer{code: code, body: &f}
}

// write sends a. A client that has left, or does not read, is no error: nobody else could be told.
func (s *server) write(w http.ResponseWriter, a answer) {
	if a.done != nil {
		defer a.done()
	}
	text := encode(a.body)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", fmt.Sprint(len(text)))
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(s.limits.write))
	w.WriteHeader(a.code)
	_, _ = w.Write(text)
}

func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(fmt.Sprintf("internal error: cannot encode %T: %v", v, err)) // the types of an answer have no value that cannot be
	}
	return b.Bytes()
}

// rawAnswer is a as an HTTP server would send it before it closes the connection.
func rawAnswer(a answer) []byte {
	text := encode(a.body)
	head := fmt.Sprintf("HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n",
		a.code, http.StatusText(a.code), len(text))
	return append([]byte(head), text...)
}

// lingerTimeout is how long, and lingerBytes how much, a client may go on to send after the answer to a reload. A connection that
// is closed with unread bytes can take the answer with it.
const (
	lingerTimeout = time.Second
	lingerBytes   = 1 << 20
)

// WriteReload answers a reload over the connection that Backend.Reload got. It takes as long as a slow client makes it, half a
// minute at most, so it wants a goroutine of its own. A client that has left is no error. The answer is out when it returns;
// closing has to be called then, and may wait for a second until the client has closed its side.
func WriteReload(conn net.Conn, a machine.Reply) (closing func()) {
	answer := outcome(a, false)
	if f, ok := answer.body.(*Failure); ok && f.Why == machine.WhyFailed {
		f.Hint = "nothing was changed, the programs run on: correct what it says and reload again"
	}
	if conn.SetWriteDeadline(time.Now().Add(writeTimeout)) == nil {
		_, _ = conn.Write(rawAnswer(answer))
	}
	return func() {
		if half, ok := conn.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil &&
			conn.SetReadDeadline(time.Now().Add(lingerTimeout)) == nil {
			_, _ = io.CopyN(io.Discard, conn, lingerBytes)
		}
		_ = conn.Close()
	}
}

// deafConn is a connection whose other end is closed.
func deafConn() (net.Conn, error) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	_ = syscall.Close(fds[1])
	f := os.NewFile(uintptr(fds[0]), "reload")
	defer f.Close()
	return net.FileConn(f)
}
