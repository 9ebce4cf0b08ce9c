package sim

import (
	"flag"
	"os"
	"syscall"
	"testing"
	"time"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "the seed of TestChaos; 0 means the fixed list")
	stepsFlag = flag.Int("steps", 12_000, "the steps that TestChaos makes with each seed")
)

func TestChaos(t *testing.T) {
	seeds, steps := []uint64{*seedFlag}, *stepsFlag
	if *seedFlag == 0 {
		seeds = []uint64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
		if os.Getenv("CI") != "" && !underRace {
			steps = max(steps, 66_000)
		}
	}
	var all Report
	begin := cpuTime(t)
	for _, seed := range seeds {
		r := Chaos(seed, steps)
		if r.Err != nil {
			t.Error(r.Err)
		}
		all.Steps, all.Worlds, all.Virtual = all.Steps+r.Steps, all.Worlds+r.Worlds, all.Virtual+r.Virtual
	}
	took := cpuTime(t) - begin
	t.Logf("%d worlds, %d steps, %.0f steps per CPU second, %.1f virtual years", all.Worlds, all.Steps,
		float64(all.Steps)/took.Seconds(), all.Virtual.Hours()/24/365)
}

// cpuTime is what this process has used: unlike the time of day it does not depend on what else the machine does.
func cpuTime(t *testing.T) time.Duration {
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		t.Fatal(err)
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}
