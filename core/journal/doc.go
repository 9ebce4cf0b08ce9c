// Package journal holds the recorded events of a run: Writer records them, Reader reads them, Replay runs them again on a machine.
//
// A journal is lines of JSON, and a sequence of segments. A segment begins with a Head, which has the machine's State: a snapshot
// from which all that follows can be run. A Step follows for each machine.Step: the instant, the event, and what the machine said about
// ends, so that a replay is compared with what has happened even if the machine has another mind by now.
//
// It does not decide what is recorded, and starts nothing. Its invariants: whoever steps the machine never waits for the disk; what is
// missing is seen, because steps are counted; and no value of an environment variable gets into a file (hide.go).
//
// # Reading order
//
//   - line.go: Head, Step, Outcome, and their JSON
//   - event.go: the events by name, and which texts they have
//   - hide.go, scrub.go: what does not get into a journal
//   - writer.go: what the loop of a supervisor calls
//   - disk.go, file.go: the goroutine that writes, the file and the one before
//   - reader.go: lines again
//   - replay.go, conf.go, compare.go: the history once more, under another configuration if need be
package journal
