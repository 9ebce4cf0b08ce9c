package lua

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/mwlua/mwlua/core/program"
)

const (
	// maxFile bounds one file of Lua, maxSources all of one load, and maxFiles their number.
	maxFile    = 4 << 20
	maxSources = 16 << 20
	maxFiles   = 1000
	// maxRead bounds what read_file and env_file read.
	maxRead = 1 << 20
)

// files are the files of one load.
type files struct {
	read  func(name string) ([]byte, error)
	glob  func(pattern string) ([]string, error)
	count int
	size  int

	texts map[string]string // the Lua files by their absolute paths, when they are not to be read again; nil means that they are
	kept  *keptFiles        // nil means that nobody wants them again
}

// keptFiles are what read_file and env_file have read, so that they answer the same again.
type keptFiles struct {
	data map[string][]byte // by absolute path
	size int
}

func newFiles(o Options) files {
	f := files{read: o.ReadFile, glob: o.Glob}
	if f.glob == nil {
		f.glob = filepath.Glob
		if f.read != nil {
			f.glob = func(string) ([]string, error) { return nil, nil }
		}
	}
	if f.read == nil {
		f.read = readFile
	}
	return f
}

// source reads a file of Lua. The error is a text for a problem.
func (f *files) source(name string) (string, error) {
	if f.texts != nil {
		if text, ok := f.texts[absolute(name)]; ok {
			return text, nil
		}
		return "", errors.New("was not there when the configuration was loaded")
	}
	data, err := f.bounded(name, maxFile)
	if err != nil {
		return "", err
	}
	f.count++
	f.size += len(data)
	switch {
	case f.count > maxFiles:
		return "", fmt.Errorf("more than %d files in one configuration", maxFiles)
	case f.size > maxSources:
		return "", fmt.Errorf("the files of the configuration are larger than %d MiB together", maxSources>>20)
	}
	return string(data), nil
}

func (f *files) bounded(name string, limit int) ([]byte, error) {
	data, err := f.read(name)
	switch {
	case err != nil:
		return nil, fmt.Errorf("cannot be read: %v", cause(err))
	case len(data) > limit:
		return nil, fmt.Errorf("is larger than %d MiB, which is the limit", limit>>20)
	}
	return data, nil
}

// other reads a file that is no Lua. When the files are run again it has what was read the first time, as far as that was kept.
func (f *files) other(name string) ([]byte, error) {
	if f.kept == nil {
		return f.bounded(name, maxRead)
	}
	if data, ok := f.kept.data[absolute(name)]; ok {
		return data, nil
	}
	data, err := f.bounded(name, maxRead)
	if err == nil && f.texts == nil && f.kept.size+len(data) <= maxSources {
		f.kept.data[absolute(name)] = data
		f.kept.size += len(data)
	}
	return data, err
}

// absolute is filepath.Abs, which can only fail in a directory that is gone.
func absolute(name string) string {
	if path, err := filepath.Abs(name); err == nil {
		return path
	}
	return filepath.Clean(name)
}

// readFile reads one byte more than is allowed at most. O_NONBLOCK is there so that opening a FIFO does not wait for a writer.
func readFile(name string) ([]byte, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, errors.New("it is a directory, and a file is needed")
	case !info.Mode().IsRegular():
		return nil, errors.New("it is not a regular file")
	}
	return io.ReadAll(io.LimitReader(f, maxFile+1))
}

// cause is err without the name of the file, which the message says already.
func cause(err error) error {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return pathError.Err
	}
	return err
}

// beside is a path of the configuration: a relative one is taken from the directory of the file named on the command line.
func beside(dir, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// directory is where the relative paths of file begin. It is absolute.
func directory(file string) (string, error) { return filepath.Abs(filepath.Dir(file)) }

// nowhere is the place of what no file says.
var nowhere = program.Place{}
