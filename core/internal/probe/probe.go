// Package probe makes one attempt to find out over the network whether a program serves.
//
// It does not decide what follows, does not repeat anything, and runs no commands: those are processes, which have one owner.
package probe

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"

	"github.com/mwlua/mwlua/core/internal/cause"
	"github.com/mwlua/mwlua/core/program"
)

// maxAnswer bounds what is read of an answer, in bytes: its head, and, so that a server can send a short one to its end, its body,
// in which nothing counts.
const maxAnswer = 16 << 10

// Attempt makes one attempt of what until ctx is done, from any goroutine; what is one by HTTP, TCP or Unix. nil is a success. The
// error says in one line, for the operator, what happened: `connect 127.0.0.1:80: connection refused`. It is
// context.DeadlineExceeded if there was no answer.
func Attempt(ctx context.Context, what program.Probe) error {
	err := attempt(ctx, what)
	if err != nil && (ctx.Err() != nil || errors.Is(err, os.ErrDeadlineExceeded)) {
		return context.DeadlineExceeded
	}
	return err
}

func attempt(ctx context.Context, what program.Probe) error {
	switch {
	case what.HTTP != "":
		return get(ctx, what.HTTP)
	case what.TCP != "":
		return connect(ctx, "tcp", what.TCP)
	case what.Unix != "":
		return connect(ctx, "unix", what.Unix)
	}
	return errors.New("there is nothing to try")
}

func connect(ctx context.Context, network, address string) error {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return plain(fmt.Sprintf("connect %s", address), err)
	}
	return conn.Close()
}

// get speaks to a connection of its own. http.Transport would do more than is asked for: it may use a proxy of mwlua's environment,
// and it writes to the standard logger when a server speaks first.
func get(ctx context.Context, address string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return plain("GET "+address, err)
	}
	request.Header.Set("User-Agent", "mwlua")
	request.Close = true
	conn, err := dial(ctx, request.URL)
	if err != nil {
		return plain("GET "+address, err)
	}
	defer conn.Close()
	if limit, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(limit) // fails only if it is closed
	}
	response, err := exchange(conn, request)
	if err != nil {
		return plain("GET "+address, err)
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body) // the status was the answer
	if response.StatusCode < 200 || response.StatusCode > 399 {
		return fmt.Errorf("GET %s: %s", address, response.Status)
	}
	return nil
}

// dial connects to the server of an address.
func dial(ctx context.Context, to *url.URL) (net.Conn, error) {
	switch to.Scheme {
	case "http":
		return new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(to.Hostname(), cmp.Or(to.Port(), "80")))
	case "https":
		return new(tls.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(to.Hostname(), cmp.Or(to.Port(), "443")))
	}
	return nil, fmt.Errorf("the scheme %q is neither http nor https", to.Scheme)
}

// exchange sends a request and reads the head of its answer, and of what may come before it: 103 Early Hints (RFC 8297).
func exchange(conn net.Conn, request *http.Request) (*http.Response, error) {
	if err := request.Write(conn); err != nil {
		return nil, err
	}
	answer := bufio.NewReader(io.LimitReader(conn, maxAnswer))
	for {
		response, err := http.ReadResponse(answer, request)
		if err != nil || response.StatusCode >= 200 {
			return response, err
		}
	}
}

// plain is err without the layers that say again what was tried. doing is what was, unless a connection was not even made.
func plain(doing string, err error) error {
	if op := (*net.OpError)(nil); errors.As(err, &op) && op.Op == "dial" && op.Addr != nil {
		doing = fmt.Sprintf("connect %s", op.Addr)
	}
	if lookup := (*net.DNSError)(nil); errors.As(err, &lookup) {
		return fmt.Errorf("%s: cannot look up %s: %s", doing, lookup.Name, lookup.Err)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%s: no complete answer", doing)
	}
	return fmt.Errorf("%s: %w", doing, cause.Of(err))
}
