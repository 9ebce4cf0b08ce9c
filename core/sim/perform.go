package sim

import "github.com/mwlua/mwlua/core/machine"

// perform carries out an action of the machine. last says that it is the last one of its step.
func (w *World) perform(a machine.Action, last bool) {
	switch a := a.(type) {
	case machine.Load:
		w.beginLoad(a)
	case machine.Trial:
		w.beginTrial(a)
	case machine.EndTrial:
		w.endTrial(a)
	case machine.Handover:
		w.expectLast(a, last)
		w.handOver(a)
	case machine.Spawn:
		w.spawn(a)
	case machine.Signal:
		w.signal(a)
	case machine.ReloadItself:
		w.reloadItself(a)
	case machine.AwaitServing:
		w.awaitServing(a)
	case machine.WritePidfile:
		if w.PidfileFails != "" {
			w.queue.add(&delivery{at: w.later(0), ev: machine.PidfileFailed{Text: w.PidfileFails}})
		}
	case machine.Probe:
		w.probe(a)
	case machine.RunStop:
		w.runStop(a)
	case machine.SignalUnit:
		w.signalUnit(a)
	case machine.NextTick:
		w.nextTick(a)
	case machine.Follow:
		w.follow(a)
	case machine.Decide:
		w.decide(a)
	case machine.CallHook:
		w.callHook(a)
	case machine.UseCode:
		if w.Code != nil {
			w.Code.Use()
		}
	case machine.OpenSockets:
	case machine.OpenControl:
	case machine.Notify:
		w.expectNotify(a)
	case machine.Reply:
		w.expectReply(a)
	case machine.Report:
	case machine.Note:
		w.expectNote(a)
		if w.Told != nil {
			w.Told(w.now, a)
		}
	case machine.Quit:
		w.expectLast(a, last)
		w.expectQuit(a)
		w.quit, w.status = true, a.Status
	default:
		w.fail("there is no such action in this world: %T", a)
	}
}
