// Package sim is a made-up world in virtual time around core/machine: programs that run, crash and ignore signals, trials
// that hang, hand-overs that fail, configurations that break, all of it as plain data and without a clock.
//
// It does not run, signal or read anything, it does not judge policies, and it is no model of the kernel: what the shell
// does with pids, pipes and masks is tested with real processes. The same calls on the same seed make the same trace, always.
//
// It keeps the world's side of the machine's promises, and World.Err names the first one that was broken: nothing is
// spawned after a stop began, nor before an earlier spawn of that program has its answer; signals go to processes that are
// there; nothing is killed before its time; no restart and no reload request is lost; an accepted configuration is carried
// out; a machine that left leaves no process behind. Machine.Check runs after every step.
//
// # Reading order
//
//   - world.go: World and the verbs
//   - behaviour.go: how programs behave, and how the outside answers
//   - step.go, queue.go: how time passes
//   - perform.go, process.go, reload.go: what comes of each action
//   - expect*.go: what is checked
//   - query.go, trace.go: what a test can ask
//   - carry.go: the machine sent through JSON between two steps
//   - watch.go: who is told of every step
//   - chaos*.go: worlds made by a seed
package sim
