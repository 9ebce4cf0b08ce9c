//go:build race

package haproxycfg

const underRace = true
