package program

import (
	"fmt"
	"math"
	"slices"
)

// Limit is one resource limit of a program, as setrlimit(2) takes it.
type Limit struct {
	Name       string // one of LimitNames
	Soft, Hard uint64 // bytes, seconds or a count, as the name has it; Unlimited means none. Soft is at most Hard.
}

// Unlimited is the value of a Limit that limits nothing (RLIM_INFINITY).
const Unlimited uint64 = math.MaxUint64

// LimitNames are the names of the resources, as in getrlimit(2) without RLIMIT_ and in lower case, in alphabetical order.
func LimitNames() []string {
	return []string{"as", "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss",
		"rtprio", "rttime", "sigpending", "stack"}
}

// validateLimits returns what is wrong with limits, a text a problem.
func validateLimits(limits []Limit) []string {
	var texts []string
	for i, l := range limits {
		switch {
		case !slices.Contains(LimitNames(), l.Name):
			texts = append(texts, fmt.Sprintf("limits.%s: unknown limit", l.Name))
		case l.Soft > l.Hard:
			texts = append(texts, fmt.Sprintf("limits.%s: the soft limit is above the hard one", l.Name))
		case slices.ContainsFunc(limits[:i], func(m Limit) bool { return m.Name == l.Name }):
			texts = append(texts, fmt.Sprintf("limits.%s: set twice", l.Name))
		}
	}
	return texts
}
