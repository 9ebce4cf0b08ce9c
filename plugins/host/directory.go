package host

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Directory is one for the sockets of the plugins of one host, beside those of others: it is locked (flock(2)) until Remove, or until
// this image of this process is gone, by its end or by an execve.
type Directory struct {
	Path string
	lock *os.File
}

// NewDirectory makes one in parent, and parent too if need be. Other users find their own socket in it, and see no others.
func NewDirectory(parent string) (*Directory, error) {
	err := os.MkdirAll(parent, 0o711)
	if err == nil {
		err = os.Chmod(parent, 0o711) // whatever the umask is
	}
	for err == nil {
		var d *Directory
		if d, err = newDirectory(parent); d != nil {
			return d, nil
		}
	}
	return nil, fmt.Errorf("cannot make a directory for the sockets of plugins: %w", err)
}

// newDirectory is one attempt: nil, and no error, is one that was swept before it was locked.
func newDirectory(parent string) (*Directory, error) {
	path, err := os.MkdirTemp(parent, "")
	if err != nil {
		return nil, err
	}
	if lock := lockDirectory(path); lock != nil {
		return &Directory{path, lock}, os.Chmod(path, 0o711)
	}
	return nil, nil
}

// lockDirectory returns nil if somebody else has it, or if there is none any more.
func lockDirectory(path string) *os.File {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
		ours, err := f.Stat()
		if there, err2 := os.Stat(path); err == nil && err2 == nil && os.SameFile(ours, there) {
			return f
		}
	}
	f.Close()
	return nil
}

// Remove removes it, and whatever is in it.
func (d *Directory) Remove() error {
	defer d.lock.Close()
	return os.RemoveAll(d.Path)
}

// Sweep removes the directories in parent that nobody uses any more.
func Sweep(parent string) error {
	entries, err := os.ReadDir(parent)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		path := filepath.Join(parent, e.Name())
		if lock := lockDirectory(path); lock != nil {
			err = errors.Join(err, (&Directory{path, lock}).Remove())
		}
	}
	return err
}
