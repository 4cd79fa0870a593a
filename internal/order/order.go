package order

import (
	"encoding/json"
	"net"
	"strconv"
)

// The kinds of commands, with the type of their arguments.
const (
	AddLeaf           = "ADD LEAF"           // Leaf
	RemoveLeaf        = "REMOVE LEAF"        // Leaf
	AttachLeaf        = "ATTACH LEAF"        // Leaf
	AttachAllLeaves   = "ATTACH ALL LEAVES"  // Leaf: the flags alone
	DetachLeaf        = "DETACH LEAF"        // Leaf
	Rebalance         = "REBALANCE"          // Database
	RebalanceAll      = "REBALANCE ALL"      // Database: the flags alone
	RestoreRedundancy = "RESTORE REDUNDANCY" // Database
	ClearOrphans      = "CLEAR ORPHANS"      // nothing
	CopyPartition     = "COPY PARTITION"     // Partition
	PromotePartition  = "PROMOTE PARTITION"  // Partition
	AttachPartition   = "ATTACH PARTITION"   // Partition
	DetachPartition   = "DETACH PARTITION"   // Partition
	DropPartition     = "DROP PARTITION"     // Partition
	CreatePartition   = "CREATE PARTITION"   // Partition
	SetGlobal         = "SET GLOBAL"         // Setting
	RestartLeaves     = "RESTART LEAVES"     // nothing
	Backup            = "BACKUP"             // Archive
	Restore           = "RESTORE"            // Archive
	PromoteAggregator = "PROMOTE AGGREGATOR" // Node
)

// Leaf is what is asked of one leaf, which is named by its address.
type Leaf struct {
	Host  string `json:"host,omitempty"`
	Port  int    `json:"port,omitempty"`
	Group int    `json:"group,omitempty"` // ADD LEAF: 1 or 2; 0: the cluster chooses
	// User and Secret are the account that ADD LEAF prepares the server by; Secret is sealed by a Sealer, with Context as what it is for. Empty when
	// no password was given.
	User   string `json:"user,omitempty"`
	Secret []byte `json:"secret,omitempty"`
	Force  bool   `json:"force,omitempty"`
	// Kill ends the transactions that hold what is to be moved instead of waiting for them.
	Kill        bool `json:"kill,omitempty"`
	NoRebalance bool `json:"no_rebalance,omitempty"`
}

// Addr is host:port.
func (l *Leaf) Addr() string { return net.JoinHostPort(l.Host, strconv.Itoa(l.Port)) }

// Context is what the leaf's secret is for: it opens with this user and address only.
func (l *Leaf) Context() string { return l.User + "@" + l.Addr() }

// Database is what is asked of one database.
type Database struct {
	Database string `json:"database,omitempty"`
	// Force makes empty replacements for partitions that are lost.
	Force bool `json:"force,omitempty"`
	// Full looks at what the leaves have of other databases, too.
	Full bool `json:"full,omitempty"`
}

// Partition is what is asked of one partition and one leaf.
type Partition struct {
	Database string `json:"database"`
	Ordinal  int    `json:"ordinal"`
	Host     string `json:"host"`
	Port     int    `json:"port"`
}

// Addr is host:port.
func (p *Partition) Addr() string { return net.JoinHostPort(p.Host, strconv.Itoa(p.Port)) }

// The names of settings.
const (
	RedundancyLevel   = "redundancy_level"    // "1", "2"
	AutoAttach        = "auto_attach"         // "ON", "OFF"
	SingleTables      = "single_tables"       // "ON", "OFF"
	CopyRate          = "copy_rate"           // MiB a second, "0" for no limit
	BinlogKeepSeconds = "binlog_keep_seconds" // "0" and more
	BinlogKeepBytes   = "binlog_keep_bytes"   // "0" and more
	DiskReserve       = "disk_reserve"        // "1G,5%"
	MemoryReserve     = "memory_reserve"      // the same
)

// longestKeep is the greatest number of seconds that time.Duration can hold, less the rest of a second.
const longestKeep = 9223372036

// maxCopyRate is a TiB a second.
const maxCopyRate = 1 << 20

// Fits says whether a setting that is a number may have a value.
func Fits(name string, n int64) bool {
	switch name {
	case RedundancyLevel:
		return n == 1 || n == 2
	case CopyRate:
		return n >= 0 && n <= maxCopyRate
	case BinlogKeepSeconds:
		return n >= 0 && n <= longestKeep
	}
	return n >= 0
}

// Setting is a setting of the whole cluster and its new value.
type Setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Archive is a database and a directory: for BACKUP from the one to the other, for RESTORE back. As is the restored database's name, "" for its own.
type Archive struct {
	Database string `json:"database"`
	As       string `json:"as,omitempty"`
	Path     string `json:"path"`
}

// Node is a node, by the address that clients reach it at.
type Node struct {
	Host string `json:"host"`
	Port int    `json:"port"`
}

// Addr is host:port.
func (n *Node) Addr() string { return net.JoinHostPort(n.Host, strconv.Itoa(n.Port)) }

// Read reads a command's arguments.
func Read[T any](args json.RawMessage) (T, error) {
	var v T
	if len(args) == 0 {
		return v, nil
	}
	err := json.Unmarshal(args, &v)
	return v, err
}
