package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

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

const noteSuffix = ".plugin"

// remember takes down in dir that a plugin runs, until forget is called.
func remember(dir string, i Identity) (forget func()) {
	path := filepath.Join(dir, strconv.Itoa(i.PID)+noteSuffix)
	text, err := json.Marshal(i)
	if err == nil && i.StartTime != 0 {
		_ = os.WriteFile(path, text, 0o600) // without it, the plugin has to see for itself that it is alone
	}
	return func() { _ = os.Remove(path) }
}

// remembered are the plugins of which dir says that they run.
func remembered(dir string) (all []Identity) {
	notes, _ := filepath.Glob(filepath.Join(dir, "*"+noteSuffix)) // the pattern is right
	for _, note := range notes {
		var i Identity
		if text, err := os.ReadFile(note); err == nil && json.Unmarshal(text, &i) == nil {
			all = append(all, i)
		}
	}
	return all
}

// Sweep removes the directories in parent that nobody uses any more. kill gets the plugins that ran when their host was killed: it kills
// those that are still there, and leaves alone what is a child of this process, from an image before.
func Sweep(parent string, kill func(Identity)) error {
	entries, err := os.ReadDir(parent)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		path := filepath.Join(parent, e.Name())
		if lock := lockDirectory(path); lock != nil {
			for _, i := range remembered(path) {
				kill(i)
			}
			err = errors.Join(err, (&Directory{path, lock}).Remove())
		}
	}
	return err
}
