package control

import "github.com/orbweaver/orbweaver/internal/topo"

// circumstances are all that the controller looks at to decide what becomes of a leaf.
type circumstances struct {
	verdict   verdict
	state     topo.LeafState
	inUse     bool // it has instances
	known     bool // it has answered since this controller was elected, or has had the time to
	losing    bool // its failover is under way
	settled   bool // nothing is left of what an earlier controller had locked
	mayReturn bool // it is not held back for coming and going
}

type decision int

const (
	leaveIt decision = iota
	loseIt           // its partitions get other masters
	takeItBack
)

// decide: failovers begin whatever else is under way; leaves are taken back once all is settled. Pure.
func decide(c circumstances) decision {
	switch {
	case c.verdict.down && c.known && (c.state == topo.LeafOnline || c.state == topo.LeafAttaching):
		return loseIt
	case c.state == topo.LeafOffline && c.inUse: // also when it is back: what it was failed over from is not its any more
		return loseIt
	case c.verdict.down || c.losing || !c.settled:
		return leaveIt
	case c.state == topo.LeafAttaching: // another controller has begun it
		return takeItBack
	case c.state == topo.LeafOffline && c.mayReturn:
		return takeItBack
	}
	return leaveIt
}

// heirs are the replicas that can become masters in place of a dead leaf, by their leaf, and how many they are. Pure.
func heirs(s *topo.Snapshot, dead string) (by map[string][]*successor, n int) {
	by = map[string][]*successor{}
	for _, d := range s.Databases {
		for _, p := range d.Partitions {
			if m, ok := p.Master(); !ok || m != dead {
				continue
			}
			for _, in := range p.Instances {
				// In a SYNC database only a replica in sync is known to have all that was acknowledged.
				if in.Role == topo.Replica && (in.InSync || d.Replication != topo.Sync) && s.Leaves[in.Leaf] != nil && s.Leaves[in.Leaf].State != topo.LeafOffline {
					by[in.Leaf] = append(by[in.Leaf], &successor{part: p, leaf: in.Leaf})
					n++
					break
				}
			}
		}
	}
	return by, n
}
