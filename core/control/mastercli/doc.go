// Package mastercli speaks the protocol of HAProxy's master CLI, the -S socket: mwlua answers there what an HAProxy master
// would answer, so that tools made for it (dataplaneapi, Ray Serve, scripts with socat) go on working.
//
// It decides nothing. A session asks its Backend for the state and renders it, or hands a reload and the connection over.
// No lock here guards a decision: the one in sessions guards a list of connections.
//
// Invariants: every session ends (idle, line and write are bounded); a connection belongs to its session, until Reload takes
// it over, and to nobody else; every descriptor is close-on-exec from birth.
//
// Numbers like H-8.14 and T-31 are those of the project's notes on HAProxy; testdata holds recordings of 2.6.12 and 3.2.0,
// which the tests replay byte for byte.
package mastercli
