package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/mwlua/mwlua/core/machine"
)

// request is one request whose body has been read.
type request struct {
	*http.Request
	w    http.ResponseWriter
	body []byte
	by   string // who asks, for the log
}

// ServeHTTP is called by the HTTP server, from a goroutine for each connection.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer func() {
		if v := recover(); v != nil { // programs are not to pay for a defect in here
			s.write(w, failed(http.StatusInternalServerError, WhyInternal, fmt.Sprintf("internal error: %v", v),
				"report this as a defect of mwlua"))
		}
	}()
	p, _ := r.Context().Value(peerKey{}).(peer)
	req := request{Request: r, w: w, by: p.String()}
	answer, ok := req.read(s.limits.body)
	switch {
	case !ok:
	case !p.may(s.path):
		answer = failed(http.StatusForbidden, WhyForbidden, fmt.Sprintf("user %d may not use this socket", p.uid),
			"be root or the user that mwlua runs as, or set control_group and control_mode in the configuration")
	default:
		if answer = s.route(req); answer.taken {
			return
		}
	}
	s.write(w, answer)
}

// read takes the body, so that no later read waits for the client. It returns false and an answer if there is something wrong
// with it.
func (r *request) read(within time.Duration) (answer, bool) {
	if r.ContentLength == 0 {
		return answer{}, true
	}
	var err error
	if r.ContentLength <= longestBody {
		control := http.NewResponseController(r.w)
		_ = control.SetReadDeadline(time.Now().Add(within)) // fails only if the client has left
		r.body, err = io.ReadAll(http.MaxBytesReader(r.w, r.Body, longestBody))
		if err == nil {
			_ = control.SetReadDeadline(time.Time{})
			return answer{}, true
		}
	}
	r.w.Header().Set("Connection", "close") // or the server would read on
	if err == nil || errors.As(err, new(*http.MaxBytesError)) {
		return failed(http.StatusRequestEntityTooLarge, WhyBadRequest, fmt.Sprintf("the body is longer than %d bytes", longestBody),
			"send a shorter one"), false
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return failed(http.StatusRequestTimeout, WhyBadRequest, "the body did not come in time", "send it at once"), false
	}
	return failed(http.StatusBadRequest, WhyBadRequest, fmt.Sprintf("cannot read the body: %v", err),
		"send a Content-Length that is right"), false
}

// endpoint is a path without a program's name.
type endpoint struct {
	method string
	do     func(*server, request) answer
}

func endpoints() map[string]endpoint {
	return map[string]endpoint{
		"/v1/status":   {http.MethodGet, (*server).status},
		"/v1/plan":     {http.MethodGet, (*server).plan},
		"/v1/reload":   {http.MethodPost, (*server).reload},
		"/v1/shutdown": {http.MethodPost, (*server).shutdown},
	}
}

// verbs are the last words of /v1/programs/NAME/VERB.
func verbs() map[string]machine.Verb {
	return map[string]machine.Verb{
		"start": machine.StartProgram, "stop": machine.StopProgram, "restart": machine.RestartProgram, "signal": machine.SignalProgram,
	}
}

// route is no http.ServeMux, because that cleans paths: a program may be named "..".
func (s *server) route(r request) answer {
	path := r.URL.EscapedPath()
	e, ok := endpoints()[path]
	if words := strings.Split(path, "/"); !ok && len(words) == 5 && words[1] == "v1" && words[2] == "programs" {
		name, err := url.PathUnescape(words[3])
		verb := verbs()[words[4]]
		ok = err == nil && verb != ""
		e = endpoint{http.MethodPost, func(s *server, r request) answer { return s.program(r, verb, name) }}
	}
	switch {
	case !ok:
		return failed(http.StatusNotFound, WhyUnknownPath, fmt.Sprintf("there is no %q", path),
			"there are /v1/status, /v1/plan, /v1/reload, /v1/shutdown, and /v1/programs/NAME/ with start, stop, restart or signal")
	case e.method != r.Method:
		r.w.Header().Set("Allow", e.method)
		return failed(http.StatusMethodNotAllowed, WhyWrongMethod, fmt.Sprintf("%q takes no %s", path, r.Method), "use "+e.method)
	}
	return e.do(s, r)
}

// decode reads the JSON body into v, which holds what counts without one.
func (r request) decode(v any) (answer, bool) {
	if len(bytes.TrimSpace(r.body)) == 0 {
		return answer{}, true
	}
	decoder := json.NewDecoder(bytes.NewReader(r.body))
	decoder.DisallowUnknownFields() // a misspelt one is not to be overlooked
	err := decoder.Decode(v)
	if err == nil {
		if _, more := decoder.Token(); more != io.EOF {
			err = errors.New("something follows the object")
		}
	}
	if err != nil {
		return failed(http.StatusBadRequest, WhyBadRequest, fmt.Sprintf("cannot read the body: %v", err),
			`send a JSON object, as {"wait": false}`), false
	}
	return answer{}, true
}

// slot waits for room in one of s's channels. free has to be called then; it is nil if ctx has ended.
func slot(ctx context.Context, in chan struct{}) (free func()) {
	select {
	case in <- struct{}{}:
		return func() { <-in }
	case <-ctx.Done():
		return nil
	}
}

// report gives the slot that an answer with all programs needs to make, which it keeps until the answer is sent.
func (s *server) report(r request, make func() answer) (a answer) {
	free := slot(r.Context(), s.reports)
	if free == nil {
		return leaving() // or the client has left, and reads nothing
	}
	defer func() {
		if a.done == nil {
			free()
		}
	}()
	a = make()
	a.done = free
	return a
}

func (s *server) status(r request) answer {
	return s.report(r, func() answer {
		report, ok := s.Status()
		if !ok {
			return leaving()
		}
		return answer{code: http.StatusOK, body: StatusOf(report, time.Now())}
	})
}

func (s *server) plan(r request) answer {
	free := slot(r.Context(), s.plans)
	if free == nil {
		return leaving()
	}
	defer free()
	return s.report(r, func() answer {
		changes, problems, ok := s.Plan(r.Context())
		if !ok {
			return leaving()
		}
		if errs := problems.Errors(); len(errs) > 0 {
			return answer{code: http.StatusUnprocessableEntity, body: &Failure{
				Text: errs.Error(), Why: WhyInvalid, Hint: "nothing was changed: correct the configuration", Problems: problemsOf(problems),
			}}
		}
		return answer{code: http.StatusOK, body: Plan{Changes: changesOf(changes), Problems: problemsOf(problems)}}
	})
}

func (s *server) program(r request, verb machine.Verb, name string) answer {
	var body struct {
		Signal string `json:"signal"`
		Wait   *bool  `json:"wait"`
	}
	if a, ok := r.decode(&body); !ok {
		return a
	}
	ask := machine.Request{Verb: verb, Program: name, By: r.by, NoWait: body.Wait != nil && !*body.Wait}
	if verb == machine.SignalProgram {
		number, err := ParseSignal(body.Signal)
		if err != nil {
			return failed(http.StatusBadRequest, WhyBadRequest, err.Error(), `send {"signal": "HUP"}`)
		}
		ask.Signal = number
	} else if body.Signal != "" {
		return failed(http.StatusBadRequest, WhyBadRequest, `"signal" is of no use here`, "leave it out, or use the verb signal")
	}
	select {
	case s.waits <- struct{}{}:
		defer func() { <-s.waits }()
	default:
		return failed(http.StatusServiceUnavailable, WhyBusy, fmt.Sprintf("%d others wait for programs already", s.limits.waits),
			"try again later, or end some of them")
	}
	reply, ok := s.Ask(r.Context(), ask)
	if !ok {
		return leaving()
	}
	return outcome(reply, ask.NoWait)
}

// shutdown is answered when it has begun: in the end nobody is there to answer.
func (s *server) shutdown(r request) answer {
	var body struct {
		Soft bool `json:"soft"`
	}
	if a, ok := r.decode(&body); !ok {
		return a
	}
	ask := machine.Request{Verb: machine.StopAll, Signal: int(syscall.SIGTERM), By: r.by, NoWait: true}
	if body.Soft {
		ask.Verb, ask.Signal = machine.SoftStop, int(syscall.SIGUSR1)
	}
	reply, ok := s.Ask(r.Context(), ask)
	if !ok { // it leaves, which is what was asked for
		reply = machine.Reply{OK: true}
	}
	return outcome(reply, true)
}

// reload gives the connection away. Who does not want to wait is answered at once, and the Backend gets a connection that nobody
// reads.
func (s *server) reload(r request) answer {
	var body struct {
		Hard bool  `json:"hard"`
		Wait *bool `json:"wait"`
	}
	if a, ok := r.decode(&body); !ok {
		return a
	}
	if body.Wait != nil && !*body.Wait {
		conn, err := deafConn()
		if err != nil {
			return failed(http.StatusServiceUnavailable, WhyBusy, fmt.Sprintf("cannot make a connection: %v", err), "try again later")
		}
		s.Reload(conn, body.Hard)
		return outcome(machine.Reply{OK: true}, true)
	}
	conn, _, err := http.NewResponseController(r.w).Hijack()
	if err != nil {
		return failed(http.StatusInternalServerError, WhyInternal, fmt.Sprintf("cannot take the connection over: %v", err), "use HTTP/1.1")
	}
	defer s.conns.release()
	s.Reload(conn, body.Hard)
	return answer{taken: true}
}
