package journal

import (
	"testing"
	"time"

	"github.com/mwlua/mwlua/core/machine"
)

// BenchmarkStep is what a step costs the loop, without and with a journal.
func BenchmarkStep(b *testing.B) {
	w := NewWriter(Options{File: File{Path: b.TempDir() + "/journal"}, Say: func(string, string) {}})
	defer w.Close()
	m, now := machine.New(1), machine.Instant(time.Hour)
	for _, recorded := range []bool{false, true} {
		b.Run(map[bool]string{false: "plain", true: "recorded"}[recorded], func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				now++
				if i%1000 == 0 { // or the disk does not keep up, and nothing is recorded
					b.StopTimer()
					w.Flush()
					b.StartTimer()
				}
				if !recorded {
					m.Step(now, machine.Wake{})
					continue
				}
				w.Before(now, m)
				w.After(now, machine.Wake{}, m.Step(now, machine.Wake{}))
			}
		})
	}
}
