// Package machine decides what a supervisor does. Step takes what happened and returns what to do next; everything that
// touches the world is a loop around it (core/supervisor for the real one, core/sim for a made-up one).
//
// It does not start, signal, wait or log anything, and reads no clock: time comes in as now. It keeps these invariants, which
// Check states: a program has at most one current instance; nothing starts once a stop has begun; a hand-over happens
// only when every process is known by its pid; the state is plain data, and JSON there and back at any step changes
// nothing that follows.
//
// # Reading order
//
//   - event.go, action.go: what can happen, and what can be asked for
//   - state.go, instance.go: what is known, and Check
//   - machine.go: Step, Deadline, Restore
//   - reload.go, plan.go, load.go: from a request to the plan to its actions
//   - run.go: spawn → exit → verdict
//   - ready.go: from running to ready, and whether it stays well
//   - order.go: who waits for whom, at a start and at a stop
//   - overlap.go: how a new instance follows an old one
//   - decide.go, hook.go: what follows an exit, when a function or a plugin is asked
//   - cron.go: what the clock starts
//   - command.go: what is asked of one program
//   - stop.go, unit.go: the end, how it becomes harder, and what it leaves
//   - schedule.go: what is due when
//
// # Walking the data
//
//   - boot: Booted → Load → Loaded → plan (all start) → Spawn … → Spawned
//   - exit: Exited → policy.Decide → restart (Waiting, Deadline, Wake → Spawn), stop, fail, or shutdown
//   - ready: Spawned → Probe → Probed, or Ready, or Notified → those who wait are spawned; or Wake → given up → Exited
//   - exit, in code: Exited → Decide → Decided, DecideFailed, or Wake → the next one, and in the end policy.Decide
//   - reload: Request → Trial → TrialPassed → Handover ⇒ (new image) Booted → Load → Loaded → plan → Signal …, Spawn …
//   - a reload that fails: TrialFailed, HandoverFailed or LoadFailed → a Note, and nothing else changes
//   - stop: Request → Signal … → Exited …, or Wake → Signal KILL → Exited → Quit
//
// testdata/matrix.txt is the whole table of situations and events, written by the code itself.
package machine
