package mastercli

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
)

// Level says what a session may ask for. A session can lower its own and never raise it.
type Level int

const (
	User     Level = iota + 1 // may look
	Operator                  // may reload as well
	Admin                     // may change the modes of its session as well; what HAProxy gives if -S names no level (H-8.3)
)

func (l Level) String() string {
	switch l {
	case User:
		return "user"
	case Operator:
		return "operator"
	}
	return "admin"
}

// Network is what kind of socket an Address is.
type Network string

const (
	UNIX     Network = "unix" // Name is an absolute path
	Abstract Network = "abns" // Name is a name without a file, which every local user can connect to
	IPv4     Network = "ipv4" // Name is address:port
	IPv6     Network = "ipv6" // Name is [address]:port
)

// Address is one parsed -S argument. It is plain data and can be compared; only ParseAddress makes one.
type Address struct {
	Network Network
	Name    string
	Level   Level
	Mode    uint32 // permissions of the file, UNIX only; 0 leaves them to the umask
	UID     int    // owner of the file, UNIX only; -1 leaves it
	GID     int    // group of the file, UNIX only; -1 leaves it
}

// Lookup turns the names of the options user and group into numbers. A nil function makes its option an error.
type Lookup struct {
	User, Group func(name string) (int, error)
}

// longestPath is what of a UNIX socket's 107 bytes is left beside the suffix that the socket is bound with.
const longestPath = 107 - len(".4194304.tmp")

// longestAbstract is what of a socket's 108 bytes is left beside the NUL byte in front.
const longestAbstract = 107

// ParseAddress reads "<address>[,<option>,<value>]…" (H-8.1, H-8.3). Addresses are a path, unix@path, abns@name, ipv4@a:p,
// ipv6@[a]:p and a:p, where a is a number, "*" or nothing; a relative path is taken from the current directory. Options are
// level, mode, uid, gid, user and group. The error is one line that names the remedy. HAProxy ignores an empty argument;
// here it is an error, so skip it before.
func ParseAddress(arg string, lookup Lookup) (Address, error) {
	name, rest, more := strings.Cut(arg, ",")
	a := Address{Level: Admin, UID: -1, GID: -1}
	err := a.setName(name)
	for err == nil && more {
		var option, value string
		option, rest, _ = strings.Cut(rest, ",")
		value, rest, more = strings.Cut(rest, ",")
		err = a.setOption(option, value, lookup)
	}
	if err != nil {
		return Address{}, fmt.Errorf("cannot use -S %q: %w", arg, err)
	}
	return a, nil
}

func (a *Address) setName(name string) error {
	family, bare, ok := strings.Cut(name, "@")
	if strings.HasPrefix(name, "/") || !ok {
		family, bare = guessFamily(name), name
	}
	switch family {
	case "unix":
		return a.setPath(bare)
	case "abns":
		if bare == "" || len(bare) > longestAbstract {
			return fmt.Errorf("an abstract name has 1 to %d bytes, not %d: write abns@name", longestAbstract, len(bare))
		}
		a.Network, a.Name = Abstract, bare
		return nil
	case "ipv4", "ipv6", "":
		return a.setPort(family, bare)
	}
	return fmt.Errorf("unknown kind of address %q: use unix@path, abns@name, ipv4@address:port or ipv6@[address]:port", family+"@")
}

// guessFamily is for a name without one: a path, unless it looks like address:port or like a port.
func guessFamily(name string) string {
	_, notPort := strconv.ParseUint(name, 10, 64)
	if name == "" || notPort == nil || strings.Contains(name, ":") && !strings.Contains(name, "/") {
		return ""
	}
	return "unix"
}

func (a *Address) setPath(path string) error {
	if path == "" {
		return fmt.Errorf("the path is missing: write unix@/run/mwlua.sock")
	}
	if strings.Contains(path, "\x00") {
		return fmt.Errorf("the path holds a NUL byte: leave it out")
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("cannot make the path absolute: %v: write an absolute path", err)
	}
	if len(absolute) > longestPath {
		return fmt.Errorf("the path has %d bytes and a socket's may have %d: use a shorter one", len(absolute), longestPath)
	}
	a.Network, a.Name = UNIX, absolute
	return nil
}

func (a *Address) setPort(family, name string) error {
	colon := strings.LastIndexByte(name, ':')
	if colon < 0 {
		if name == "" {
			return fmt.Errorf("the address is missing: use a path, abns@name or address:port")
		}
		return fmt.Errorf("a port needs an address: use 127.0.0.1:%s", name)
	}
	host, port := name[:colon], name[colon+1:]
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil || number == 0 {
		return fmt.Errorf("%q is not a port: use a number from 1 to 65535", port)
	}
	ip, err := parseHost(family, host)
	if err != nil {
		return err
	}
	a.Network, a.Name = IPv4, netip.AddrPortFrom(ip, uint16(number)).String()
	if ip.Is6() {
		a.Network = IPv6
	}
	return nil
}

func parseHost(family, host string) (netip.Addr, error) {
	if host == "" || host == "*" {
		if family == "ipv6" {
			return netip.IPv6Unspecified(), nil
		}
		return netip.IPv4Unspecified(), nil
	}
	ip, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
	if err != nil {
		return ip, fmt.Errorf("%q is not an IP address: use a number, as in 127.0.0.1 or [::1]", host)
	}
	ip = ip.Unmap()
	if family == "ipv4" && !ip.Is4() || family == "ipv6" && !ip.Is6() {
		return ip, fmt.Errorf("%q is not an %s address: leave %s@ out", host, family, family)
	}
	return ip, nil
}

func (a *Address) setOption(option, value string, lookup Lookup) error {
	var err error
	switch option {
	case "level":
		a.Level, err = parseLevel(value)
	case "mode":
		var mode uint64
		mode, err = strconv.ParseUint(value, 8, 32)
		if err != nil || mode > 0o777 {
			return fmt.Errorf("the mode %q is not an octal number up to 777: write it as in mode,660", value)
		}
		a.Mode = uint32(mode)
	case "uid":
		a.UID, err = parseID(option, value)
	case "gid":
		a.GID, err = parseID(option, value)
	case "user":
		a.UID, err = lookUp(option, value, "uid", lookup.User)
	case "group":
		a.GID, err = lookUp(option, value, "gid", lookup.Group)
	default:
		return fmt.Errorf("unknown option %q: use level, mode, uid, gid, user or group, each followed by its value", option)
	}
	return err
}

func parseLevel(value string) (Level, error) {
	for _, l := range []Level{User, Operator, Admin} {
		if value == l.String() {
			return l, nil
		}
	}
	return 0, fmt.Errorf("unknown level %q: use user, operator or admin", value)
}

func parseID(option, value string) (int, error) {
	id, err := strconv.ParseUint(value, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("the %s %q is not a number: write it as in %s,1000", option, value, option)
	}
	return int(id), nil
}

func lookUp(option, name, number string, find func(string) (int, error)) (int, error) {
	if name == "" || find == nil {
		return 0, fmt.Errorf("the %s %q cannot be looked up: use %s and a number", option, name, number)
	}
	id, err := find(name)
	if err != nil {
		return 0, fmt.Errorf("there is no %s %q (%v): create it, or use %s and a number", option, name, err, number)
	}
	return id, nil
}

// MasterCLI returns what HAPROXY_MASTER_CLI says of a (D-6, H-12.1): unix@ and an absolute path, abns@name, ipv4@address:port
// or ipv6@[address]:port.
func (a Address) MasterCLI() string { return string(a.Network) + "@" + a.Name }
