package haproxycfg

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/mwlua/mwlua/core/program"
)

// version is a release as numbers, the most significant one first.
type version []int

func (v version) compare(w version) int { return slices.Compare(v, w) }

var haproxyVersions = regexp.MustCompile(`^[ \t]*(\d+(?:\.\d+){0,3})(?:-(?:(dev|rc|pre)(\d+)(?:-(.*))?|(.*)))?$`)

// parseVersion reads a.b.c.d-devN-commit-N: missing numbers are 0, and a development version comes before a release
// candidate, that one before the release, and its commits after it (H-3.23).
func parseVersion(text string) (version, bool) {
	m := haproxyVersions.FindStringSubmatch(text)
	if m == nil || strings.HasPrefix(m[5], "dev") || strings.HasPrefix(m[5], "rc") || strings.HasPrefix(m[5], "pre") {
		return nil, false
	}
	v, ok := numbers(m[1], 4)
	switch m[2] {
	case "":
		v = append(v, 2, 0)
	case "dev":
		v = append(v, 0, number(m[3]))
	default:
		v = append(v, 1, number(m[3]))
	}
	commits := m[4] + m[5]
	return append(v, number(commits[strings.LastIndexByte(commits, '-')+1:])), ok
}

// numbers reads numbers with dots between them, and adds zeros up to count.
func numbers(text string, count int) (version, bool) {
	v := make(version, 0, count+3)
	for part := range strings.SplitSeq(text, ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			return nil, false
		}
		v = append(v, n)
	}
	for len(v) < count {
		v = append(v, 0)
	}
	return v, true
}

// number is 0 for what is none, such as the suffix of a distribution.
func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return n
}

var opensslVersions = regexp.MustCompile(`^(\d+\.\d+\.\d+)([a-z]*)(-[0-9a-z]+)?$`)

// parseOpenSSL reads a.b.c, letters that count patches, and a suffix that makes it older than the release.
func parseOpenSSL(text string) (version, bool) {
	m := opensslVersions.FindStringSubmatch(text)
	if m == nil {
		return nil, false
	}
	v, ok := numbers(m[1], 3)
	if m[3] != "" {
		return append(v, 0), ok
	}
	patch := 1
	for _, c := range m[2] {
		patch += int(c-'a') + 1
	}
	return append(v, patch), ok
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
