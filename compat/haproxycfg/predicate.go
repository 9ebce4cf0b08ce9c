package haproxycfg

import (
	"fmt"
	"slices"
	"strings"
)

// predicate is one of those that conditions may ask, of any release (H-3.18, D-1).
type predicate struct {
	usage string
	args  int
	eval  func(f facts, args []string) (bool, error)
}

var predicates = map[string]predicate{
	"defined":                 {"defined(NAME)", 1, defined},
	"feature":                 {"feature(NAME)", 1, feature},
	"streq":                   {"streq(A,B)", 2, func(_ facts, a []string) (bool, error) { return a[0] == a[1], nil }},
	"strneq":                  {"strneq(A,B)", 2, func(_ facts, a []string) (bool, error) { return a[0] != a[1], nil }},
	"strstr":                  {"strstr(TEXT,PART)", 2, func(_ facts, a []string) (bool, error) { return strings.Contains(a[0], a[1]), nil }},
	"enabled":                 {"enabled(NAME)", 1, enabled},
	"version_atleast":         {"version_atleast(VERSION)", 1, versionAtLeast},
	"version_before":          {"version_before(VERSION)", 1, not(versionAtLeast)},
	"openssl_version_atleast": {"openssl_version_atleast(VERSION)", 1, opensslAtLeast},
	"openssl_version_before":  {"openssl_version_before(VERSION)", 1, not(opensslAtLeast)},
	"ssllib_name_startswith":  {"ssllib_name_startswith(NAME)", 1, sslLibrary},
	"awslc_api_atleast":       {"awslc_api_atleast(VERSION)", 1, never},
	"awslc_api_before":        {"awslc_api_before(VERSION)", 1, never},
}

// predicateNames are the keys of predicates, for hints.
var predicateNames = []string{
	"awslc_api_atleast", "awslc_api_before", "defined", "enabled", "feature", "openssl_version_atleast",
	"openssl_version_before", "ssllib_name_startswith", "streq", "strneq", "strstr", "version_atleast", "version_before",
}

// opensslVersion is the library that questions about it are answered for, and opensslNumber what it calls itself.
const (
	opensslVersion = "3.0.22"
	opensslNumber  = 0x30000160
)

// features are those of Debian's build, as haproxy -vv lists them. HAProxy itself is not asked: it may not be installed (D-2).
const features = "-51DEGREES +ACCEPT4 +BACKTRACE -CLOSEFROM +CPU_AFFINITY +CRYPT_H -DEVICEATLAS +DL -ENGINE +EPOLL -EVPORTS " +
	"+GETADDRINFO -KQUEUE +LIBCRYPT +LINUX_SPLICE +LINUX_TPROXY +LUA -MEMORY_PROFILING +NETFILTER +NS -OBSOLETE_LINKER +OPENSSL " +
	"+OT -PCRE +PCRE2 +PCRE2_JIT -PCRE_JIT +POLL +PRCTL -PROCCTL +PROMEX -QUIC +RT +SLZ -STATIC_PCRE -STATIC_PCRE2 +SYSTEMD " +
	"+TFO +THREAD +THREAD_DUMP +TPROXY -WURFL -ZLIB"

// enabledFeatures are on unless an option of the command line turns them off (H-3.22).
var enabledFeatures = []string{"POLL", "EPOLL", "SPLICE", "GETADDRINFO", "REUSEPORT", "FAST-FORWARD"}

func not(eval func(facts, []string) (bool, error)) func(facts, []string) (bool, error) {
	return func(f facts, args []string) (bool, error) {
		value, err := eval(f, args)
		return !value, err
	}
}

func never(facts, []string) (bool, error) { return false, nil }

// defined asks for a variable, which may be empty. Pseudo variables are none (H-3.19). HAProxy asks getenv(3), to which A=x
// names a variable A whose value begins with x=.
func defined(f facts, args []string) (bool, error) {
	name, begin, cut := strings.Cut(args[0], "=")
	value, ok := f.lookup(name)
	return ok && !strings.HasPrefix(name, ".") && (!cut || strings.HasPrefix(value, begin+"=")), nil
}

// feature is true for "" too, by accident in HAProxy, and for neighbours in the list, such as "PCRE2 +PCRE2_JIT" (H-3.21).
func feature(_ facts, args []string) (bool, error) {
	return args[0] == "" || strings.Contains(features+" ", "+"+args[0]+" "), nil
}

func enabled(_ facts, args []string) (bool, error) {
	return slices.Contains(enabledFeatures, args[0]), nil
}

func sslLibrary(_ facts, args []string) (bool, error) {
	return strings.HasPrefix("OpenSSL "+opensslVersion, args[0]), nil
}

// versionAtLeast refuses what is no version, which HAProxy takes for true (T-26).
func versionAtLeast(f facts, args []string) (bool, error) {
	v, ok := parseVersion(args[0])
	if !ok {
		return false, fmt.Errorf("%s is no version of HAProxy: write one like 2.6 or 3.2-dev1", quote(args[0]))
	}
	return f.version.compare(v) >= 0, nil
}

// opensslAtLeast refuses what is no version, which makes HAProxy crash (H-3.24).
func opensslAtLeast(_ facts, args []string) (bool, error) {
	asked, ok := parseOpenSSL(args[0])
	if !ok {
		return false, fmt.Errorf("%s is no version of OpenSSL: write one like 3.0.0 or 1.1.1k", quote(args[0]))
	}
	return opensslNumber >= asked, nil
}
