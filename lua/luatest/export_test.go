package luatest

import (
	"maps"
	"slices"
)

// SimVerbs are the methods of a world in virtual time.
func SimVerbs() []string { return slices.Sorted(maps.Keys(simVerbs())) }
