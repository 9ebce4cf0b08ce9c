// Package control is mwlua's own control socket: HTTP/1.1 with JSON on a UNIX socket, both ends of it.
//
// The server, Serve, decides nothing. It turns a request into one call of its Backend and the answer of that into JSON, and it
// hands a reload over with its connection, because that is answered by another image of mwlua. The Client is what mwlua's own
// commands use; docs/reference/control.md is for those who write another one.
//
// Invariants: there is a bound on all that a client can make the server keep, and on the time that it may take to send and to
// read; waiting for programs has none but what the Backend has. Every descriptor is close-on-exec from birth. No lock here guards
// a decision: the one in conns guards a list of connections.
package control
