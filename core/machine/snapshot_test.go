package machine

import (
	"slices"
	"testing"
)

// TestSnapshotHasItsOwnLists: those from which the machine takes something away in place. core/sim looks at the others.
func TestSnapshotHasItsOwnLists(t *testing.T) {
	ids := []ID{{Program: "a", Seq: 1}, {Program: "b", Seq: 1}}
	m := New(1)
	m.s.Stop.Asked, m.s.Reload.Asked = slices.Clone(ids), slices.Clone(ids)
	s := m.Snapshot()
	m.s.Stop.Asked, m.s.Reload.Asked = slices.Delete(m.s.Stop.Asked, 0, 1), slices.Delete(m.s.Reload.Asked, 0, 1)
	if !slices.Equal(s.Stop.Asked, ids) || !slices.Equal(s.Reload.Asked, ids) {
		t.Errorf("it has %v and %v", s.Stop.Asked, s.Reload.Asked)
	}
}
