//go:build !race

package haproxycfg

const underRace = false
