package topo

import (
	"net"
	"regexp"
	"strconv"
	"strings"
)

// LeafState is what the cluster thinks of a leaf.
type LeafState string

// The states of a leaf, as SHOW LEAVES prints them.
const (
	LeafUnknown   LeafState = "unknown"
	LeafOnline    LeafState = "online"
	LeafOffline   LeafState = "offline"
	LeafAttaching LeafState = "attaching"
	LeafDetached  LeafState = "detached"
)

// Leaf is a MariaDB server that holds partitions for the cluster.
type Leaf struct {
	Name  string    `json:"name"` // unique in the cluster, "leaf-1"
	Host  string    `json:"host"`
	Port  int       `json:"port"`
	Group int       `json:"group"` // availability group, 1 or 2
	State LeafState `json:"state"`
	// ServerID is MariaDB's server_id.
	ServerID uint32 `json:"server_id"`
	// Pair is the leaf of the other group that holds the same partitions; "" when there is none.
	Pair string `json:"pair,omitempty"`
	// Shaped: it is attaching, and has what every leaf has alike, which is kept so from now on.
	Shaped bool `json:"shaped,omitempty"`
	// Behind: others had, or may have had, definitions and rows of reference tables since it was kept like them. It is made like one that is not behind.
	Behind bool `json:"behind,omitempty"`
	// Disk and Memory say that it has less left than is to stay free: nothing more is to be written there.
	Disk   Shortage `json:"disk,omitzero"`
	Memory Shortage `json:"memory,omitzero"`
}

// Member says whether shapes and reference tables are kept like the other leaves' there.
func (l *Leaf) Member() bool { return l.State == LeafOnline || l.State == LeafAttaching && l.Shaped }

// Addr is host:port.
func (l *Leaf) Addr() string { return net.JoinHostPort(l.Host, strconv.Itoa(l.Port)) }

// PartitionID names a partition, the unit of placement, replication and failover.
type PartitionID struct {
	DB      string `json:"db"`
	Ordinal int    `json:"ordinal"`
}

// String is `db:ordinal`, as messages print it.
func (p PartitionID) String() string { return p.DB + ":" + strconv.Itoa(p.Ordinal) }

// Schema is the name of the partition's MariaDB database on its leaves.
func (p PartitionID) Schema() string { return p.DB + "_" + strconv.Itoa(p.Ordinal) }

// Role is what an instance is for its partition.
type Role string

// The roles of an instance.
const (
	Master  Role = "Master"
	Replica Role = "Slave"
)

// Instance is one copy of a partition on one leaf. A copy that is not whole yet is none.
type Instance struct {
	Leaf string `json:"leaf"`
	Role Role   `json:"role"`
	// InSync: the replica has all that was acknowledged in a SYNC database, and may become master. Commits wait for every replica, in sync or not; one becomes
	// in sync once all nodes wait for it and it has caught up.
	InSync bool `json:"in_sync,omitempty"`
}

// Partition is one partition of a database: its copies and the number of its current mastership.
type Partition struct {
	ID        PartitionID `json:"id"`
	Term      uint64      `json:"term"`   // grows at every promotion; 1 at first
	Domain    uint32      `json:"domain"` // the term's GTID domain id
	Instances []Instance  `json:"instances"`
	// Locked: its master is about to change. Statements that need the partition wait until it is not.
	Locked bool `json:"locked,omitempty"`
	// Since is where the term before ended, as a GTID in its domain: a copy that is exactly there is fit to follow this term. "" when there was none, or
	// nothing was written in it.
	Since string `json:"since,omitempty"`
	// Before is the domain of the term before, 0 when there was none.
	Before uint32 `json:"before,omitempty"`
	// Home is the leaf that has the newest copy when there is no instance: the only one that may bring it back without being forced.
	Home string `json:"home,omitempty"`
}

// Master is the name of the leaf that holds the partition's master.
func (p *Partition) Master() (leaf string, ok bool) {
	for _, i := range p.Instances {
		if i.Role == Master {
			return i.Leaf, true
		}
	}
	return "", false
}

// Replicas are the leaves that hold copies besides the master's, in the order of Instances.
func (p *Partition) Replicas() []string {
	var out []string
	for _, i := range p.Instances {
		if i.Role == Replica {
			out = append(out, i.Leaf)
		}
	}
	return out
}

// Replication says when a commit is acknowledged.
type Replication string

// The replication modes of a database.
const (
	Async Replication = "ASYNC"
	Sync  Replication = "SYNC"
)

// Database is a sharded database: Partitions has one entry per ordinal, in order; Tables and Views are keyed by name (case-sensitive, as on Linux).
type Database struct {
	Name        string
	Replication Replication
	Charset     string // default character set and collation, as the leaves store them
	Collation   string
	// Locked: the reference tables are being copied to a leaf that joins. Statements that write them wait until it is not.
	Locked bool
	// Held: the triggers of a reference table are being changed. Statements that write reference tables wait until they are not.
	Held bool
	// Single: tables that are made without a SHARD KEY clause are single tables.
	Single bool
	// Recast: a stored function is being changed. Statements that call functions of the database wait until it is not.
	Recast bool
	// Quiet: a moment is sought at which nothing is committed to the database. Commits wait until it is not.
	Quiet      bool
	Partitions []*Partition
	Tables     map[string]*Table
	// Views share their names' space with Tables: MariaDB sees to it that none is in both.
	Views map[string]*View
	// Events are keyed by the names that MariaDB keeps.
	Events map[string]*Event
	// Routines are by RoutineKey.
	Routines map[string]*Routine
}

// TableKind says how a table's rows are placed.
type TableKind string

// The kinds of tables.
const (
	Sharded   TableKind = "sharded"   // rows by shard key
	Keyless   TableKind = "keyless"   // rows spread, no key
	Single    TableKind = "single"    // all rows in one partition of its database: SingleOrdinal. The others have empty tables of its name
	Reference TableKind = "reference" // a full copy on every leaf, in the shape database
	Linked    TableKind = "linked"    // in tables of other servers; an empty one of the same columns is in the shape database
	Sequence  TableKind = "sequence"  // no table but a sequence: see SequenceOrdinal
)

// Column is one column of a table, as a leaf describes it.
type Column struct {
	Name      string `json:"name"`
	Type      string `json:"type"`      // DATA_TYPE of information_schema.columns, lower case: "int", "varchar"
	FullType  string `json:"full_type"` // COLUMN_TYPE: "int(10) unsigned"
	Unsigned  bool   `json:"unsigned,omitempty"`
	Scale     int    `json:"scale,omitempty"`  // NUMERIC_SCALE or DATETIME_PRECISION
	Length    int64  `json:"length,omitempty"` // CHARACTER_MAXIMUM_LENGTH, characters
	Charset   string `json:"charset,omitempty"`
	Collation string `json:"collation,omitempty"`
	Nullable  bool   `json:"nullable,omitempty"`
	// HasDefault: a DEFAULT clause or an implicit NULL default.
	Default   string `json:"default,omitempty"` // COLUMN_DEFAULT's text, "" when none
	Generated bool   `json:"generated,omitempty"`
	Invisible bool   `json:"invisible,omitempty"`
}

// EmptyMember says whether the empty string is a member of an ENUM or SET: the value of no member looks like it then. It may be wrong about members with quotes and commas, not about others.
func (c *Column) EmptyMember() bool {
	if c.Type != "enum" && c.Type != "set" {
		return false
	}
	for _, s := range []string{"('',", ",'',", ",'')", "('')"} {
		if strings.Contains(c.FullType, s) {
			return true
		}
	}
	return false
}

// Table is a sharded, keyless, single, reference or linked table, or a sequence. Column positions index Columns.
type Table struct {
	DB       string    `json:"db"`
	Name     string    `json:"name"`
	Kind     TableKind `json:"kind"`
	Columns  []Column  `json:"columns"`
	ShardKey []int     `json:"shard_key,omitempty"`
	// Explicit: SHARD KEY was written in the CREATE TABLE (and is printed by SHOW CREATE TABLE).
	Explicit bool `json:"explicit,omitempty"`
	// Chosen: it is printed, and nobody has written it: it was chosen for the table's keys.
	Chosen bool `json:"chosen,omitempty"`
	// AutoIncrement is the position of the AUTO_INCREMENT column, -1 when there is none.
	AutoIncrement int `json:"auto_increment"`
	// KeepsNumber: rows that FOR PORTION OF makes of another one have its AUTO_INCREMENT value, not the next one.
	KeepsNumber bool `json:"keeps_number,omitempty"`
	// Unique lists the unique keys, the primary key first when there is one.
	Unique [][]int `json:"unique,omitempty"`
	// Places are where the rows of a linked table are, Links is what its definition says of that.
	Places []LinkPlace `json:"places,omitempty"`
	Links  []LinkInfo  `json:"links,omitempty"`
	// Scheme is how the rows of a linked table with partitions are spread over Places: what SHOW CREATE TABLE says of its shape, for package partition. ShardKey
	// lists the columns that decide then.
	Scheme string `json:"scheme,omitempty"`
	// ID is never reused: it names the table's sequence in the catalog.
	ID uint64 `json:"id"`
	// Closed: the table's rows are getting other places. Statements that it is closed to wait.
	Closed Closed `json:"closed,omitempty"`
	// Triggers are in MariaDB's order: by event, before and after, and the order in which they are fired.
	Triggers []Trigger `json:"triggers,omitempty"`
	// Clocked: rows get the time when they are written, by a default, ON UPDATE or system versioning.
	Clocked bool `json:"clocked,omitempty"`
	// Temporary: a session has put a temporary table of its own into its snapshot, where a statement writes to it. It is like a reference table with a single place.
	Temporary bool `json:"-"`
}

// Ambiguous says whether two values of the column may have the same text: an ENUM's empty member, and its value that is no member.
func (c *Column) Ambiguous() bool {
	return c.Type == "enum" && emptyMember.MatchString(c.FullType)
}

var emptyMember = regexp.MustCompile(`[(,]''[,)]`)

// Numbered says whether the cluster gives the table's AUTO_INCREMENT values: a single table, a single remote table and a temporary one have their own.
func (t *Table) Numbered() bool {
	return t.AutoIncrement >= 0 && t.Kind != Single && (t.Kind != Linked || t.Scheme != "") && !t.Temporary
}

// Numbers says whether a value is one that the column can have as its AUTO_INCREMENT value.
func (c *Column) Numbers(v uint64) bool {
	bits := map[string]int{"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}[c.Type]
	if bits == 0 { // a FLOAT or DOUBLE
		return true
	}
	if !c.Unsigned {
		bits--
	}
	return bits == 64 || v>>bits == 0
}

// Written says whether somebody has said by which shard key the table's rows are spread.
func (t *Table) Written() bool { return t.Explicit && !t.Chosen }

// In says whether a partition of the table's database, by its ordinal, may have rows of it.
func (t *Table) In(ordinal int) bool {
	return (t.Kind != Single || ordinal == SingleOrdinal) && (t.Kind != Sequence || ordinal == SequenceOrdinal)
}

// Column finds a column by name, case-insensitively; -1 when there is none.
func (t *Table) Column(name string) int {
	for i := range t.Columns {
		if strings.EqualFold(t.Columns[i].Name, name) {
			return i
		}
	}
	return -1
}

// Settings are what operators choose for the whole cluster.
type Settings struct {
	Redundancy   int  `json:"redundancy"`              // copies of each partition, 1 or 2
	AutoAttach   bool `json:"auto_attach"`             // leaves that come back are taken in without being asked
	SingleTables bool `json:"single_tables,omitempty"` // databases are made with DEFAULT SHARD KEY () where nothing else is said
	CopyRate     int  `json:"copy_rate"`               // the most that a copy of a partition reads, in MiB a second; 0 is no limit
	// BinlogKeepSeconds is for how long leaves keep binary logs for one that is away, BinlogKeepBytes how much of them each of them keeps at most.
	BinlogKeepSeconds int64 `json:"binlog_keep_seconds"`
	BinlogKeepBytes   int64 `json:"binlog_keep_bytes"`
	// What is to stay free of each leaf's disk, and of its machine's memory: writes are refused before.
	DiskReserve   Reserve `json:"disk_reserve"`
	MemoryReserve Reserve `json:"memory_reserve"`
}

// DefaultSettings hold until somebody chooses others.
var DefaultSettings = Settings{
	Redundancy: 1, AutoAttach: true, BinlogKeepSeconds: 24 * 60 * 60, BinlogKeepBytes: 16 << 30,
	DiskReserve: Reserve{Bytes: 1 << 30, Percent: 5}, MemoryReserve: Reserve{Bytes: 256 << 20, Percent: 2},
}

// Snapshot is the topology at one revision. It is immutable: whoever wants another one builds another one.
type Snapshot struct {
	Revision  int64 // the catalog's revision; plans are cached under it
	Leaves    map[string]*Leaf
	Databases map[string]*Database
	// Schemas maps the name of every partition's MariaDB database to its partition: names that clients must not see.
	Schemas map[string]PartitionID
	// Servers are those that linked tables lead to, by ServerKey.
	Servers  map[string]*Server
	Settings Settings
	// Variables are the global values of system variables that leaves do not have, by name; those that nobody has set are not there. The rows of Spider's tables that
	// are kept are among them, as JSON, by the tables' names with the schema.
	Variables map[string]string
}

// Table finds a table; nil when the database or the table does not exist.
func (s *Snapshot) Table(db, name string) *Table {
	d := s.Databases[db]
	if d == nil {
		return nil
	}
	return d.Tables[name]
}

// View finds a view; nil when the database or the view does not exist.
func (s *Snapshot) View(db, name string) *View {
	d := s.Databases[db]
	if d == nil {
		return nil
	}
	return d.Views[name]
}

// Partition finds a partition; nil when it does not exist.
func (s *Snapshot) Partition(id PartitionID) *Partition {
	d := s.Databases[id.DB]
	if d == nil || id.Ordinal < 0 || id.Ordinal >= len(d.Partitions) {
		return nil
	}
	return d.Partitions[id.Ordinal]
}
