package keeper

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"
)

// Options say how a keeper is started.
type Options struct {
	Path   string   // of the executable
	Argv   []string // with which it calls Keep
	Output *os.File // what its 1 and 2 are, and those of what it starts
	// Discard are directories that are to go if the owner ends without a word. Otherwise they are the owner's affair.
	Discard []string
}

// Keeper is the owner's side of a keeper. Its methods may be called from any goroutine. An error says that the keeper has ended, or what it
// could not do.
type Keeper struct {
	process *os.Process
	conn    *os.File
	words   *json.Encoder
	asking  sync.Mutex    // one question at a time
	answers chan answer   // has room for one
	gone    chan struct{} // closed when nothing more will be said
	report  *Report       // then; nil if it has ended without one
}

// answer is one to Start or Signal.
type answer struct {
	reply
	ended <-chan End
}

// Child is what a keeper has started.
type Child struct {
	PID   int
	Ended <-chan End // gets one, for which it has room; it is closed if nobody knows
}

// Start starts a keeper, in a session of its own. Finish has to be called.
func Start(o Options) (*Keeper, error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot make a socket pair: %w", err)
	}
	theirs := os.NewFile(uintptr(pair[1]), "keeper")
	defer theirs.Close()
	_ = syscall.SetNonblock(pair[0], true) // so that closing it ends a read
	k := &Keeper{conn: os.NewFile(uintptr(pair[0]), "keeper"), answers: make(chan answer, 1), gone: make(chan struct{})}
	k.words = json.NewEncoder(k.conn)
	k.process, err = os.StartProcess(o.Path, o.Argv, &os.ProcAttr{
		Files: []*os.File{null, o.Output, o.Output, theirs}, Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		k.conn.Close()
		return nil, fmt.Errorf("cannot start a keeper of processes: %w", err)
	}
	_ = k.words.Encode(request{Discard: o.Discard}) // an error says that it is gone, as all that follows will
	go k.listen()                                   // waits for words of the keeper; sends answers and ends; ends with the keeper
	return k, nil
}

// listen takes what the keeper says.
func (k *Keeper) listen() {
	ends := make(map[int]chan End)
	defer func() {
		for _, end := range ends {
			close(end)
		}
		close(k.gone)
	}()
	words := json.NewDecoder(k.conn)
	for {
		var r reply
		if words.Decode(&r) != nil {
			return
		}
		switch {
		case r.Report != nil:
			k.report = r.Report
		case r.Ended != nil:
			ends[r.PID] <- *r.Ended
			delete(ends, r.PID)
		default:
			a := answer{reply: r}
			if r.PID != 0 {
				end := make(chan End, 1)
				ends[r.PID], a.ended = end, end
			}
			k.answers <- a
		}
	}
}

var errGone = errors.New("the keeper of its processes has ended")

func (k *Keeper) ask(r request) (answer, error) {
	k.asking.Lock()
	defer k.asking.Unlock()
	_ = k.words.Encode(r) // an error says that it is gone
	select {
	case a := <-k.answers:
		if a.Error != "" {
			return a, errors.New(a.Error)
		}
		return a, nil
	case <-k.gone:
		return answer{}, errGone
	}
}

// Start starts a process.
func (k *Keeper) Start(c Command) (Child, error) {
	a, err := k.ask(request{Start: &c})
	return Child{PID: a.PID, Ended: a.ended}, err
}

// Signal sends a signal to a process that lives below the keeper, and to no other.
func (k *Keeper) Signal(pid int, s syscall.Signal) error {
	_, err := k.ask(request{Signal: &signal{PID: pid, Signal: int(s)}})
	return err
}

// Finish ends all that lives below the keeper, and it. When ctx is done the limit is what is left of it, hurried at most. It is called
// once, as the last method.
func (k *Keeper) Finish(ctx context.Context, f Finish, hurried time.Duration) (Report, error) {
	_ = k.words.Encode(request{Finish: &f})
	select {
	case <-k.gone:
	case <-ctx.Done():
		f.Limit = hurried
		_ = k.words.Encode(request{Finish: &f})
		<-k.gone
	}
	_ = k.conn.Close()
	state, err := k.process.Wait()
	switch {
	case k.report != nil:
		return *k.report, nil
	case err != nil:
		return Report{}, errGone
	}
	return Report{}, fmt.Errorf("%w: %v", errGone, state)
}
