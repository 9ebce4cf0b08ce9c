package supervisor

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/mwlua/mwlua/core/internal/carry"
	"github.com/mwlua/mwlua/core/internal/proc"
	"github.com/mwlua/mwlua/core/internal/signals"
	"github.com/mwlua/mwlua/core/machine"
)

// Trial is the process of a trial: it decodes the state of the master that started it, loads the configuration, and answers. If
// both are good it stays as the guard of the hand-over, and stands in for the master if that dies between its two images. It
// returns the status to exit with.
func Trial(o Options) int {
	defer o.Log.Flush()
	if err := proc.CloseOnExec(); err != nil {
		o.Log.Warn("%v", err)
	}
	conn := os.NewFile(trialMaster, "master")
	words := make(chan string)
	go readWords(conn, words) // waits for words of the master; ends when its end is closed
	file := carry.Open(trialDocument)
	answers := make(chan answer, 1)
	go func() { answers <- try(o, file) }() // waits for the loader; sends the answer
	select {
	case a := <-answers:
		if err := reply(conn, a); err != nil || !a.OK {
			return 1
		}
	case <-words: // nothing is said before the answer: the master is gone
		return 1
	}
	if word, ok := <-words; !ok || word != wordGuard {
		return 0
	}
	g, err := newGuard(o.Log, file)
	if err != nil {
		fmt.Fprintln(conn, err)
		return 1
	}
	fmt.Fprintln(conn, wordReady)
	if word, ok := <-words; ok && word == wordUp {
		return 0
	}
	return g.standIn()
}

// readWords closes words when the connection ends.
func readWords(conn io.Reader, words chan<- string) {
	defer close(words)
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		words <- lines.Text()
	}
}

func try(o Options, file carry.File) answer {
	restored := make(chan error, 1)
	go func() { // beside the load; sends what came of it
		d, err := file.Read()
		if err == nil {
			_, err = machine.Restore(d.State)
		}
		instances := 0
		for _, p := range d.State.Programs {
			instances += len(p.Instances)
		}
		proc.MakeRoom(instances) // for newGuard
		restored <- err
	}()
	config, problems := o.Load(RunAlone, false)
	if err := <-restored; err != nil {
		return answer{Text: err.Error()}
	}
	if failed, ok := loadAnswer(0, config, problems).(machine.LoadFailed); ok {
		return answer{Text: failed.Text}
	}
	return answer{OK: true}
}

func reply(conn io.Writer, a answer) error {
	return json.NewEncoder(conn).Encode(a)
}

// guard can do what the machine asks for at a stop, without being anybody's parent.
type guard struct {
	log    *Log
	m      *machine.Machine
	master proc.Pidfd
	pid    int // of the master
	slots  map[machine.ID]int
	ids    []machine.ID
	pids   []int
	fds    []proc.Pidfd // -1 once the instance is gone
	ended  chan int     // the slot of one that has ended
	awaits bool         // a goroutine will send to ended
	queue  []machine.Event
	quit   bool
	// left are those that have outlived the process of their instance, as the machine names them.
	left map[machine.ID][]proc.Pidfd
}

// newGuard opens every process of the state. The master collects none from the moment it wrote that, so each pid is still its
// instance's.
func newGuard(log *Log, file carry.File) (*guard, error) {
	d, err := file.Read()
	if err != nil {
		return nil, err
	}
	g := &guard{
		log: log, pid: d.Master.PID, slots: make(map[machine.ID]int), ended: make(chan int), left: make(map[machine.ID][]proc.Pidfd),
	}
	if parent, err := proc.Identify(os.Getppid()); err != nil || parent != d.Master || !file.Sealed() {
		return nil, fmt.Errorf("the state is not that of the master")
	}
	if g.m, err = machine.Restore(d.State); err != nil {
		return nil, err
	}
	if g.master, err = proc.OpenPidfd(g.pid); err != nil {
		return nil, fmt.Errorf("cannot open the master: %w", err)
	}
	for _, p := range d.State.Programs {
		for _, in := range p.Instances {
			if err := g.open(machine.ID{Program: p.Name, Slot: p.Slot, Seq: in.Seq}, in); err != nil {
				return nil, err
			}
		}
	}
	return g, nil
}

// open opens the processes of an instance.
func (g *guard) open(id machine.ID, in machine.Instance) error {
	if in.Step == machine.Emptying {
		for _, survivor := range in.Left {
			if fd, err := proc.OpenPidfd(survivor.PID); err == nil { // otherwise it has ended
				g.left[id] = append(g.left[id], fd)
			}
		}
		return nil
	}
	fd, err := proc.OpenPidfd(in.PID)
	if err != nil {
		return fmt.Errorf("cannot open %v: %w", id, err)
	}
	g.slots[id] = len(g.ids)
	g.ids, g.pids, g.fds = append(g.ids, id), append(g.pids, in.PID), append(g.fds, fd)
	return nil
}

// standIn is called when the master's end of the connection closed without the word that the new image is up. If the master is
// dead, the machine says what follows.
func (g *guard) standIn() int {
	if i, err := proc.Wait([]proc.Pidfd{g.master}, 10*time.Second); i < 0 || err != nil {
		return 0 // it lives: it gave up the hand-over, and us with it
	}
	ev := machine.MasterEnded{PID: g.pid}
	if status, known := g.master.Fate(g.pid); known && status.Signaled() {
		ev.Signal = int(status.Signal())
	}
	g.run(ev)
	return 0
}

// run is the supervisor's loop over other people's children.
func (g *guard) run(ev machine.Event) {
	for {
		now := machine.Instant(proc.Monotonic())
		for _, a := range g.m.Step(now, ev) {
			g.perform(now, a)
		}
		if g.quit {
			return
		}
		if len(g.queue) == 0 {
			g.queue = append(g.queue, g.next())
		}
		ev, g.queue = g.queue[0], g.queue[1:]
	}
}

func (g *guard) next() machine.Event {
	var wake <-chan time.Time
	if at, ok := g.m.Deadline(); ok {
		wake = time.After(max(0, time.Duration(int64(at)-proc.Monotonic())))
	}
	if !g.awaits {
		g.awaits = true
		go g.await(slices.Clone(g.fds)) // waits for the end of one instance; sends its slot; ends then
	}
	select {
	case i := <-g.ended:
		g.awaits = false
		return g.exit(i)
	case <-signals.Term: // a second, harder request, as the master would have heard it
		return stopRequest(sigTERM)
	case <-signals.Int:
		return stopRequest(sigINT)
	case <-signals.Usr1:
		return stopRequest(sigUSR1)
	case <-wake:
		return machine.Wake{}
	}
}

func (g *guard) await(fds []proc.Pidfd) {
	for {
		if i, err := proc.Wait(fds, -1); i >= 0 {
			g.ended <- i
			return
		} else if err != nil {
			return // poll(2) fails for lack of memory only; deadlines go on
		}
	}
}

// exit is the end of the instance in slot i.
func (g *guard) exit(i int) machine.Event {
	ev := machine.Exited{ID: g.ids[i], Code: machine.UnknownCode}
	if ws, ok := g.fds[i].Fate(g.pids[i]); ok {
		ev.Code, ev.Signal, ev.CoreDumped = ws.ExitStatus(), 0, ws.CoreDump()
		if ws.Signaled() {
			ev.Code, ev.Signal = 0, int(ws.Signal())
		}
	}
	g.fds[i] = -1
	return ev
}

func (g *guard) perform(now machine.Instant, a machine.Action) {
	switch a := a.(type) {
	case machine.Signal:
		if i, ok := g.slots[a.ID]; ok && g.fds[i] >= 0 {
			g.signal(a.ID, g.fds[i], a.Signal, a.Group && leadsGroup(g.pids[i]))
		}
	case machine.SignalUnit: // whoever is left is nobody's child here: that it ends is not waited for
		for _, fd := range g.left[a.ID] {
			g.signal(a.ID, fd, a.Signal, false)
		}
		g.queue = append(g.queue, machine.Emptied{ID: a.ID})
	case machine.RunStop:
		g.queue = append(g.queue, machine.StopRan{ID: a.ID, Text: "there is nobody to run it between two images of mwlua"})
	case machine.Note:
		g.log.Note(now, a)
	case machine.Quit:
		g.quit = true
	}
}

func (g *guard) signal(id machine.ID, fd proc.Pidfd, signal int, group bool) {
	if err := fd.Signal(signal, group); err != nil {
		g.log.Warn("cannot signal %v: %v", id, err)
	}
}
