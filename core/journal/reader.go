package journal

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
)

// MaxLine bounds a line, in bytes: 100,000 programs fit.
const MaxLine = 64 << 20

// Reader reads a journal, line by line.
type Reader struct {
	Cut int // lines so far that a crash has cut off

	sources []source
	name    string
	in      *bufio.Reader
	number  int  // of the last line of the file
	begun   bool // a line of this file was read
	ahead   *raw // a line that was looked at
	max     int
}

// source is a file of a journal.
type source struct {
	name string
	io.ReadCloser
}

// raw is a line as it stands in a file.
type raw struct {
	data   []byte // without its end
	number int
	whole  bool // it has an end
}

// Open opens the journal at path, and the file before it if there is one. The error is one line.
func Open(path string) (*Reader, error) {
	r := &Reader{max: MaxLine}
	found := error(nil)
	var newest *os.File
	for _, name := range []string{path, former(path)} { // in this order: what was FILE a moment ago is FILE.1 then, and not missing
		f, err := openRead(name)
		if err != nil && (name == path || !errors.Is(err, fs.ErrNotExist)) {
			found = err
		}
		if err == nil && newest != nil && sameFile(f, newest) { // it was rotated between the two
			f.Close()
			r.Close()
			return Open(path)
		}
		if err == nil {
			newest, r.sources = f, append([]source{{name, f}}, r.sources...)
		}
	}
	if found != nil && (len(r.sources) == 0 || !errors.Is(found, fs.ErrNotExist)) { // between a rotation's two steps there is only FILE.1
		r.Close()
		return nil, found
	}
	return r, nil
}

func sameFile(a, b *os.File) bool {
	one, err := a.Stat()
	other, err2 := b.Stat()
	return err == nil && err2 == nil && os.SameFile(one, other)
}

func openRead(name string) (*os.File, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("%s: cannot read the journal: %w: name the FILE of mwlua run -journal FILE", name, cause(err))
	}
	if info, err := f.Stat(); err == nil && info.IsDir() {
		f.Close()
		return nil, fmt.Errorf("%s: is a directory: name the FILE of mwlua run -journal FILE", name)
	}
	return f, nil
}

// Read reads a journal from elsewhere. name is what its places say.
func Read(name string, in io.Reader) *Reader {
	return &Reader{max: MaxLine, sources: []source{{name, io.NopCloser(in)}}}
}

// Close closes the files. The Reader is of no use then.
func (r *Reader) Close() {
	for _, s := range r.sources {
		s.Close()
	}
	r.sources = nil
}

// Next returns the next line, and io.EOF when there is none. A line that a crash has cut off is left out and counted. Any other error
// says where, and what to do about it; then nothing follows.
func (r *Reader) Next() (Line, error) {
	for {
		l, err := r.raw()
		if err != nil {
			return Line{}, err
		}
		if !r.begun && !isHead(l.data) {
			return Line{}, r.errorf(l, "this is no journal of mwlua, or not from its beginning: name the FILE of mwlua run -journal FILE")
		}
		line, err := decodeLine(l.data)
		cut, rest := r.isCut(l, err)
		switch {
		case rest != nil:
			return Line{}, rest
		case cut:
			r.Cut++
			continue
		case (errors.Is(err, errDamaged) || errors.Is(err, errCut)) && r.begun && !isHead(l.data):
			return Line{}, r.errorf(l, "%v: copy the lines before it (head -n %d) to replay them alone", err, l.number-1)
		case err != nil:
			return Line{}, r.errorf(l, "%v", err)
		}
		r.begun = true
		line.Place = fmt.Sprintf("%s:%d", r.name, l.number)
		return line, nil
	}
}

func (r *Reader) errorf(l *raw, format string, args ...any) error {
	r.Close()
	r.in, r.ahead = nil, nil
	return fmt.Errorf("%s:%d: %s", r.name, l.number, fmt.Sprintf(format, args...))
}

// isCut says that l is the last line of a life that ended while it was written: it has no end, or another life has begun after it.
func (r *Reader) isCut(l *raw, err error) (cut bool, rest error) {
	switch {
	case err == nil:
		return false, nil
	case !l.whole:
		return true, nil
	case !errors.Is(err, errCut):
		return false, nil
	}
	next, err := r.peek()
	if err != nil {
		return false, err
	}
	return next == nil || isHead(next.data), nil
}

// raw returns the next line of all files.
func (r *Reader) raw() (*raw, error) {
	for {
		if r.in == nil {
			if len(r.sources) == 0 {
				return nil, io.EOF
			}
			r.name, r.number, r.begun = r.sources[0].name, 0, false
			r.in = bufio.NewReaderSize(r.sources[0], 64<<10)
		}
		l, err := r.peek()
		r.ahead = nil
		if l != nil || err != nil {
			return l, err
		}
		r.in = nil
		r.sources[0].Close()
		r.sources = r.sources[1:]
	}
}

// peek returns the next line of this file, nil at its end.
func (r *Reader) peek() (*raw, error) {
	if r.ahead != nil {
		return r.ahead, nil
	}
	l := raw{number: r.number + 1}
	for {
		part, err := r.in.ReadSlice('\n')
		if len(l.data)+len(part) > r.max {
			return nil, r.errorf(&l, "the line has more than %d MiB: this is no journal of mwlua", r.max>>20)
		}
		l.data = append(l.data, part...)
		if !r.begun && len(l.data) > len(headMark) && !isHead(l.data) {
			break // whatever follows
		}
		if err == nil || err == io.EOF {
			break
		}
		if err != bufio.ErrBufferFull {
			return nil, r.errorf(&l, "cannot read the journal: %v", cause(err))
		}
	}
	if len(l.data) == 0 {
		return nil, nil
	}
	r.number++
	l.data, l.whole = bytes.CutSuffix(l.data, []byte{'\n'})
	r.ahead = &l
	return r.ahead, nil
}

// ReadAll returns all lines of r, as far as there is no error.
func ReadAll(r *Reader) (lines []Line, err error) {
	for {
		l, err := r.Next()
		if err == io.EOF {
			return slices.Clip(lines), nil
		}
		if err != nil {
			return lines, err
		}
		lines = append(lines, l)
	}
}
