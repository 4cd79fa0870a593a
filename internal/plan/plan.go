package plan

import (
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// Session is what planning needs to know of a session.
type Session struct {
	DB   string // current database, "" when none
	Mode sqltext.Mode
	// NoAutoValueOnZero is the sql_mode flag: 0 in an AUTO_INCREMENT column is stored as 0.
	NoAutoValueOnZero bool
	// PadChar: sql_mode has PAD_CHAR_TO_FULL_LENGTH, so that CHAR columns have spaces at their ends.
	PadChar bool
	// Strict: sql_mode has STRICT_TRANS_TABLES or STRICT_ALL_TABLES, so that a write's warnings are errors.
	Strict bool
	// FullGroups: sql_mode has ONLY_FULL_GROUP_BY.
	FullGroups bool
	// Simultaneous: sql_mode has SIMULTANEOUS_ASSIGNMENT.
	Simultaneous bool
	// Results is character_set_results, "" when results are not converted: strings arrive in it.
	Results string
	// OwnReferences: the session's transaction has written reference tables, on connections of their own. Partitions see other rows of them.
	OwnReferences bool
	// Draws are the columns of an INSERT's query, or the assignments of an UPDATE, in whose places values of sequences go; nil for none.
	Draws *[]Draw
	// Met are the places in an INSERT's ON DUPLICATE KEY UPDATE in which values of sequences go, where now there is NULL; nil for none. At is how many tokens follow.
	Met *[]MetDraw
	// Checked has the table that a statement writes to be written to by a view that looks at the rows, where there is one; "" for none. It says which: CheckedName.
	Checked string
	// Unmerged is why the answers of partitions have turned out not to make one: the statement is to be staged. "" before that was seen.
	Unmerged string
	// SortLength is max_sort_length: how much of a long string ORDER BY looks at. No plan hangs on it.
	SortLength int
	// LinksReadOnly: linked tables are not to be written to unless their definitions say they may be.
	LinksReadOnly bool
	// Fires: the session runs the triggers that are for nodes.
	Fires bool
}

// Unconverted is what Session.Results is for a statement that is run under character_set_results=NULL.
const Unconverted = "NULL"

// Plan says how a statement is run. It holds no values of literals: positions of tokens stand for them, so that one plan serves all
// statements with one fingerprint.
type Plan struct {
	// FiredForUser: triggers that it may fire ask for the session's user.
	FiredForUser bool
	// Assigned are user variables to which triggers that it may fire may assign: so it has to be done at one place.
	Assigned []string
	Route    Route
	// Forward is applied to the client's bytes when one place serves the statement. Empty: the bytes go out as they came.
	Forward []Splice
	// Merge says how parts from several partitions become one answer; nil for statements without a result and where Stage says why not.
	Merge *Merge
	// Stage is the reason why the statement needs the Stage shape when Route yields more than one place; "" when it does not.
	Stage string
	// Fills are the tables of which a staged statement needs rows, in the order in which they are to be filled. With a Stage and no Fills it can't be staged
	// either: NeedsStage. References are the reference tables beside them: those that stand where the statement runs do, unless a transaction sees other rows.
	Fills, References []Fill
	// Named are the tables that a staged statement names, by the names that columns are qualified with; nil when not all of them are known.
	Named []NamedTable
	// Copies make of the client's text the one that is run on copies.
	Copies []Splice
	// Bringings are ways to run such a statement by parts, with fewer of its tables copied.
	Bringings []Bringing
	// Bring: it is to be run in one of them where that can be, whatever they copy: MATCH … AGAINST finds no index on copies.
	Bring bool
	// copied: it is of a Bringing.
	copied bool
	// Drawing is how such a statement is run that asks sequences: where these are, on copies of all its tables. nil when it asks none.
	Drawing *Drawing
	// Scalars are subqueries of such a statement whose values may be put in their places first, so that it is another statement. In the order of the text.
	Scalars []Scalar
	// Titles are the select items of the statement that have a text for a name, in which there is one of Scalars.
	Titles []sqltext.Span
	// Condensed are queries in it whose rows may be found first, in the order of the text.
	Condensed []Condensed
	// ByKey is set for an UPDATE or DELETE with a Stage, or RouteStage, when its rows can be found first.
	ByKey *ByKey
	// Returned says how what RETURNING lists is asked for; nil where those that write tell it.
	Returned *Returned
	// Restate makes of an INSERT the one that is run in its place: its query gives all digits of quotients, or it names columns of the shard key that have computed defaults.
	Restate []Splice
	// Once are expressions of an INSERT that may have another value at each leaf, where the table is a reference table, or that have subqueries over sharded tables: their values are put
	// in their places first.
	Once []First
	// Insert is set for INSERT and REPLACE of rows into sharded and keyless tables.
	Insert *Insert
	// InsertSelect is set for INSERT and REPLACE of a query's rows.
	InsertSelect *InsertSelect
	// Load is set for LOAD DATA LOCAL.
	Load *Load
	// Linked is set for statements on linked tables; Route is RouteLinked then. What sharded tables have in Forward, Merge and Insert says how parts are made
	// and put together, with PieceRemote for the tables' names; a statement of one place is forwarded.
	Linked *Linked
	// InsertID is what the id means that an INSERT into a single table answers.
	InsertID InsertID
	// Writes: the statement changes data. Locks: it reads with locks. Rows: it answers with a result set.
	Writes, Locks, Rows bool
	// Sequence: it is run where the sequences are that it asks. What they give is given whatever becomes of a transaction.
	Sequence bool
	// Beside: it names reference tables beside sharded ones, so that they are read where the partitions are.
	Beside bool
	// Triggers are the tables that triggers which it may fire name, each with its database.
	Triggers [][2]string
	// Changes are what it may do to rows of reference tables. Touched are the sharded tables whose rows it, or such a trigger, reads or changes, each with its database.
	Changes []topo.Change
	Touched [][2]string
	// Placed are the tables whose rows are in partitions that it names, by itself, by triggers that it may fire and functions that it calls, each once.
	Placed []*topo.Table
	// Functions are the databases whose stored functions it calls, FunctionReads the tables that these read, each with its database, FunctionReaders who must have the right to.
	Functions       []string
	FunctionReads   [][2]string
	FunctionReaders []FunctionRead
	// Bare: it reads no table of an engine, so that neither does it begin a transaction nor is SET TRANSACTION for it.
	Bare bool
	// Frees: what it changes takes less room afterwards: a DELETE.
	Frees bool
	// Short: an equality on a whole unique key, no lock, no function that waits: may ride a pipeline.
	Short bool
	// Names are the client's columns whose names a part's text would change: it has other names of tables in it. Each is called as its span reads.
	Names []ColumnName
	// Drawn are the columns without NULL that sequences give values to: partitions have no default for them.
	Drawn []DrawnColumn
	// Found is for FOUND_ROWS().
	Found Found
	// Facts of the statement that the session acts on: last insert id, user variables.
	Facts sqltext.Facts
	// Clocked: the time is in what it shows or writes, so that its parts must have the same.
	Clocked bool
	// Params is the number of ? in the statement.
	Params int
	// Cacheable by fingerprint.
	Cacheable bool
	// Revision of the snapshot that the plan was made for.
	Revision int64
}

// ColumnName is the name of a column of the answer: the client's text of Span.
type ColumnName struct {
	Col  Col
	Span sqltext.Span
}

// RouteKind says how the places of a statement are found.
type RouteKind uint8

// The kinds of routes.
const (
	// RouteAny is any one leaf, default database as the client's: no sharded table takes part. With Locks it must be the same leaf each time (the
	// first by name), so that locking readers of reference tables exclude each other.
	RouteAny       RouteKind = iota
	RouteKeys                // the partitions of DB that Keys name
	RouteAll                 // every partition of DB
	RouteEveryLeaf           // every leaf, in the shape databases: writes to reference tables
	RouteOne                 // any one partition of DB, which is the first: the condition can't be true, or a keyless insert, or sequences, which are there
	RouteLinked              // places of Plan.Linked
	RouteStage               // the statement is staged whatever its tables' places are: Fills
)

// Route finds the places of a statement.
type Route struct {
	Kind  RouteKind
	DB    string
	Table *topo.Table // whose shard key Keys are about
	Keys  []KeyTuple  // one per wanted key; each has an operand per shard key column
}

// KeyTuple is one value of the shard key.
type KeyTuple []Operand

// Operand is where a value comes from when the statement runs.
type Operand struct {
	Kind OperandKind
	Tok  int32 // OperandLiteral: the token; Neg: with a minus
	Neg  bool
	// Param is the index of the ? (OperandParam); Neg as well.
	Param int
	// Expr is the span to be evaluated by a leaf (OperandExpr), and that of a DEFAULT that the client wrote.
	Expr sqltext.Span
}

// OperandKind classes operands.
type OperandKind uint8

// The kinds of operands.
const (
	OperandNone    OperandKind = iota // absent
	OperandLiteral                    // a literal token
	OperandParam
	OperandNull
	OperandDefault // the column's default
	OperandExpr    // anything else, evaluated by a leaf
)

// Splice replaces the tokens [From, To) of the client's text by Pieces; From == To inserts before token From (after the last token when From is
// the number of tokens). Splices of one list are in order and do not overlap.
type Splice struct {
	From, To int32
	Pieces   []Piece
}

// PieceKind classes pieces.
type PieceKind uint8

// The kinds of pieces.
const (
	PieceText        PieceKind = iota // Text as it is
	PieceSchema                       // the partition's MariaDB database, quoted: `test_3`
	PieceRemote                       // the remote table of Linked.Tables[Remote], with its database, quoted
	PieceRemoteTable                  // its name alone, quoted
	PieceCopy                         // the client's tokens of Span, with the Names splices inside it applied
	PieceChecked                      // the view of Session.Checked, Text, of the partition's table
	PieceLimit                        // Offset + Count of Merge.Limit as a number
)

// Piece is a bit of text that goes into a part.
type Piece struct {
	Kind PieceKind
	Text string
	Span sqltext.Span
	// Remote is an index of Linked.Tables.
	Remote int
}

// Merge says how the rows of several parts become the client's rows. The stages are applied in the order of the fields: parts are merged by Sort,
// equal neighbours folded by Group (Aggs) or dropped by Distinct, Finals evaluated, Having applied, Order sorted, Limit cut, hidden columns left out.
type Merge struct {
	// Splices make the part's text from the client's; Names (renamed databases) are part of Splices and apply inside PieceCopy too.
	Splices []Splice
	Names   []Splice
	// Hidden is the number of columns appended to the client's own.
	Hidden int
	// Called are the client's names of columns that are hidden under others.
	Called map[string]string
	// Sort is the order the parts arrive in; empty: parts are concatenated as they come.
	Sort []SortKey
	// Grouped: rows equal in the first GroupKeys keys of Sort are one group (GroupKeys 0: all rows are one group, and an empty input is one row).
	Grouped   bool
	GroupKeys int
	Aggs      []Agg
	// Totals are for WITH ROLLUP, with one entry for each of GroupKeys: the columns that are NULL in rows of totals over the key, and over those before it. nil without.
	Totals [][]Col
	// Distinct drops a row equal to the one before in the first DistinctKeys keys of Sort.
	Distinct     bool
	DistinctKeys int
	// Finals are select items that are expressions over aggregates: evaluated by a leaf, row by row, from the columns they name.
	Finals []Final
	// Having is evaluated by a leaf the same way; nil when absent.
	Having *Final
	// Order sorts the folded rows when their order differs from Sort; empty when Sort is what the client asked for.
	Order []SortKey
	// Limit is applied at the end; Operands, as LIMIT ? is allowed.
	Limit Limit
	// Ties is for WITH TIES: further rows come that equal the last one of Limit in so many keys of Order, or of Sort where there is no Order.
	Ties int
	// Counted says who counts the rows that there would be without Limit, for FOUND_ROWS().
	Counted Counted
}

// Plain says that the parts' rows are the answer's, as they come or in an order: nothing is made of several, or found out from them.
func (m *Merge) Plain() bool {
	return !m.Grouped && !m.Distinct && len(m.Finals) == 0 && m.Having == nil && len(m.Order) == 0 && m.Ties == 0 && m.Counted == CountedNot
}

// Counted says who counts rows for SQL_CALC_FOUND_ROWS: https://mariadb.com/kb/en/found_rows/.
type Counted uint8

// Who counts: nobody, as nobody asks; each part its own, which are some of the whole's; or whoever merges them, who gets all.
const (
	CountedNot Counted = iota
	CountedByParts
	CountedMerged
)

// Apart has the rows of a SELECT DISTINCT without ORDER BY or LIMIT one after another as the parts give them, equal ones of different parts too. It is for plans that are nobody else's.
func (p *Plan) Apart() {
	if p.Merge != nil {
		p.Merge = &Merge{Splices: p.Forward, Names: p.Forward}
	}
}

// Col names a column of a part's result: from the start when it is >= 0, from the end when negative (-1 is the last), as `*` hides the number of columns.
type Col int

// SortKey is one key of an order. A non-binary string without a weight can't be compared: that is NeedsStage, not a guess.
type SortKey struct {
	Col Col
	// Weight is a hidden column with WEIGHT_STRING of the same expression, used when Col is a non-binary string; 0-value means none (HasWeight).
	Weight    Col
	HasWeight bool
	// Collation is a hidden column with COLLATION(expr) of the same expression, there whenever HasWeight is: it says how a shorter weight is padded.
	Collation Col
	// Node is the name of a collation by which the node itself compares Col, whose values arrive in its character set: no weights are asked for.
	// With HasWeight, it is what the collation of Col should be: weights are NULL where it is, as servers take long to make them. "" otherwise.
	Node string
	Desc bool
}

// AggOp is how an aggregate's partial values are combined.
type AggOp uint8

// The ways to combine.
const (
	AggSum           AggOp = iota // SUM and COUNT of parts: add; NULL is skipped
	AggMin                        // compare as a SortKey
	AggMax                        //
	AggAvg                        // Sum / Count
	AggBitAnd                     //
	AggBitOr                      //
	AggBitXor                     //
	AggCountDistinct              // rows are sorted by group, then by the distinct expressions: count changes where none is NULL
	AggSumDistinct                //
	AggAvgDistinct                //
	AggFirst                      // any row's value: what every column without an Agg means as well
)

// Agg combines one column.
type Agg struct {
	Col        Col // where the result goes (and for most where the partial value is)
	Op         AggOp
	Sum, Count Col // AggAvg: hidden partial sums and counts
	Weight     Col // AggMin, AggMax of strings: hidden WEIGHT_STRING(MIN(x)), which goes with the value that is kept; HasWeight
	HasWeight  bool
	Collation  Col // as in SortKey, hidden COLLATION(x), with HasWeight
	// Keys are the expressions of the distinct forms. For AggMin and AggMax: one key that is compared in place of Col, when given; its column goes
	// with the value that is kept.
	Keys []SortKey
	// Gather: rows do not come sorted by Keys within a group, so a distinct form has to keep the values until the group ends.
	Gather bool
}

// Final is an expression over columns of the merged row: the client's tokens of Span with the spans of Uses replaced by the row's values as
// typed literals.
type Final struct {
	Span sqltext.Span
	Into Col // the column it replaces; unused for Having
	Uses []Use
}

// Use is a sub-span of a Final that is replaced by the value of a column.
type Use struct {
	Span sqltext.Span
	Col  Col
	// Divided: it stands for Col / Over. That is AVG in an expression: MariaDB goes on with more digits than it prints.
	Divided bool
	Over    Col
}

// Limit is LIMIT of the whole; Count.Kind OperandNone when absent.
type Limit struct {
	Offset, Count Operand
}

// Insert splits the rows of an INSERT by partition.
type Insert struct {
	Table *topo.Table
	// computed are columns of the shard key for which rows have no value, and whose default is computed.
	computed []string
	// Keys has one tuple a row, nil for keyless and reference tables. OperandDefault and OperandNull of the AUTO_INCREMENT column mean a generated
	// value. The value that a leaf gives for an OperandExpr replaces the expression in the row's text: evaluated again (UUID()) it may differ.
	Keys []KeyTuple
	// Auto says where the AUTO_INCREMENT column's value is in each row: AutoNone: no such column; AutoGiven: Autos has an operand a row
	// (NULL, 0, DEFAULT ask for a generated one, and its Tok/Span is replaced); AutoAbsent: column and value are inserted.
	Auto  AutoPlace
	Autos []Operand
	// ZeroIsValue: 0 is stored as it is (NO_AUTO_VALUE_ON_ZERO).
	ZeroIsValue bool
	// AutoSpans are the spans of the given values, one a row.
	AutoSpans []sqltext.Span
	// ColumnPoint is where ColumnText goes (before this token; it may be the head's end), RowPoints where the value goes; for AutoAbsent. A comma
	// follows the value unless the row is empty: its next token is then ")".
	ColumnPoint int32
	ColumnText  string // "`id`,", "`id`=" for INSERT … SET, "(`id`)" where there is no column list
	RowPoints   []int32
	// Head is the text before the first row, Rows the rows' spans, Tail what follows: a part is Head, its rows joined by commas, Tail.
	Head, Tail sqltext.Span
	Rows       []sqltext.Span
	// Names renames databases in any of them.
	Names []Splice
	// Returning: the parts answer with rows.
	Returning bool
	Replace   bool
	// Fills: ON DUPLICATE KEY UPDATE gives a value to a column that the rows lack and that has no default, which MariaDB lets them do in VALUES.
	Fills bool
	// Moves is set where rows that are met may have to move, Met where they are given values of sequences.
	Moves *KeyMoves
	Met   *MetDraws
}

// AutoPlace says where an AUTO_INCREMENT value stands in an INSERT.
type AutoPlace uint8

// The places.
const (
	AutoNone AutoPlace = iota
	AutoGiven
	AutoAbsent
)

// InsertSelect runs Query as a plan of its own and inserts its rows.
type InsertSelect struct {
	Table *topo.Table
	Query sqltext.Span
	Plan  *Plan // of the query; its Stage and Route say whether it can run
	Moves *KeyMoves
	// ReadsTarget: the query reads Table too, so its rows must all be there before the first is inserted.
	ReadsTarget bool
	// Gathered: the query is a set operation whose rows MariaDB has before it writes the first. What it warns of then is no error in strict mode.
	Gathered bool
	// Columns are positions in Table.Columns of the query's columns, in order. Omits: a column is not among them that has no default.
	Columns []int
	Omits   bool
	// Head is INSERT … up to the query, Tail what follows it (ON DUPLICATE KEY UPDATE …).
	Head, Tail sqltext.Span
	// ColumnPoint and ColumnText put the AUTO_INCREMENT column into Head, before the others, when the statement does not name it; ColumnText is ""
	// when it does, or when there is none. The value is then inserted as each row's first.
	ColumnPoint int32
	ColumnText  string
	Names       []Splice
	// Draws are values of sequences that go into each row, in the places of values of the query or behind them. Columns of the latter are put into Head by DrawText at DrawPoint.
	Draws     []Draw
	DrawPoint int32
	DrawText  string
	// Named are the query's columns that ON DUPLICATE KEY UPDATE names; Hidden is how many columns the query has behind those that are inserted, for them and Carried.
	Named  []NamedCell
	Hidden int
	// Carried are cells behind the query's own that tell what these are stored as.
	Carried []CarriedCell
	// Exact are columns of the query of which it gives all digits of quotients.
	Exact []int
	// Windowed are columns of the query that are window functions: a BIT of theirs is told as its bytes, that of any other expression as digits.
	Windowed []int
}

// Draw is a place in a row for which a sequence is asked.
type Draw struct {
	Cell         int // which value of the row, or which assignment
	Column       int // of the table, behind the query's
	DB, Sequence string
}

// Load is LOAD DATA LOCAL into a sharded, keyless or reference table.
type Load struct {
	Table *topo.Table
	Stmt  *sqltext.LoadData
	// Key has the field number in a line for each shard key column; Auto that of the AUTO_INCREMENT column, -1 when it is absent: the default.
	Key     []int
	Auto    int
	Forward []Splice
	// ColumnPoint and ColumnText put columns before the others that the statement's list of fields lacks: the AUTO_INCREMENT column, if AutoFirst, and those that sequences give values to (Draws). The values
	// are then inserted as each line's first fields. ColumnText is "" when it is not needed.
	ColumnPoint int32
	ColumnText  string
	AutoFirst   bool
	Draws       []Draw
}
