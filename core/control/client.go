package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/mwlua/mwlua/core/internal/cause"
	"github.com/mwlua/mwlua/core/machine"
)

// Client speaks to a control socket. Path is that of the socket. A Client has no state and may be used by any goroutine.
//
// The error of a method is *Unreachable if nobody is there, *Failure if mwlua says no or gives no answer that can be understood,
// and wraps that of ctx if it has ended. What was asked for goes on then; only nobody waits for it. A request that may be
// repeated is repeated once when the connection ends without an answer, as it does when mwlua executes itself anew.
type Client struct{ Path string }

// longestAnswer bounds what a Client reads of one. A hundred thousand programs take less.
const longestAnswer = 1 << 28

// Unreachable says that no supervisor is at Path. Cause is an errno, if there is one.
type Unreachable struct {
	Path  string
	Cause error
}

func (u *Unreachable) Error() string {
	return fmt.Sprintf("cannot reach mwlua at %q: %v", u.Path, u.Cause)
}

// Unwrap returns the cause.
func (u *Unreachable) Unwrap() error { return u.Cause }

// Hint is what to do about it.
func (u *Unreachable) Hint() string {
	switch {
	case errors.Is(u.Cause, os.ErrPermission):
		return "be root or the user that mwlua runs as, or set control_group and control_mode in the configuration"
	case errors.Is(u.Cause, syscall.ECONNREFUSED):
		return "nobody listens there any more: start mwlua with mwlua run, or name another socket by -s PATH or MWLUA_SOCKET"
	}
	return "start mwlua with mwlua run, or name its socket by -s PATH or MWLUA_SOCKET"
}

// Order is a request about one program.
type Order struct {
	Verb    machine.Verb // StartProgram, StopProgram, RestartProgram or SignalProgram
	Program string
	Signal  string // for SignalProgram, as ParseSignal reads it
	NoWait  bool   // it is enough that it was begun
}

// Status returns what runs.
func (c Client) Status(ctx context.Context) (s Status, err error) {
	err = c.do(ctx, call{method: http.MethodGet, path: "/v1/status", again: true}, &s)
	s.restore()
	return s, err
}

// Plan returns what a reload would do. With a configuration that cannot be used, the error is a *Failure with WhyInvalid.
func (c Client) Plan(ctx context.Context) (p Plan, err error) {
	err = c.do(ctx, call{method: http.MethodGet, path: "/v1/plan", again: true}, &p)
	restoreChanges(p.Changes)
	return p, err
}

// Reload has mwlua reload, and waits until it has; the result says what was changed. hard sends SIGTERM to what goes.
func (c Client) Reload(ctx context.Context, hard bool) (Result, error) {
	return c.reload(ctx, map[string]bool{"hard": hard})
}

// BeginReload is Reload for who does not wait.
func (c Client) BeginReload(ctx context.Context, hard bool) (Result, error) {
	return c.reload(ctx, map[string]bool{"hard": hard, "wait": false})
}

func (c Client) reload(ctx context.Context, body map[string]bool) (r Result, err error) {
	err = c.do(ctx, call{method: http.MethodPost, path: "/v1/reload", body: body}, &r)
	restoreChanges(r.Changes)
	return r, err
}

// Do gives an order and waits until it is carried out, unless NoWait says otherwise.
func (c Client) Do(ctx context.Context, o Order) (r Result, err error) {
	body := map[string]any{"wait": !o.NoWait}
	if o.Signal != "" {
		body["signal"] = o.Signal
	}
	for verb, v := range verbs() {
		if v == o.Verb {
			again := v == machine.StartProgram || v == machine.StopProgram
			return r, c.do(ctx, call{http.MethodPost, "/v1/programs/" + pathOf(o.Program) + "/" + verb, body, again}, &r)
		}
	}
	return r, fmt.Errorf("the verb %q is none for a program", o.Verb)
}

// Shutdown has mwlua stop all programs and leave; soft lets them finish and kills nobody. It does not wait: Status shows what is
// left, and is Unreachable in the end.
func (c Client) Shutdown(ctx context.Context, soft bool) error {
	return c.do(ctx, call{method: http.MethodPost, path: "/v1/shutdown", body: map[string]bool{"soft": soft}}, new(Result))
}

// call is one request.
type call struct {
	method string
	path   string // escaped
	body   any    // nil for none
	again  bool   // it may be repeated
}

func (c Client) do(ctx context.Context, call call, into any) error {
	code, text, err := c.once(ctx, call)
	if errors.As(err, new(cut)) && call.again && ctx.Err() == nil {
		code, text, err = c.once(ctx, call)
	}
	switch {
	case ctx.Err() != nil && err != nil:
		return fmt.Errorf("no answer from mwlua at %q: %w", c.Path, ctx.Err())
	case errors.As(err, new(cut)):
		return &Failure{Why: WhyCut, Text: fmt.Sprintf("the connection to mwlua at %q ended without an answer: %v", c.Path, err),
			Hint: "what was asked for may have been done or not: mwlua status shows it"}
	case err != nil:
		return err
	}
	if code/100 == 2 {
		if err := json.Unmarshal(text, into); err == nil {
			return nil
		}
	} else if f := new(Failure); json.Unmarshal(text, f) == nil && f.Text != "" {
		return f
	}
	return c.strange(fmt.Sprintf("%d and %.60q", code, text))
}

func (c Client) strange(answer string) error {
	return &Failure{Why: WhyStrange, Text: fmt.Sprintf("what listens at %q answers %s, which is not as mwlua does", c.Path, answer),
		Hint: "name the socket of mwlua by -s PATH or MWLUA_SOCKET"}
}

// cut is the end of a connection before the answer.
type cut struct{ error }

// once makes the request over a connection of its own. An error is *Unreachable, *Failure, cut, or after the end of ctx.
func (c Client) once(ctx context.Context, call call) (code int, text []byte, err error) {
	var body io.Reader
	if call.body != nil {
		body = bytes.NewReader(encode(call.body))
	}
	r, err := http.NewRequestWithContext(ctx, call.method, "http://mwlua"+call.path, body)
	if err != nil {
		return 0, nil, cut{err}
	}
	r.GetBody = nil // who repeats is do
	conn, err := c.dial(ctx)
	if err != nil {
		return 0, nil, &Unreachable{Path: c.Path, Cause: cause.Of(err)}
	}
	transport := &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(context.Context, string, string) (net.Conn, error) { return conn, nil },
	}
	answer, err := transport.RoundTrip(r)
	if err != nil {
		_ = conn.Close()
		if strings.Contains(err.Error(), "malformed HTTP") {
			return 0, nil, c.strange("what is not HTTP")
		}
		return 0, nil, cut{reason(err)}
	}
	defer answer.Body.Close()
	text, err = io.ReadAll(io.LimitReader(answer.Body, longestAnswer))
	if err != nil {
		return 0, nil, cut{reason(err)}
	}
	return answer.StatusCode, text, nil
}

// reason is err in fewer words.
func reason(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it was closed")
	}
	return cause.Of(err)
}

// dialRetry is the pause before another try when too many others wait to be accepted.
const dialRetry = 20 * time.Millisecond

func (c Client) dial(ctx context.Context) (net.Conn, error) {
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "unix", c.Path)
		if !errors.Is(err, syscall.EAGAIN) {
			return conn, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(dialRetry):
		}
	}
}
