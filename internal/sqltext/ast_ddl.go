package sqltext

// DDL is a statement on databases, tables, views and the like.
type DDL struct {
	Verb         string // CREATE, ALTER, DROP, RENAME, TRUNCATE, ANALYZE, …
	Object       string // DATABASE, TABLE, INDEX, VIEW, SEQUENCE, SERVER, TRIGGER, PROCEDURE, FUNCTION, EVENT, …
	OrReplace    bool
	Temporary    bool
	IfExists     bool
	IfNotExists  bool
	Reference    bool // CREATE REFERENCE TABLE, ReferenceTok the word to be left out
	ReferenceTok int32
	Database     Name         // CREATE|ALTER|DROP DATABASE
	Tables       []*TableName // in order; RENAME: from, to, from, to
	// CREATE DATABASE … PARTITIONS n WITH SYNC REPLICATION: values and the spans to leave out before a leaf sees it.
	Partitions  int    // 0 when absent
	Replication string // "", SYNC, ASYNC
	// DefaultKey is the DEFAULT SHARD KEY of a database: "" when absent, "()" or "PRIMARY".
	DefaultKey string
	OursSpans  []Span // spans that are ours, not MariaDB's: PARTITIONS n, WITH … REPLICATION, SHARD KEY (…) with its comma
	// CREATE TABLE
	ShardKey   []Name // SHARD KEY (a, b); nil when absent
	Keys       []KeyDef
	ColumnDefs []ColumnDef
	Like       *TableName
	AsSelect   *Query
	Duplicates string // IGNORE or REPLACE before the query
	Body       Span   // ( … ) of CREATE TABLE with its brackets
	// Engine and HasPartitioning, ForeignKeys: what a sharded table has to look at.
	Engine          string
	HasPartitioning bool
	Partitioning    *Partitioning // PARTITION BY …
	Options         []Option      // of CREATE TABLE
	References      []*TableName  // FOREIGN KEY … REFERENCES
	Foreign         []Span        // the foreign keys that stand by themselves: [CONSTRAINT a] FOREIGN KEY … REFERENCES …
	// ALTER TABLE: the top-level actions.
	Actions   []AlterAction
	IndexName Name // CREATE|DROP INDEX
	Unique    bool // CREATE UNIQUE INDEX
	// Program is the name of a trigger, procedure, function, event or package.
	Program TableName
	Trigger *Trigger // CREATE TRIGGER; its table is in Tables
	// Function is CREATE FUNCTION, read like a trigger; nil where it is one of a library.
	Function *Trigger
	Server   *Server // CREATE|ALTER|DROP SERVER
}

// KeyDef is a key of CREATE TABLE or ALTER TABLE … ADD.
type KeyDef struct {
	Primary, Unique bool
	Name            Name
	Columns         []Name // without lengths and order
}

// ColumnDef is a column of CREATE TABLE.
type ColumnDef struct {
	Name                           Name
	Span                           Span
	Primary, Unique, AutoIncrement bool
}

// AlterAction is one action of ALTER TABLE.
type AlterAction struct {
	Span    Span
	Verb    string // first words, upper case: "ADD COLUMN", "ADD INDEX", "DROP COLUMN", "MODIFY", "CHANGE", "RENAME TO", "ENGINE", …
	Name    Name   // what it is about, when it names something
	Key     *KeyDef
	To      *TableName // RENAME TO, EXCHANGE PARTITION … WITH TABLE, CONVERT
	NewName Name       // CHANGE, RENAME COLUMN
	// Column is the definition in ADD COLUMN, MODIFY, CHANGE; Columns and Keys those of ADD (a int, …).
	Column  *ColumnDef
	Columns []ColumnDef
	Keys    []KeyDef
	// … PARTITION: the names, definitions or number that follow; AllPartitions is TRUNCATE PARTITION ALL and the like.
	Partitions     []Name
	PartitionDefs  []PartitionDef
	PartitionCount int
	AllPartitions  bool
	// Options are those of the table that the action sets, one or more.
	Options []Option
}
