package program

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// longestUnix is the longest path of a unix socket (unix(7), sun_path with its NUL).
const longestUnix = 107

// CheckSocket returns what is wrong with a name or an address of Spec.Sockets; nil if nothing is.
func CheckSocket(s Socket) error {
	if err := checkSocketName(s.Name); err != nil {
		return err
	}
	if path, ok := strings.CutPrefix(s.Address, "unix://"); ok {
		return checkUnix(path)
	}
	address, ok := strings.CutPrefix(s.Address, "tcp://")
	if !ok {
		return fmt.Errorf("expected \"tcp://HOST:PORT\" or \"unix:///PATH\", got %q", s.Address)
	}
	return CheckTCP(address)
}

// checkSocketName: names are joined by colons (sd_listen_fds_with_names(3)).
func checkSocketName(name string) error {
	if name == "" || len(name) > 255 || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == ':' }) {
		return errors.New("the name must be 1 to 255 printable characters of ASCII without spaces and colons")
	}
	return nil
}

func checkUnix(path string) error {
	switch {
	case path == "" || path[0] != '/':
		return fmt.Errorf("%q is not an absolute path: write unix:///PATH", path)
	case strings.Contains(path, "${"):
		return errors.New("${…} is not expanded here: mwlua opens it once, for all instances")
	case len(path) > longestUnix:
		return fmt.Errorf("its path is longer than %d bytes", longestUnix)
	case strings.ContainsRune(path, 0):
		return errors.New("a path holds no NUL byte")
	}
	return nil
}

// CheckTCP returns what is wrong with HOST:PORT, where HOST may be empty, and an IPv6 address is in brackets; nil if nothing is, or
// if that cannot be known because it holds ${…}.
func CheckTCP(address string) error {
	if strings.Contains(address, "${") {
		return nil
	}
	i := strings.LastIndexByte(address, ':')
	if i < 0 {
		return fmt.Errorf("expected HOST:PORT, got %q", address)
	}
	host, port := address[:i], address[i+1:]
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		host = host[1 : len(host)-1]
	} else if strings.Contains(host, ":") {
		return fmt.Errorf("expected HOST:PORT, got %q: an IPv6 address stands in brackets, as in [::1]:80", address)
	}
	if strings.ContainsFunc(host, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune("[]/@", r) }) {
		return fmt.Errorf("%q is not a host", host)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return fmt.Errorf("the port %q is not 1 to 65535", port)
	}
	return nil
}

// CheckURL returns what is wrong with a URL of a probe; nil if nothing is, or if that cannot be known because it holds ${…}.
func CheckURL(url string) error {
	rest, ok := strings.CutPrefix(url, "http://")
	if !ok {
		rest, ok = strings.CutPrefix(url, "https://")
	}
	switch {
	case strings.HasPrefix(url, "${"):
		return nil
	case !ok:
		return fmt.Errorf("expected a URL such as \"http://127.0.0.1:8080/healthz\", got %q", url)
	case strings.ContainsFunc(url, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		return errors.New("a URL holds no spaces and no control characters")
	}
	host, _, _ := strings.Cut(rest, "/")
	host, _, _ = strings.Cut(host, "?")
	if host == "" || host[0] == ':' {
		return errors.New("the URL names no host")
	}
	if strings.LastIndexByte(host, ':') > strings.LastIndexByte(host, ']') {
		return CheckTCP(host)
	}
	return nil
}
