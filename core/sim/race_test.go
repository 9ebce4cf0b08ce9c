//go:build race

package sim

// underRace says that everything takes ten times as long.
const underRace = true
