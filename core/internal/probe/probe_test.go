package probe_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mwlua/mwlua/core/internal/probe"
	"github.com/mwlua/mwlua/core/program"
)

// patience is the limit of an attempt that is to end before it.
const patience = 20 * time.Second

// check makes an attempt and compares its error: "" is a success.
func check(t *testing.T, what program.Probe, limit time.Duration, want string) {
	t.Helper()
	got := ""
	if err := attempt(what, limit); err != nil {
		got = err.Error()
	}
	if got != want {
		t.Errorf("attempt of %+v: %q, want %q", what, got, want)
	}
}

func attempt(what program.Probe, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	return probe.Attempt(ctx, what)
}

// listen listens and accepts nobody.
func listen(t *testing.T, network, address string) net.Listener {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// closed is an address of loopback at which nobody listens any more.
func closed(t *testing.T) string {
	t.Helper()
	l := listen(t, "tcp", "127.0.0.1:0")
	l.Close()
	return l.Addr().String()
}

func TestConnect(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	missing := path + ".none"
	listen(t, "unix", path)
	address := closed(t)
	check(t, program.Probe{TCP: listen(t, "tcp", "127.0.0.1:0").Addr().String()}, patience, "")
	check(t, program.Probe{Unix: path}, patience, "")
	check(t, program.Probe{TCP: address}, patience, "connect "+address+": connection refused")
	check(t, program.Probe{Unix: missing}, patience, "connect "+missing+": no such file or directory")
	check(t, program.Probe{TCP: "127.0.0.1"}, patience, "connect 127.0.0.1: missing port in address")
	check(t, program.Probe{}, patience, "there is nothing to try")
}

func TestGET(t *testing.T) {
	mux := http.NewServeMux()
	for _, status := range []int{200, 204, 302, 399, 400, 404, 503} {
		mux.HandleFunc(fmt.Sprintf("/%d", status), func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "/503") // a redirect is not followed
			w.WriteHeader(status)
		})
	}
	mux.HandleFunc("/long", func(w http.ResponseWriter, r *http.Request) {
		for range 1000 {
			fmt.Fprintln(w, strings.Repeat("x", 1000))
		}
	})
	mux.HandleFunc("/hints", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(103) })
	mux.HandleFunc("/closes", func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) })
	s := httptest.NewServer(mux)
	defer s.Close()
	for path, want := range map[string]string{
		"/200": "", "/204": "", "/302": "", "/399": "", "/long": "", "/hints": "",
		"/400":    "GET " + s.URL + "/400: 400 Bad Request",
		"/404":    "GET " + s.URL + "/404: 404 Not Found",
		"/503":    "GET " + s.URL + "/503: 503 Service Unavailable",
		"/closes": "GET " + s.URL + "/closes: no complete answer",
	} {
		check(t, program.Probe{HTTP: s.URL + path}, patience, want)
	}
	address := closed(t)
	check(t, program.Probe{HTTP: "http://" + address + "/"}, patience, "connect "+address+": connection refused")
	check(t, program.Probe{HTTP: "ftp://x/"}, patience, `GET ftp://x/: the scheme "ftp" is neither http nor https`)
	check(t, program.Probe{HTTP: "http://a b/"}, patience, `GET http://a b/: invalid character " " in host name`)
}

// TestNoAnswer: a server that takes the connection and is silent, and one that never ends its answer's head.
func TestNoAnswer(t *testing.T) {
	l := listen(t, "tcp", "127.0.0.1:0")
	check(t, program.Probe{HTTP: "http://" + l.Addr().String() + "/"}, 50*time.Millisecond, "context deadline exceeded")

	drips := listen(t, "tcp", "127.0.0.1:0")
	go func() {
		conn, err := drips.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		head := "HTTP/1.1 200 OK\r\n"
		for {
			if _, err := conn.Write([]byte(head)); err != nil {
				return
			}
			head = "X: y\r\n"
		}
	}()
	url := "http://" + drips.Addr().String() + "/"
	if err := attempt(program.Probe{HTTP: url}, patience); err == nil || !strings.HasPrefix(err.Error(), "GET "+url+": ") {
		t.Errorf("an answer without an end: %v", err)
	}
}
