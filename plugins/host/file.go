package host

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/mwlua/mwlua/core/program"
)

// executable is the file of a plugin, opened once: what was looked at is what is executed, whatever its path means by then.
type executable struct {
	*os.File
	script bool // its interpreter opens it again
}

// open opens the file of p and checks it. An error says what is wrong with the file.
func open(p program.Plugin) (executable, error) {
	// Without O_NONBLOCK it would wait for somebody who writes to a FIFO (fifo(7)).
	f, err := os.OpenFile(p.Path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return executable{}, err
	}
	e := executable{File: f}
	if err := e.check(p); err != nil {
		f.Close()
		return executable{}, fmt.Errorf("%s %w", p.Path, err)
	}
	return e, nil
}

func (e *executable) check(p program.Plugin) error {
	info, err := e.Stat()
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("is no regular file")
	case info.Mode()&0o111 == 0:
		return fmt.Errorf("is not executable")
	}
	if err := trusted(info, "it"); err != nil {
		return err
	}
	path, err := os.Readlink(e.path()) // beyond links
	if err != nil {
		return err
	}
	dir, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return err
	}
	if err := trusted(dir, "its directory"); err != nil {
		return err
	}
	magic := make([]byte, 2)
	if _, err := e.ReadAt(magic, 0); err != nil && err != io.EOF {
		return err
	}
	e.script = bytes.Equal(magic, []byte("#!"))
	return e.compare(p.SHA256)
}

// trusted says whether nobody but root and ourselves can change what info is about.
func trusted(info os.FileInfo, what string) error {
	owner := info.Sys().(*syscall.Stat_t).Uid
	switch {
	case owner != 0 && owner != uint32(os.Geteuid()):
		return fmt.Errorf("cannot be trusted: %s belongs to user %d, neither root nor mwlua's own", what, owner)
	case info.Mode()&0o022 != 0:
		return fmt.Errorf("cannot be trusted: %s can be written by its group or others (mode %04o)", what, info.Mode().Perm())
	}
	return nil
}

// compare says whether the file has that checksum. "" means any.
func (e *executable) compare(want string) error {
	if want == "" {
		return nil
	}
	got, err := sum(e)
	if err == nil && got != want {
		err = fmt.Errorf("has the sha256 %s, and %s is declared", got, want)
	}
	return err
}

// path is where it is executed from.
func (e *executable) path() string { return descriptor(e.Fd()) }

func descriptor(fd uintptr) string { return "/proc/self/fd/" + strconv.Itoa(int(fd)) }

// SHA256 is the checksum of a file, as program.Plugin has it.
func SHA256(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	return sum(f)
}

func sum(f io.ReaderAt) (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(f, 0, 1<<62)); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
