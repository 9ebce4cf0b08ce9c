// Package host is mwlua's side of its plugins: it starts them, asks them, and ends them.
//
// It starts, signals and collects no process itself: who owns these does it (Processes). It does not decide what happens when a plugin
// has no answer; it only sees to it that there is an error in time. Whatever a plugin does, Decide returns by its deadline, Close and Use
// within seconds, and nothing that a plugin says or does not say makes a caller wait longer.
//
// Its goroutines: one for each declared plugin, which starts it, looks after it, and starts it again (member.live); for each run of
// one, one that connects (connect), one that waits for its end (runner.attend), one each that reads its standard output and error; and
// one for each former plugin that is told to go (Host.endFormer). go-plugin and gRPC have theirs.
package host
