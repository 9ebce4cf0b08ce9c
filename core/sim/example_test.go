package sim_test

import (
	"fmt"
	"time"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
	"github.com/mwlua/mwlua/core/sim"
)

// A program that crashes is restarted, in virtual time.
func Example() {
	w := sim.New(1)
	w.SetConfig(program.Config{Programs: []program.Spec{{
		Name: "web", Command: []string{"/bin/web"}, OnReload: program.Replace, ReloadSignal: sim.USR1,
		Exit: policy.Policy{Backoff: policy.Backoff{Base: 20 * time.Second}},
	}}})
	w.Boot()
	w.Settle()
	w.Exit("web", sim.Ending{Code: 1})
	next, _ := w.Next("web")
	fmt.Println(w.Phase("web"), next)
	w.Advance(next)
	w.Settle()
	fmt.Println(w.Phase("web"), w.Running("web"))
	fmt.Print(w.Trace())
	// Output:
	// waiting 20s
	// running [web#2]
	// 0s           boot
	//                load 1
	// 1ms          loaded 1 with 1 programs
	//                spawn web#1 /bin/web
	// 2ms          spawned web#1 pid 2
	//                note spawned web#1
	//                note loaded
	//                notify ready
	// 2ms          exited web#1 code 1
	//                note exited web#1 code 1 after 1ms → restart in 20s (attempt 1)
	// 20.002s      wake
	//                spawn web#2 /bin/web
	// 20.003s      spawned web#2 pid 3
	//                note spawned web#2
}
