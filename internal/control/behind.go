package control

import (
	"maps"
	"slices"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// left marks n, what becomes of the leaf old, as behind when it is no longer kept like the others, and others go on without it. there says of such a leaf
// whether it is there; nil: all are.
func left(x *catalog.Txn, old, n *topo.Leaf, there func(leaf string) bool) {
	if !old.Member() || n.Member() {
		return
	}
	for _, o := range x.Leaves() {
		if o.Name != n.Name && o.Member() && (there == nil || there(o.Name)) {
			n.Behind = true
		}
	}
}

// awaited is a leaf that has what another one lacks, while none is online from which it could be copied; "" when there is none to wait for. A leaf that came back
// before the last one that others had gone on without it for would have all others take its definitions and reference tables, which lack what was written since. Pure.
func awaited(s *topo.Snapshot, leaf string) string {
	x := s.Leaves[leaf]
	if x == nil || !x.Behind || len(s.Databases) == 0 || slices.ContainsFunc(s.OnlineLeaves(), func(o *topo.Leaf) bool { return o.Name != leaf }) {
		return ""
	}
	for _, name := range slices.Sorted(maps.Keys(s.Leaves)) {
		if name != leaf && !s.Leaves[name].Behind {
			return name
		}
	}
	return ""
}

// waits says whether a leaf that is offline waits for another one, and tells operators when that begins. Of run alone.
func (l *leader) waits(s *topo.Snapshot, leaf string) bool {
	other := awaited(s, leaf)
	if other != "" && l.waiting[leaf] != other {
		l.event("warning", "leaf waits", leaf, "", behindError(leaf, other).Error())
	}
	l.waiting[leaf] = other
	return other != ""
}

func behindError(leaf, other string) error {
	return refuse(1777, "Leaf %s lacks what was defined, and written to reference tables, while it was away; leaf %s has it, and is waited for. If it never comes back: REMOVE LEAF … FORCE of that leaf.", leaf, other)
}
