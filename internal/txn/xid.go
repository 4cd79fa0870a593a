package txn

import (
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/xid"
)

// The names of transactions and branches are package xid's.
type (
	// ID names a transaction over several places.
	ID = xid.ID
	// XID names a branch.
	XID = xid.XID
)

// What is said of these in package xid.
const (
	PlaceRemote = xid.PlaceRemote
	PlaceShape  = xid.PlaceShape
	XIDFormat   = xid.XIDFormat
)

// ParseID reads what ID.String has written.
func ParseID(text string) (ID, error) { return xid.ParseID(text) }

// PlaceHash is what branches call a partition.
func PlaceHash(p topo.PartitionID) uint64 { return xid.PlaceHash(p) }
