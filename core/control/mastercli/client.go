package mastercli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/mwlua/mwlua/core/machine"
)

// Client speaks to the master CLI of an HAProxy, 2.5 or later. It may be used by any goroutine. One that NewClient has not made
// forwards nothing.
type Client struct {
	Path     string // of its UNIX socket
	forwards chan struct{}
}

// mostForwards is how many of the ten connections that HAProxy takes (H-8.4) may carry commands of clients at a time. The rest is
// for what mwlua asks itself.
const mostForwards = 6

// NewClient returns a Client for the socket at path. Its copies share a limit of 6 forwards at a time.
func NewClient(path string) Client {
	return Client{Path: path, forwards: make(chan struct{}, mostForwards)}
}

// clientTimeout is how long HAProxy may take to say which processes it has.
const clientTimeout = 2 * time.Second

// process is a row of `show proc`.
type process struct {
	pid     int
	reloads int
	failed  int // of the master alone
	uptime  time.Duration
	version string
	section string // the line above it, as "# workers"
}

// ask sends lines and returns all that is answered.
func (c Client) ask(ctx context.Context, lines string) (string, error) {
	var b strings.Builder
	err := c.copy(ctx, lines, &b)
	return b.String(), err
}

func (c Client) copy(ctx context.Context, lines string, w io.Writer) error {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", c.Path)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })()
	if _, err := io.WriteString(conn, lines); err != nil {
		return err
	}
	if err := conn.(*net.UnixConn).CloseWrite(); err != nil {
		return err
	}
	_, err = io.Copy(w, conn)
	return err
}

// rows is `show proc`. An answer without a master is an error: a master that loads gives none.
func (c Client) rows(ctx context.Context) ([]process, error) {
	text, err := c.ask(ctx, "show proc\n")
	if err != nil {
		return nil, err
	}
	rows := parseProc(text)
	if len(rows) == 0 || rows[0].section != "" {
		return nil, fmt.Errorf("HAProxy answered \"show proc\" with %.100q", text)
	}
	return rows, nil
}

// awaitRows asks until there is an answer: a master that executes itself gives none, and it does so when it starts too (H-6.1).
func (c Client) awaitRows(ctx context.Context) ([]process, error) {
	for {
		rows, err := c.rows(ctx)
		if err == nil {
			return rows, nil
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(pollEvery):
		}
	}
}

// parseProc reads H-8.18. A line that is no row is left out.
func parseProc(text string) []process {
	var rows []process
	section := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "# ") {
			section = line
			continue
		}
		if r, ok := parseRow(line); ok {
			r.section = section
			rows = append(rows, r)
		}
	}
	return rows
}

func parseRow(line string) (r process, ok bool) {
	line, failed, master := cutFailed(line)
	words := strings.Fields(line)
	if len(words) != 5 {
		return r, false
	}
	pid, err1 := strconv.Atoi(words[0])
	reloads, err2 := strconv.Atoi(words[2])
	uptime, err3 := parseUptime(words[3])
	if errors.Join(err1, err2, err3) != nil {
		return r, false
	}
	return process{pid: pid, reloads: reloads, failed: failed, uptime: uptime, version: words[4]}, master == (words[1] == "master")
}

// cutFailed takes "[failed: N]" out of a row.
func cutFailed(line string) (rest string, failed int, found bool) {
	before, after, found := strings.Cut(line, "[failed: ")
	number, after, closed := strings.Cut(after, "]")
	failed, err := strconv.Atoi(number)
	if !found || !closed || err != nil {
		return line, 0, false
	}
	return before + after, failed, true
}

func parseUptime(text string) (time.Duration, error) {
	days, rest, found := strings.Cut(text, "d")
	n, err := strconv.Atoi(days)
	if !found || err != nil {
		return 0, fmt.Errorf("%q is no time", text)
	}
	d, err := time.ParseDuration(rest)
	return d + time.Duration(n)*24*time.Hour, err
}

// Workers lists the workers, as Status has them; none if HAProxy does not answer.
func (c Client) Workers(now machine.Instant) []Worker {
	ctx, cancel := context.WithTimeout(context.Background(), clientTimeout)
	defer cancel()
	rows, err := c.awaitRows(ctx)
	if err != nil {
		return nil
	}
	var workers []Worker
	for _, r := range rows {
		old := r.section == "# old workers"
		if r.section == "# workers" || old {
			workers = append(workers, Worker{PID: r.pid, Old: old, Reloads: r.reloads, Since: now - machine.Instant(r.uptime), Version: r.version})
		}
	}
	return workers
}

// Serves waits until there is a worker that is not told to go. The error is why that is not known when ctx ends.
func (c Client) Serves(ctx context.Context) error {
	for {
		rows, err := c.awaitRows(ctx)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if r.section == "# workers" {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return errors.New("it has no worker")
		case <-time.After(pollEvery):
		}
	}
}

// Worker is the one of Forwarder: "@1" is the current worker, "@!pid" any.
func (c Client) Worker(prefix string) (int, bool) {
	for _, w := range c.Workers(0) {
		if prefix == "@!"+strconv.Itoa(w.PID) || prefix == "@1" && !w.Old {
			return w.PID, true
		}
	}
	return 0, false
}

// Forward is the one of Forwarder. It refuses what would be one too many at a time.
func (c Client) Forward(ctx context.Context, pid int, commands string, w io.Writer) bool {
	select {
	case c.forwards <- struct{}{}:
		defer func() { <-c.forwards }()
		return c.copy(ctx, fmt.Sprintf("@!%d\n%s", pid, commands), w) == nil
	default:
		return false
	}
}

// Reload has HAProxy read its configuration again, and waits until its new worker runs. hard is `hard-reload`, where HAProxy knows
// that. The error is what HAProxy says; the former worker goes on then. The caller may try again.
func (c Client) Reload(ctx context.Context, hard bool) error {
	before, err := c.awaitRows(ctx)
	if err != nil {
		return fmt.Errorf("cannot reach HAProxy's master: %w", err)
	}
	command := "reload\n"
	if hard {
		command = "hard-reload\n"
	}
	answer, err := c.ask(ctx, command)
	if hard && strings.Contains(answer, "Unknown command") { // before 2.9
		answer, err = c.ask(ctx, "reload\n")
	}
	status, logs, _ := strings.Cut(strings.TrimSpace(answer), "\n--\n")
	switch {
	case status == "Success=1":
		return nil
	case status == "Success=0":
		return errors.New(withReason("HAProxy did not reload", logs))
	case status != "":
		return errors.New(withReason("HAProxy does not know how to reload", answer))
	case ctx.Err() != nil:
		return fmt.Errorf("HAProxy did not reload: %w", err)
	}
	return c.awaitReload(ctx, before[0]) // before 2.7 there is no answer (H-8.15)
}

// pollEvery is the pause between two looks at an HAProxy that does not say when it has reloaded.
const pollEvery = 10 * time.Millisecond

// awaitReload waits until the master counts one more reload, and looks whether it counts one more failure.
func (c Client) awaitReload(ctx context.Context, before process) error {
	for {
		rows, err := c.awaitRows(ctx)
		if err != nil {
			return fmt.Errorf("HAProxy did not reload in time: %w", err)
		}
		now := rows[0]
		switch {
		case now.failed > before.failed:
			return errors.New("HAProxy did not reload: its own lines on standard error say why")
		case now.reloads != before.reloads || now.failed != before.failed:
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.New("HAProxy did not reload in time")
		case <-time.After(pollEvery):
		}
	}
}

// withReason puts HAProxy's lines behind ours.
func withReason(text, lines string) string {
	if lines = strings.TrimSpace(lines); lines != "" {
		text += ":\n" + lines
	}
	return text
}
