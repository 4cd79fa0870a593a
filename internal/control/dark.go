package control

import (
	"time"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// darkness is a while in which a leaf is to be taken for dead and no other leaf answers either. What fails then is the nodes' own network, or the machine that they are on:
// nobody could take the leaf's place, and all that are lost are long in coming back. So it is waited for. The zero value is daylight.
type darkness struct{ began, last time.Time }

// lately is how long ago a leaf that answers has answered last, at most: less than it takes until one that is silent is called down.
const lately = probeEvery + probeTimeout + stall

// after is the darkness now, and whether to wait: for limit at most, and for half of that once another leaf answers, as this one may be the next. Pure.
func (d darkness) after(now time.Time, dark bool, limit time.Duration) (_ darkness, wait bool) {
	if dark {
		if d.began.IsZero() {
			d.began = now
		}
		d.last = now
	}
	return d, !d.began.IsZero() && now.Sub(d.began) < limit && now.Sub(d.last) < limit/2
}

// dark says whether there are other leaves in use, and none of them answers this node. Pure.
func dark(s *topo.Snapshot, leaf string, heard map[string]time.Time, now time.Time) bool {
	others := false
	for name, x := range s.Leaves {
		if name == leaf || x.State != topo.LeafOnline && x.State != topo.LeafAttaching {
			continue
		}
		if now.Sub(heard[name]) < lately {
			return false
		}
		others = true
	}
	return others
}

// answersLately says whether a leaf answers this node.
func (l *leader) answersLately(leaf string) bool {
	l.Control.mu.Lock()
	defer l.Control.mu.Unlock()
	return time.Since(l.heard[leaf]) < lately
}
