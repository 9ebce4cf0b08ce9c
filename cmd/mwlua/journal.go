package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mwlua/mwlua/core/journal"
)

// size is the value of -journal-size, in bytes.
type size int64

// String is part of pflag.Value.
func (s *size) String() string {
	if *s > 0 && *s%(1<<20) == 0 {
		return fmt.Sprintf("%dMiB", *s>>20)
	}
	return strconv.FormatInt(int64(*s), 10)
}

// Set is part of pflag.Value.
func (s *size) Set(text string) error {
	digits := strings.TrimRight(text, "KMGTiB")
	shift, ok := map[string]int{"": 0, "B": 0, "K": 10, "KiB": 10, "M": 20, "MiB": 20, "G": 30, "GiB": 30, "T": 40, "TiB": 40}[text[len(digits):]]
	n, err := strconv.ParseInt(digits, 10, 64)
	switch {
	case !ok || err != nil:
		return fmt.Errorf("expected a size such as 512KiB, 16MiB or 1GiB")
	case n > math.MaxInt64>>shift:
		return fmt.Errorf("it is too large")
	case n<<shift < journal.LeastSize:
		return fmt.Errorf("at least %dKiB", journal.LeastSize>>10)
	}
	*s = size(n << shift)
	return nil
}

// Type is part of pflag.Value.
func (s *size) Type() string { return "size" }

// placeJournal makes the path of -journal one that -C and re-execs do not change: it is taken from where mwlua was started, and the
// command line of later images says so.
func (s *sources) placeJournal(c *cobra.Command) error {
	if s.journal == "" || filepath.IsAbs(s.journal) {
		return nil
	}
	abs, err := filepath.Abs(s.journal)
	if err != nil {
		return failed{fmt.Errorf("-journal: cannot find the directory of %q: %v: write its whole path", s.journal, cause(err))}
	}
	s.journal = abs
	os.Args = slices.Insert(os.Args, lastFlag(c), "--journal="+abs)
	return nil
}

// checkJournal says why there cannot be a journal, to who has just started mwlua. Later a journal that cannot be written is no
// reason to leave.
func (s *sources) checkJournal() error {
	if s.journal == "" || s.image == nextImage {
		return nil
	}
	if err := journal.CheckFile(s.journal); err != nil {
		return failed{fmt.Errorf("-journal: cannot record in %q: %v: name a file that mwlua may write", s.journal, err)}
	}
	return nil
}
