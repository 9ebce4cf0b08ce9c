// Package proto is mwlua.plugin.v1, the protocol between mwlua and its plugins, and what core/policy's words are in it. It knows
// nothing of processes, sockets or go-plugin.
package proto

//go:generate protoc -I. -I/usr/include --go_out=. --go_opt=paths=source_relative --go-grpc_out=. --go-grpc_opt=paths=source_relative mwlua.proto
