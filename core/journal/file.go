package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// file is one that is open for writing, at its end.
type file interface {
	io.WriteCloser
	Truncate(size int64) error
}

// opener opens a file, or makes it, and returns how large it is.
type opener func(path string) (file, int64, error)

// former is the file before that at path.
func former(path string) string { return path + ".1" }

// next makes the file at path the one before, and begins another one. Who has the file open keeps it.
func (open opener) next(path string) (file, error) {
	if err := os.Rename(path, former(path)); err != nil {
		return nil, fmt.Errorf("cannot rotate it: %w", cause(err))
	}
	f, _, err := open(path)
	return f, err
}

// CheckFile says why a journal cannot be written at path: somebody is there who can do something about it.
func CheckFile(path string) error {
	f, _, err := openFile(path)
	if err != nil {
		return err
	}
	return f.Close()
}

// openFile does not wait for the reader of a FIFO. The file is this user's, nobody else may read it, and nobody else writes to it.
func openFile(path string) (file, int64, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0o600)
	if err != nil {
		return nil, 0, fmt.Errorf("cannot open it: %w", cause(err))
	}
	size, err := prepare(f)
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, size, nil
}

// prepare returns the size of f, whose last line is a whole one from then on.
func prepare(f *os.File) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, cause(err)
	}
	if !info.Mode().IsRegular() {
		return 0, errors.New("it is no regular file")
	}
	if err := isOurs(f, info.Size()); err != nil {
		return 0, err
	}
	if info.Mode().Perm() != 0o600 {
		if err := f.Chmod(0o600); err != nil {
			return 0, fmt.Errorf("cannot give it the mode 0600: %w", cause(err))
		}
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return 0, fmt.Errorf("another mwlua writes to it (%w)", err)
	}
	last := []byte{'\n'}
	if _, err := f.ReadAt(last, max(info.Size()-1, 0)); err != nil && err != io.EOF {
		return 0, fmt.Errorf("cannot read it: %w", cause(err))
	}
	if last[0] == '\n' {
		return info.Size(), nil
	}
	if _, err := f.Write([]byte{'\n'}); err != nil {
		return 0, cause(err)
	}
	return info.Size() + 1, nil
}

// isOurs says that f is empty, or begins as a journal does.
func isOurs(f *os.File, size int64) error {
	begins := make([]byte, min(size, int64(len(headMark))))
	if _, err := f.ReadAt(begins, 0); err != nil && err != io.EOF {
		return fmt.Errorf("cannot read it: %w", cause(err))
	}
	if !bytes.HasPrefix(headMark, begins) {
		return errors.New("it is there already, and is no journal")
	}
	return nil
}

// cause is err without the name of the file, which is said elsewhere.
func cause(err error) error {
	if p := new(os.PathError); errors.As(err, &p) {
		return p.Err
	}
	if l := new(os.LinkError); errors.As(err, &l) {
		return l.Err
	}
	return err
}
