package supervisor

import (
	"os"

	"github.com/mwlua/mwlua/core/internal/carry"
	"github.com/mwlua/mwlua/core/journal"
)

// beginJournal has all steps from now on recorded, if that is wanted: where the image before has ended, if it has recorded its own.
func (s *supervisor) beginJournal(before *carry.Document) {
	if s.Journal.Path == "" {
		return
	}
	o := journal.Options{File: s.Journal, Version: s.Version, Say: s.Log.Say, Env: os.Environ()}
	if before != nil && before.Journal != nil {
		o.Carried = journal.Carried{Run: before.Journal.Run, Key: before.Journal.Key, N: before.Journal.N}
	}
	s.recorder = journal.NewWriter(o)
}

// endJournal waits until all is written, for a while.
func (s *supervisor) endJournal() {
	if s.recorder != nil {
		s.recorder.Close()
	}
}

// flushJournal is the same before an execve, which may fail.
func (s *supervisor) flushJournal() {
	if s.recorder != nil {
		s.recorder.Flush()
	}
}

// carriedJournal is what the next image goes on with.
func (s *supervisor) carriedJournal() *carry.Journal {
	if s.recorder == nil {
		return nil
	}
	c := s.recorder.Carried()
	return &carry.Journal{Run: c.Run, Key: c.Key, N: c.N}
}
