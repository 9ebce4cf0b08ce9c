// Package core has nothing in itself: it is the map of the supervisor below it. What reads configurations (lua,
// compat/haproxycfg) and what answers for policies outside of the process (plugins) stands beside core, never in it; cmd/mwlua
// joins them.
//
// A supervisor is a function from what happened to what to do next. That function is machine.Step, and it is pure; everything
// that touches the world is a loop around it that decides nothing.
//
// # Reading order
//
// The pure packages, each of which imports only those above it:
//
//   - policy: what follows an exit: the rules, the backoff, the verdict; all that the author of a policy needs to read
//   - program: the declaration of what to run, checked plain data without behaviour
//   - machine: the decisions: Step, Deadline, Plan, and the state that goes through a re-exec
//   - sim: a made-up world in virtual time around the machine, for tests
//
// The shell around them:
//
//   - supervisor: the loop, signals, reload by re-exec, hand-over, the log
//   - internal/proc: every system call about processes: starting, waiting, signalling, becoming the next image
//   - internal/carry: the machine's state and the descriptors as one versioned document, for the next image
//   - journal: the recorded events of a run, and how they are run again
//   - cron: when a schedule comes next, on the clock of a zone
//   - keeper: a process below which tests with real processes live, and end
//   - internal/signals: the handlers, in place before anything else is initialised
//
// tidy_test.go holds the walls between them, and what makes the pure ones pure.
package core
