package txn

import (
	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// Place is where a statement, or a part of it, runs: a partition at its master, or when Partition is the zero value a leaf's shapes or a remote server.
type Place struct {
	Leaf      string
	Partition topo.PartitionID
	Schema    string // default database: the partition's, or the shape's, or ""
	Term      uint64 // of the partition; 0 for shapes
	Domain    uint32 // of the partition's term; 0 for shapes
	// Remote is the server of linked tables, of which Leaf is the ID then; nil for leaves. Slot tells the connections to it apart that a transaction has, Link is
	// which of the statement's places it is.
	Remote     *backend.Remote
	Slot, Link int
}

// key is what a session holds one connection for.
func (p Place) key() Place {
	if p.Partition.DB == "" {
		return Place{Leaf: p.Leaf, Slot: p.Slot}
	}
	return Place{Partition: p.Partition}
}

// String names the place as messages do: `test:3 at leaf-2`.
func (p Place) String() string {
	if p.Remote != nil {
		return "server " + p.Remote.Name
	}
	if p.Partition.DB == "" {
		return p.Leaf
	}
	return p.Partition.String() + " at " + p.Leaf
}

// shape says whether the place is a leaf's shapes: what all leaves have alike may be written there.
func (p Place) shape() bool { return p.Partition.DB == "" && p.Remote == nil }
