package control

import (
	"net"
	"net/http"
	"sync"
)

// conns is the list of connections of one server.
type conns struct {
	mu    sync.Mutex
	ended sync.Cond // one has ended
	most  int
	open  map[net.Conn]*visit
	room  int // how many more there may be
	ticks uint64
	taken int // connections that left the list and whose handler has not ended
}

// visit is a connection in that list.
type visit struct {
	since uint64 // the tick at which it began to wait for its client; 0 is one at work
	shut  bool   // it was closed to make room, and counts no more
}

func newConns(most int) *conns {
	c := &conns{most: most, room: most, open: map[net.Conn]*visit{}}
	c.ended.L = &c.mu
	return c
}

// admit adds conn, in the place of the one that waits longest for its client if there are too many. It returns false if all are at
// work.
func (c *conns) admit(conn net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.room == 0 {
		idle, v := c.longest()
		if idle == nil {
			return false
		}
		v.shut = true
		c.room++
		_ = idle.Close()
	}
	c.room--
	c.ticks++
	c.open[conn] = &visit{since: c.ticks}
	return true
}

// longest returns the one that waits longest, nil if all are at work.
func (c *conns) longest() (conn net.Conn, longest *visit) {
	for n, v := range c.open {
		if v.since > 0 && !v.shut && (longest == nil || v.since < longest.since) {
			conn, longest = n, v
		}
	}
	return conn, longest
}

// note is http.Server.ConnState.
func (c *conns) note(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	v := c.open[conn]
	if v == nil {
		return
	}
	switch state {
	case http.StateActive:
		v.since = 0
	case http.StateIdle:
		c.ticks++
		v.since = c.ticks
	case http.StateHijacked:
		c.taken++
		fallthrough
	case http.StateClosed:
		delete(c.open, conn)
		if !v.shut {
			c.room++
		}
		c.ended.Broadcast()
	}
}

// release says that the handler of a hijacked connection has ended.
func (c *conns) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.taken--
	c.ended.Broadcast()
}

// wait returns when all have ended.
func (c *conns) wait() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.open)+c.taken > 0 {
		c.ended.Wait()
	}
}
