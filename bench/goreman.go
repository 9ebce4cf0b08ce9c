package main

import (
	"net"
	"strconv"
	"syscall"
)

// goreman runs a Procfile. It serves its own commands at a port, which is one that was free a moment ago.
func (p *place) goreman() *supervisor {
	port := ""
	return &supervisor{
		name: "goreman",
		note: "a line of a Procfile each, which it hands to /bin/sh; it does not read the file again, so `goreman run restart-all` " +
			"replaces all by their like. What ends stays down",
		givesUp: true,
		configure: func(w work) error {
			var err error
			if port, err = freePort(port); err != nil {
				return err
			}
			return w.write("Procfile", w.each("p%d: %s\n"), 0o644)
		},
		command: func(w work) []string {
			return []string{p.path("goreman"), "-p", port, "-set-ports=false", "-exit-on-stop=false", "-f", w.path("Procfile"), "start"}
		},
		replace: calls(func(w work) [][]string {
			return [][]string{{"env", "GOREMAN_RPC_SERVER=127.0.0.1:" + port, p.path("goreman"), "run", "restart-all"}}
		}),
		end:  syscall.SIGTERM,
		find: p.module("goreman", "github.com/mattn/goreman", "github.com/mattn/goreman"),
	}
}

// freePort is a port of TCP: the one that there is already, if any.
func freePort(port string) (string, error) {
	if port != "" {
		return port, nil
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port), l.Close()
}
