// Package supervisor is the shell around core/machine: it turns what happens in the world into events, performs the
// machine's actions, and decides nothing. An `if` about policy in here means that the machine lacks an event.
//
// One goroutine, the one that called Run, owns the machine, the thread that spawns, every child and every wait. The others do
// one blocking thing each and send what came of it to the loop:
//
//	goroutine      waits for                       sends                      ends with
//	log            lines, and their reader         –                          the process
//	journal        steps, and the disk             –                          the end of the loop, or the process
//	load           the loader                      Loaded, LoadFailed         the loader
//	trial          the trial's answer, or its end  TrialPassed, TrialFailed   either
//	reloadItself   a program's own reload          ReloadedItself, or not     that
//	awaitServing   a program's first worker        Serving, or not            that
//	probe          its turn, then an answer        Probed                     that, or its limit
//	decide         a function, a plugin            Decided, DecideFailed      that, or its limit
//	call           a function                      HookFailed, if it failed   that, or a while
//	inLoop         the loop, for a child of code  –                          that
//	closeCode      what code has started           –                          that, or a while
//	runStop        a command                       StopRan                    that, or its limit
//	watch          what programs say, the clock    what can be read           the process
//	pump           output, then room for it        Ready, once                its end, or a hand-over
//	Serve          clients of a socket             Request, by ask            the socket, or the process
//	answer         a client that reads             –                          that, or half a minute
//	finishAnswers  those                           –                          those
//
// What programs say is read by the loop itself, a bounded piece a turn, where the watch says that there is something: so one that
// floods costs work, and keeps nobody from a turn. Pumps are the exception, because where output leads may block.
//
// In the process of a trial, which becomes the guard of the hand-over:
//
//	goroutine      waits for                       sends                      ends with
//	master         words of the master             each word, or its end      the master's end of the connection
//
//	try            the loader                      the answer                 the loader
//	await          the end of an instance          its slot                   that
//
// # Reading order
//
//   - supervisor.go: Run and the loop
//   - perform.go: actions
//   - spawn.go, instance.go: what a program is started with, and what is held of an instance
//   - said.go, mainpid.go, ready.go, output.go: what an instance says of itself
//   - units.go: exits, and what they leave
//   - probes.go, errand.go: attempts and commands
//   - decide.go, hands.go: functions and plugins
//   - listeners.go, ticks.go: sockets of programs, and the clock
//   - trial.go, handover.go: a reload, from the old image's side and from the new one's
//   - guard.go: the trial's process
//   - sockets.go, mastercli.go, control.go: who asks through a socket, and gets an answer
//   - recorder.go: what core/journal records of it
//   - log.go, text.go, haproxy.go: what the operator reads
package supervisor
