package sqltext

// Partitioning is PARTITION BY … of a table, with the definitions of its partitions.
type Partitioning struct {
	Span       Span
	By         PartitionBy
	Count      int          // PARTITIONS n, 0 when absent
	Sub        *PartitionBy // SUBPARTITION BY; nil when absent
	SubCount   int          // SUBPARTITIONS n, 0 when absent
	Partitions []PartitionDef
	// Definitions is ( PARTITION … ) with its brackets, empty when absent.
	Definitions Span
}

// PartitionBy is one level's method: [LINEAR] KEY (…) and the like.
type PartitionBy struct {
	Span      Span
	Method    string // KEY, HASH, RANGE, RANGE COLUMNS, LIST, LIST COLUMNS, SYSTEM_TIME, "" for what is none of these
	Linear    bool
	Algorithm int    // KEY ALGORITHM = n, 0 when absent
	Columns   []Name // of KEY (maybe none) and of … COLUMNS
	Expr      Expr   // of HASH, RANGE and LIST
	Arg       Span   // what is in the brackets, without them
}

// PartitionDef is the definition of one partition or subpartition.
type PartitionDef struct {
	Span   Span
	Name   Name
	Values PartitionValues
	// ValuesSpan is VALUES … with the keyword, or the word DEFAULT, HISTORY, CURRENT; empty when absent.
	ValuesSpan Span
	// Bounds are the values: of LESS THAN one row, of IN one row for each value; a row has more than one when it is in brackets of its own.
	Bounds  [][]PartitionBound
	Options []Option
	Subs    []PartitionDef
}

// PartitionValues is what a partition holds.
type PartitionValues uint8

// The kinds of what a partition holds.
const (
	ValuesNone     PartitionValues = iota // of KEY and HASH
	ValuesLessThan                        // VALUES LESS THAN (…)
	ValuesIn                              // VALUES IN (…)
	ValuesDefault                         // DEFAULT
	ValuesHistory                         // HISTORY, of SYSTEM_TIME
	ValuesCurrent                         // CURRENT, of SYSTEM_TIME
)

// PartitionBound is one value in VALUES.
type PartitionBound struct {
	Span    Span
	Max     bool // MAXVALUE
	Default bool // DEFAULT in VALUES IN
	Expr    Expr // nil for the words
}

// Option is name [=] value of a table or partition, engines' own options included.
type Option struct {
	Span  Span
	Name  string // upper case, e.g. COMMENT, CONNECTION, ENGINE, "DATA DIRECTORY", REMOTE_SERVER
	Value Name   // the token and what it stands for
}
