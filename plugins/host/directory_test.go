package host

import (
	"os"
	"path/filepath"
	"testing"
)

// TestSweepLeavesWhatIsUsed by another host, and removes what is not, and only that.
func TestSweepLeavesWhatIsUsed(t *testing.T) {
	parent := filepath.Join(t.TempDir(), "plugins")
	if err := Sweep(parent, noKill(t)); err != nil {
		t.Error(err)
	}
	var all []*Directory
	for range 2 {
		d, err := NewDirectory(parent)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, d)
		if info, err := os.Stat(d.Path); err != nil || info.Mode().Perm() != 0o711 {
			t.Error(info, err)
		}
	}
	if err := os.MkdirAll(filepath.Join(parent, "left/plugin-dir1"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Sweep(parent, noKill(t)); err != nil {
		t.Error(err)
	}
	check := func(want ...string) {
		t.Helper()
		entries, err := os.ReadDir(parent)
		if err != nil || len(entries) != len(want) {
			t.Fatalf("%v, want %q (%v)", entries, want, err)
		}
	}
	check(all[0].Path, all[1].Path)
	if err := all[0].Remove(); err != nil {
		t.Error(err)
	}
	check(all[1].Path)
	left := Identity{PID: 7, StartTime: 70, BootID: "boot"}
	remember(all[1].Path, left)
	remember(all[1].Path, Identity{PID: 8, StartTime: 80, BootID: "boot"})()
	all[1].lock.Close() // as its process ends
	var killed []Identity
	if err := Sweep(parent, func(i Identity) { killed = append(killed, i) }); err != nil || len(killed) != 1 || killed[0] != left {
		t.Errorf("%v, %+v", err, killed)
	}
	check()
}

func noKill(t *testing.T) func(Identity) {
	return func(i Identity) { t.Errorf("%+v is to be killed", i) }
}
