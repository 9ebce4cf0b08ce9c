package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// deaf is the longest time in which mwlua answers nobody while it does what is asked for: at a reload, from the last event of one image to the
// first of the next. It is asked for the end of a program that does not exist, each time when it has answered.
func (r *run) deaf(request func(*run) error) (time.Duration, error) {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", r.work.path("control.sock"))
	}}}
	done := make(chan error, 1)
	longest, last := time.Duration(0), time.Now()
	answered := func() {
		answer, err := client.Post("http://mwlua/v1/programs/none/stop", "application/json", strings.NewReader("{}"))
		if err != nil {
			return // between two images
		}
		_, _ = io.Copy(io.Discard, answer.Body) // that it begins is enough
		answer.Body.Close()
		longest, last = max(longest, time.Since(last)), time.Now()
	}
	answered()
	longest = 0
	go func() { done <- request(r) }() // waits for the command, sends whether it worked, ends with it
	for {
		select {
		case err := <-done:
			answered()
			return longest, err
		default:
			answered()
		}
	}
}
