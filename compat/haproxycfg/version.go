package haproxycfg

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/mwlua/mwlua/core/program"
)

// version is a release as numbers, the most significant one first.
type version []int

func (v version) compare(w version) int { return slices.Compare(v, w) }

var haproxyVersions = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[ \t]*(\d{1,9}(?:\.\d{1,9}){0,3})(?:-(?:(dev|rc|pre)(\d{0,9})(?:-(.*))?|(.*)))?$`)
})

// parseVersion reads a.b.c.d-devN-commit-N: missing numbers are 0, and a development version comes before a release
// candidate, that one before the release, and its commits after it (H-3.23). Numbers that HAProxy has no room for are
// refused, and a development version without a number before commits: HAProxy takes them for its number, below zero.
func parseVersion(text string) (version, bool) {
	m := haproxyVersions().FindStringSubmatch(text)
	if m == nil || strings.HasPrefix(m[5], "dev") || strings.HasPrefix(m[5], "rc") || strings.HasPrefix(m[5], "pre") {
		return nil, false
	}
	commits := m[4] + m[5]
	if strings.HasSuffix(commits, "-") || m[2] != "" && m[3] == "" && strings.IndexAny(commits, "0123456789") == 0 {
		return nil, false
	}
	v := numbers(m[1], 4)
	switch m[2] {
	case "":
		v = append(v, 2, 0)
	case "dev":
		v = append(v, 0, number(m[3]))
	default:
		v = append(v, 1, number(m[3]))
	}
	return append(v, number(commits[strings.LastIndexByte(commits, '-')+1:])), true
}

// numbers reads numbers with dots between them, and adds zeros up to count.
func numbers(text string, count int) version {
	v := make(version, 0, count+3)
	for part := range strings.SplitSeq(text, ".") {
		v = append(v, number(part))
	}
	for len(v) < count {
		v = append(v, 0)
	}
	return v
}

// number is 0 for what is none, such as the suffix of a distribution. Blanks may stand before it, and HAProxy counts modulo
// 2³².
func number(text string) int {
	n, _ := strconv.ParseInt(strings.TrimLeft(text, blanks), 10, 64)
	return int(uint32(n))
}

var opensslVersions = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:([a-z]+(?:-[0-9a-z]+)?)|-(?:beta(\d{1,9}))?[0-9a-z]*)?$`)
})

// parseOpenSSL reads a.b.c, then letters that count patches or a suffix that makes it older than the release, and yields the
// number that HAProxy makes of it: a nibble, three bytes, and a nibble. It counts as OpenSSL did until 1.1, so that 3.0.1 is
// above all of 3.0; 8.0.0 and later are negative; and a version that does not fit, or is 0, makes it crash (H-3.24).
func parseOpenSSL(text string) (int32, bool) {
	m := opensslVersions().FindStringSubmatch(text)
	if m == nil {
		return 0, false
	}
	major, minor, fix, letters, beta := number(m[1]), number(m[2]), number(m[3]), m[4], number(m[5])
	if major > 15 || minor > 255 || fix > 255 || beta > 14 {
		return 0, false
	}
	patch, status := 0, 15
	if letters != "" {
		patch = 1
		for _, c := range letters {
			patch += int(c&^0x20) - 'A'
		}
	} else if strings.Contains(text, "-") {
		status = beta
	}
	n := int32(uint32(major<<28 | minor<<20 | fix<<12 | patch&0xff<<4 | status))
	return n, n != 0
}

// defineVersion sets the release that is emulated, and the variables that name it (D-6).
func (l *loader) defineVersion() {
	v, ok := parseVersion(l.options.Version)
	if !ok {
		l.errorf(program.Place{}, "%s is no version of HAProxy: write one like %s", quote(l.options.Version), DefaultVersion)
		return
	}
	l.version = v
	l.env.set("HAPROXY_STARTUP_VERSION", l.options.Version)
	l.env.set("HAPROXY_BRANCH", strconv.Itoa(v[0])+"."+strconv.Itoa(v[1]))
}
