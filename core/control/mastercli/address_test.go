package mastercli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseAddress(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	find := func(name string) (int, error) {
		if name == "nobody" {
			return 65534, nil
		}
		return 0, errors.New("not in the file")
	}
	plain := func(n Network, name string) Address {
		return Address{Network: n, Name: name, Level: Admin, UID: -1, GID: -1}
	}
	for arg, want := range map[string]struct {
		address Address
		says    string
	}{
		"/run/m.sock":                     {plain(UNIX, "/run/m.sock"), "unix@/run/m.sock"},
		"/run/a@b.sock":                   {plain(UNIX, "/run/a@b.sock"), "unix@/run/a@b.sock"},
		"unix@/run//m.sock":               {plain(UNIX, "/run/m.sock"), "unix@/run/m.sock"},
		"unix@m.sock":                     {plain(UNIX, here+"/m.sock"), "unix@" + here + "/m.sock"},
		"m.sock":                          {plain(UNIX, here+"/m.sock"), "unix@" + here + "/m.sock"},
		"d/m:1.sock":                      {plain(UNIX, here+"/d/m:1.sock"), "unix@" + here + "/d/m:1.sock"},
		"abns@name":                       {plain(Abstract, "name"), "abns@name"},
		"127.0.0.1:38123":                 {plain(IPv4, "127.0.0.1:38123"), "ipv4@127.0.0.1:38123"},
		"ipv4@127.0.0.1:1":                {plain(IPv4, "127.0.0.1:1"), "ipv4@127.0.0.1:1"},
		"*:1":                             {plain(IPv4, "0.0.0.0:1"), "ipv4@0.0.0.0:1"},
		":1":                              {plain(IPv4, "0.0.0.0:1"), "ipv4@0.0.0.0:1"},
		"[::1]:1":                         {plain(IPv6, "[::1]:1"), "ipv6@[::1]:1"},
		"ipv6@::1:1":                      {plain(IPv6, "[::1]:1"), "ipv6@[::1]:1"},
		"ipv6@*:1":                        {plain(IPv6, "[::]:1"), "ipv6@[::]:1"},
		"/s,mode,660,level,user":          {Address{UNIX, "/s", User, 0o660, -1, -1}, "unix@/s"},
		"/s,user,nobody,group,nobody":     {Address{UNIX, "/s", Admin, 0, 65534, 65534}, "unix@/s"},
		"/s,uid,1,gid,2,level,operator":   {Address{UNIX, "/s", Operator, 0, 1, 2}, "unix@/s"},
		"/s,level,user,level,admin,uid,0": {Address{UNIX, "/s", Admin, 0, 0, -1}, "unix@/s"},
	} {
		got, err := ParseAddress(arg, Lookup{User: find, Group: find})
		if diff := cmp.Diff(want.address, got); err != nil || diff != "" {
			t.Errorf("%q: %v\n%s", arg, err, diff)
		}
		if got.MasterCLI() != want.says {
			t.Errorf("%q: HAPROXY_MASTER_CLI would be %q, not %q", arg, got.MasterCLI(), want.says)
		}
	}
	for arg, want := range map[string]string{
		"":                            "use a path",
		"38124":                       "a port needs an address: use 127.0.0.1:38124",
		"unix@":                       "the path is missing",
		"abns@":                       "write abns@name",
		"abns@" + long(108):           "1 to 107 bytes, not 108",
		"/" + long(108):               "use a shorter one",
		"/a\x00b":                     "NUL",
		"fd@3":                        `unknown kind of address "fd@": use unix@path`,
		"127.0.0.1:":                  "use a number from 1 to 65535",
		"127.0.0.1:0":                 "use a number from 1 to 65535",
		"127.0.0.1:65536":             "use a number from 1 to 65535",
		"host.example:1":              "is not an IP address: use a number",
		"ipv4@[::1]:1":                "leave ipv4@ out",
		"ipv6@127.0.0.1:1":            "leave ipv6@ out",
		"/s,level,foo":                `unknown level "foo": use user, operator or admin`,
		"/s,foo,bar":                  `unknown option "foo": use level, mode, uid, gid, user or group`,
		"/s,":                         `unknown option ""`,
		"/s,mode":                     `the mode "" is not an octal number`,
		"/s,mode,999":                 `the mode "999" is not an octal number`,
		"/s,mode,1777":                `up to 777`,
		"/s,uid,root":                 `the uid "root" is not a number`,
		"/s,gid,-1":                   `the gid "-1" is not a number`,
		"/s,user,ghost":               `there is no user "ghost" (not in the file): create it, or use uid and a number`,
		"/s,group":                    `the group "" cannot be looked up: use gid and a number`,
		"/s,mode,600,level,root,uid,": `unknown level "root"`,
	} {
		_, err := ParseAddress(arg, Lookup{User: find, Group: find})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%.40q: got %v, want %q", arg, err, want)
		}
	}
	if _, err := ParseAddress("/s,user,nobody", Lookup{}); err == nil {
		t.Error("a user was found without a lookup")
	}
}

func long(n int) string { return strings.Repeat("x", n) }

func TestLongestPathCanBeBound(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, long(longestPath-len(dir)-1))
	a, err := ParseAddress(name, Lookup{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := Listen(a)
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
}
