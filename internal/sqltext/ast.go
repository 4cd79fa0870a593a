package sqltext

// StmtKind classes a statement.
type StmtKind uint8

// The kinds of statements. Everything the parser has no kind for is Other.
const (
	KindOther     StmtKind = iota
	KindSelect             // also WITH, UNION, VALUES, TABLE, brackets: Stmt.Query
	KindInsert             // Stmt.Insert; also REPLACE
	KindUpdate             // Stmt.Update
	KindDelete             // Stmt.Delete
	KindLoadData           // Stmt.Load
	KindDDL                // Stmt.DDL
	KindSet                // Stmt.Set
	KindUse                // Stmt.Name
	KindShow               // Stmt.Show; also DESCRIBE/DESC/EXPLAIN of a table
	KindExplain            // EXPLAIN/DESCRIBE/ANALYZE of a statement: Stmt.Inner
	KindBegin              // BEGIN, START TRANSACTION: Stmt.Tx
	KindCommit             // Stmt.Tx
	KindRollback           // Stmt.Tx, not TO SAVEPOINT
	KindSavepoint          // SAVEPOINT, ROLLBACK TO, RELEASE: Stmt.Savepoint
	KindXA
	KindPrepare    // PREPARE n FROM …: Stmt.Prepared
	KindExecute    // EXECUTE n [USING …], EXECUTE IMMEDIATE
	KindDeallocate // DEALLOCATE|DROP PREPARE n
	KindLock       // LOCK TABLES
	KindUnlock
	KindAccount // CREATE/ALTER/DROP/RENAME USER, ROLE, GRANT, REVOKE, SET PASSWORD, SET DEFAULT ROLE: Stmt.Account
	KindSetRole
	KindKill // Stmt.Kill
	KindCall
	KindDo
	KindHandler
	KindFlush
	KindHelp
	KindAdmin       // ANALYZE|CHECK|OPTIMIZE|REPAIR|CHECKSUM TABLE, ALTER TABLE … ANALYZE PARTITION and its kin: Stmt.DDL.Tables
	KindCluster     // ADD LEAF, REBALANCE PARTITIONS, SHOW LEAVES and the like: Stmt.Cluster
	KindEmpty       // nothing but comments and white space
	KindSignal      // SIGNAL, RESIGNAL
	KindDiagnostics // GET DIAGNOSTICS: Stmt.Diagnostics
)

// Stmt is one parsed statement. Exactly the field that its Kind names is set.
type Stmt struct {
	Kind  StmtKind
	Span  Span // the whole statement without a trailing semicolon
	Query *Query
	// Insert … Kill: see Kind.
	Insert      *Insert
	Update      *Update
	Delete      *Delete
	Load        *LoadData
	DDL         *DDL
	Set         *Set
	Show        *Show
	Inner       *Stmt
	Tx          *Tx
	Savepoint   *Savepoint
	XA          *XA
	Prepared    *Prepared
	Account     *Account
	Kill        *Kill
	Handler     *Handler
	Cluster     *Cluster
	Diagnostics *Diagnostics
	Name        Name // USE
	Lock        []LockTable
	// SetStatement is the span `SET STATEMENT … FOR` before the statement proper, empty when there is none.
	SetStatement Span
	// Tables lists every table named anywhere in the statement, subqueries and views' bodies included.
	Tables []*TableName
	// Calls are those of functions that are not MariaDB's own, as far as the text is understood: a [db.]name like a table's.
	Calls []*TableName
	// Facts are what a planner must know of the whole text, subqueries and opaque spans included.
	Facts Facts
	// Secrets are spans that no list, log or message may show: passwords, and what may be one. In order.
	Secrets []Span
	// LiteralsMatter says that a literal decides the meaning (ORDER BY 1, GROUP BY 2): the plan must not be shared by fingerprint.
	LiteralsMatter bool
}

// Facts are bits about a statement's whole text.
type Facts uint32

// The facts.
const (
	HasSubquery         Facts = 1 << iota
	HasUserVar                // reads or assigns @x
	HasUserVarAssign          // @x := …, SELECT … INTO @x
	HasLastInsertID           // LAST_INSERT_ID without an argument
	HasFoundRows              // FOUND_ROWS()
	HasRowCount               // ROW_COUNT()
	HasNondeterministic       // RAND, UUID, UUID_SHORT, SYSDATE, SLEEP, CONNECTION_ID, NEXTVAL and the like: differs by place or call
	HasTimeFunction           // NOW, CURRENT_TIMESTAMP, CURDATE … : one value a statement
	HasLockFunction           // GET_LOCK, RELEASE_LOCK …
	HasInto                   // SELECT … INTO OUTFILE|DUMPFILE|variables
	HasForUpdate              // FOR UPDATE, LOCK IN SHARE MODE
	HasWindow                 // OVER (
	HasCalcFoundRows          // SQL_CALC_FOUND_ROWS
	HasProcedureAnalyse
	HasSequence      // NEXT VALUE FOR, NEXTVAL(…)
	HasStoredCall    // a call of a function that is not MariaDB's own, db.f() or unknown f()
	HasDatabaseFunc  // DATABASE(), SCHEMA()
	HasPlaceFunction // CONNECTION_ID(), @@hostname, @@port, @@server_id, USER()…
	HasSysVar        // @@x
	HasSystemTime    // FOR SYSTEM_TIME
	HasMatch         // MATCH … AGAINST …
	HasExpansion     // … WITH QUERY EXPANSION
	HasSkipLocked    // … SKIP LOCKED, beside HasForUpdate
)

// Name is an identifier: its token and its unquoted text.
type Name struct {
	Tok  int32 // -1 when absent
	Text string
}

// TableName is a reference to a table in FROM, INTO, UPDATE …, DDL: [db.]name.
type TableName struct {
	DB   Name // Tok -1 when unqualified
	Name Name
	Span Span // of [db.]name alone
	CTE  bool // it names a common table expression in scope, no table; such are not listed in Stmt.Tables
}

// Query is a SELECT with all that may stand around it: WITH, set operations, brackets, ORDER BY and LIMIT of the whole.
type Query struct {
	Span    Span
	With    *With
	Select  *Select // a plain SELECT; nil for a set operation, VALUES or anything opaque
	Left    *Query  // set operation: Left Op Right
	Op      SetOp
	Right   *Query
	Opaque  bool // not understood: only Span is meant
	Bracket bool // ( … ) around it
	// Order, Limit, Lock of the set operation or the bracketed query as a whole (a plain SELECT's are in Select).
	Order     []OrderItem
	OrderSpan Span // ORDER BY … with the keywords, empty when absent
	Limit     *Limit
	Tail      Span // what follows LIMIT of the whole: INTO, FOR UPDATE …
}

// SetOp is a set operation.
type SetOp uint8

// The set operations.
const (
	SetNone SetOp = iota
	Union
	UnionAll
	Except
	ExceptAll
	Intersect
	IntersectAll
)

// With is a WITH clause.
type With struct {
	Span      Span
	Recursive bool
	CTEs      []CTE
}

// CTE is one common table expression.
type CTE struct {
	Name  Name
	Query *Query
}

// Select is one SELECT block.
type Select struct {
	Span     Span
	Distinct bool
	// Options is the span between SELECT and the first item (DISTINCT, SQL_NO_CACHE …).
	Options    Span
	Items      []SelectItem
	ItemsSpan  Span
	From       []TableRef // comma list; nil without FROM
	FromSpan   Span       // FROM … with the keyword
	Where      Expr
	WhereSpan  Span // WHERE … with the keyword
	Group      []OrderItem
	GroupSpan  Span // GROUP BY … with the keywords and WITH ROLLUP
	Rollup     bool
	Having     Expr
	HavingSpan Span
	Windows    Span // WINDOW …
	Order      []OrderItem
	OrderSpan  Span // ORDER BY … with the keywords
	Limit      *Limit
	Tail       Span // what follows LIMIT: PROCEDURE, INTO, FOR UPDATE …
}

// SelectItem is one item of a select list.
type SelectItem struct {
	Span  Span // with its alias
	Expr  Expr
	Alias Name
	// Star is * or t.* (then Expr is nil and Table names the qualifier, Tok -1 for a bare *).
	Star      bool
	StarTable Name
	StarDB    Name
}

// OrderItem is one item of ORDER BY or GROUP BY.
type OrderItem struct {
	Span Span // with ASC or DESC
	Expr Expr
	Desc bool
}

// Limit is LIMIT in all its forms; Count and Offset are nil when absent.
type Limit struct {
	Span   Span // with the keyword
	Offset Expr
	Count  Expr
	// Odd marks forms that are kept opaque: FETCH FIRST … WITH TIES, ROWS EXAMINED. Ties: it is the former, with a Count.
	Odd, Ties bool
}

// TableRef is one factor or join tree of a FROM clause.
type TableRef struct {
	Span Span
	// one of:
	Table   *TableName // a base table or view, or a CTE
	Derived *Query     // (SELECT …) alias
	Join    *Join
	Nested  []TableRef // ( a, b )
	Opaque  bool       // JSON_TABLE, ODBC braces, …
	Alias   Name       // Tok -1 when absent
	// Partition is PARTITION (p0, …), Hints the index hints, SystemTime FOR SYSTEM_TIME …; empty when absent.
	Partition, Hints, SystemTime Span
}

// JoinKind classes joins.
type JoinKind uint8

// The kinds of joins.
const (
	InnerJoin JoinKind = iota // JOIN, INNER, CROSS, STRAIGHT_JOIN
	LeftJoin
	RightJoin
	NaturalJoin      // NATURAL [INNER]
	NaturalLeftJoin  // NATURAL LEFT
	NaturalRightJoin // NATURAL RIGHT
)

// Join is Left kind JOIN Right [ON … | USING (…)].
type Join struct {
	Kind        JoinKind
	Left, Right TableRef
	On          Expr
	Using       []Name
}

// Expr is an expression. Its concrete types are the ones below.
type Expr interface{ ExprSpan() Span }

// Column is [db.][table.]name.
type Column struct {
	Span            Span
	DB, Table, Name Name
}

// Literal is a number, string, hex or bit literal, NULL, TRUE, FALSE, or DATE|TIME|TIMESTAMP '…'; a sign before a number is part of it.
type Literal struct {
	Span Span
	Kind LiteralKind
	Tok  int32 // the token with the value
	Neg  bool  // a minus sign stands before it
}

// LiteralKind classes literals.
type LiteralKind uint8

// The kinds of literals.
const (
	LitNumber LiteralKind = iota
	LitString             // one String token, maybe after an Introducer or before COLLATE (then it is not a Literal but an Opaque)
	LitHex
	LitBit
	LitNull
	LitTrue
	LitFalse
	LitTemporal // DATE'…', TIME'…', TIMESTAMP'…': Tok is the string
	LitDefault  // DEFAULT, in VALUES and SET
)

// ParamRef is a ? of a prepared statement; Index counts from 0.
type ParamRef struct {
	Span  Span
	Index int
	Neg   bool
}

// Binary is L Op R for comparison, arithmetic and logical operators that the parser knows. Op is upper case: "=", "<=>", "<", "AND", "OR", "+", …
type Binary struct {
	Span Span
	Op   string
	L, R Expr
}

// Not is NOT x, ! x.
type Not struct {
	Span Span
	X    Expr
}

// In is X [NOT] IN (list) or X [NOT] IN (subquery).
type In struct {
	Span Span
	X    Expr
	Not  bool
	List []Expr
	Sub  *Query
}

// Between is X [NOT] BETWEEN Lo AND Hi.
type Between struct {
	Span      Span
	X, Lo, Hi Expr
	Not       bool
}

// IsNull is X IS [NOT] NULL.
type IsNull struct {
	Span Span
	X    Expr
	Not  bool
}

// Func is name(args). Name is upper case for a plain name, as written (db.f) for a qualified one.
type Func struct {
	Span     Span
	Name     string
	Distinct bool
	Star     bool // COUNT(*)
	Args     []Expr
	// Odd: the arguments hold more than a plain list (ORDER BY, SEPARATOR, AS type, FROM …); Args has what could be read of them.
	Odd  bool
	Over Span // OVER … of a window function, empty when it is none
	// Windows are the expressions inside OVER (…) and WITHIN GROUP (…).
	Windows []Expr
	// Stored: not one of MariaDB's own functions but a stored or loadable one; Name is as written.
	Stored bool
}

// Row is (a, b, …) with two or more elements.
type Row struct {
	Span  Span
	Elems []Expr
}

// Subquery is (SELECT …), also under EXISTS, ANY, ALL.
type Subquery struct {
	Span  Span
	Query *Query
}

// Paren is ( x ).
type Paren struct {
	Span Span
	X    Expr
}

// Opaque is a balanced span that the parser does not explain further. Subs lists what it found inside all the same.
type Opaque struct {
	Span Span
	Subs []Expr // columns, functions, literals, subqueries inside, as far as they could be read
}

// Insert is INSERT or REPLACE.
type Insert struct {
	Replace   bool
	Ignore    bool
	Table     *TableName
	Partition Span
	Columns   []Name
	// ColumnsSpan is ( … ) with its brackets; empty when absent. InsertPoint is the token before which a column list could be inserted.
	ColumnsSpan Span
	InsertPoint int32
	// Rows are the VALUES rows; RowSpans their spans with brackets; ValuesTok the token VALUES or VALUE.
	Rows      [][]Expr
	RowSpans  []Span
	ValuesTok int32
	// Set is INSERT … SET a=1: one row, Columns as named.
	Set      []Assign
	SetSpan  Span // from SET to the last assignment
	Select   *Query
	OnDup    []Assign
	OnDupTok int32 // the token ON, -1 when absent
	// Returning is RETURNING … with the keyword, empty when absent.
	Returning Span
	Items     []SelectItem // of RETURNING
	Delayed   bool
}

// Assign is column = value.
type Assign struct {
	Span   Span
	Column Column
	Value  Expr
}

// Update is UPDATE of one or more tables.
type Update struct {
	Ignore    bool
	From      []TableRef // a single plain table, or a join
	Set       []Assign
	Where     Expr
	WhereSpan Span // WHERE … with the keyword
	Order     []OrderItem
	OrderSpan Span
	Limit     *Limit
}

// Delete is DELETE of one or more tables.
type Delete struct {
	Before Span // BEFORE SYSTEM_TIME … of DELETE HISTORY
	// Targets are the tables rows are deleted from, in the multi-table forms; for the single form, the one table of From.
	Targets   []TableName
	Multi     bool
	From      []TableRef
	Where     Expr
	WhereSpan Span // WHERE … with the keyword
	Order     []OrderItem
	OrderSpan Span
	Limit     *Limit
	Returning Span
	Items     []SelectItem
}

// LoadData is LOAD DATA [LOCAL] INFILE.
type LoadData struct {
	Local   bool
	Replace bool
	Ignore  bool
	File    int32 // String token
	Table   *TableName
	// Partition is PARTITION (…), empty when absent.
	Partition Span
	Charset   string // CHARACTER SET name, lower case, "" when absent
	// FIELDS and LINES options, decoded; nil where not given.
	FieldsTerminated, Enclosed, Escaped, LinesStarting, LinesTerminated []byte
	OptionallyEnclosed                                                  bool
	IgnoreLines                                                         int64
	Columns                                                             []Name // user variables have Text "@x"
	ColumnsSpan                                                         Span
	Set                                                                 []Assign
	XML                                                                 bool
	// FileSpan is the string with the file's name; Tail is all that follows the table's name.
	Tail Span
}

// Set is SET of variables; SET PASSWORD, SET ROLE and SET TRANSACTION have kinds or flags of their own.
type Set struct {
	Vars []SetVar
	// Transaction: SET [GLOBAL|SESSION] TRANSACTION …
	Transaction bool
	// Names: SET NAMES, SET CHARACTER SET.
	Names bool
	// Global is true when any part sets a global.
	Global bool
}

// SetVar is one assignment.
type SetVar struct {
	Span      Span
	Scope     string // "", SESSION, GLOBAL, USER (for @x)
	Name      string // lower case for system variables: "autocommit", "names", "character set", "transaction"
	Value     Expr   // nil for NAMES DEFAULT and the like
	ValueSpan Span
}

// Show is SHOW, DESCRIBE, EXPLAIN table.
type Show struct {
	What   string // upper-case words up to the first name: "TABLES", "FULL COLUMNS", "CREATE TABLE", "DATABASES", "INDEX", "DESCRIBE", …
	Table  *TableName
	DB     Name // FROM db
	Server Name // of SHOW CREATE SERVER; it may be a string
	Rest   Span // LIKE … or WHERE …
}

// Tx is BEGIN, START TRANSACTION, COMMIT, ROLLBACK with its modifiers.
type Tx struct {
	ReadOnly, ReadWrite, Snapshot bool
	Chain, NoChain                bool
	Release, NoRelease            bool
	// Odd: MariaDB may refuse it, or read it in another way.
	Odd bool
}

// Savepoint is SAVEPOINT n, ROLLBACK TO n, RELEASE SAVEPOINT n.
type Savepoint struct {
	Verb string // SAVEPOINT, ROLLBACK, RELEASE
	Name Name
	Odd  bool // MariaDB may refuse it
}

// XA is a statement on a client's own XA transactions. Statements of KindXA that could not be read to the end have none.
type XA struct {
	Verb string // START, END, PREPARE, COMMIT, ROLLBACK, RECOVER
	// The XID's parts: strings, hexadecimal or binary, and a number; -1 when absent.
	GtridTok, BqualTok, FormatTok int32
	Join, Resume, Suspend         bool
	OnePhase                      bool
	SQL                           bool // RECOVER FORMAT='SQL'
}

// Prepared is PREPARE, EXECUTE, DEALLOCATE.
type Prepared struct {
	Name      Name
	Immediate bool
	From      Expr // a string literal or a user variable
	Using     []Expr
}

// Account is a statement on accounts and rights.
type Account struct {
	Verb string // CREATE USER, ALTER USER, DROP USER, RENAME USER, CREATE ROLE, DROP ROLE, GRANT, REVOKE, SET PASSWORD, SET DEFAULT ROLE
	// On is the object of GRANT and REVOKE: nil for roles and proxies; Name "*" for db.*, both "*" for *.*.
	On     *TableName
	OnKind string // "", TABLE, FUNCTION, PROCEDURE, PACKAGE …
	// OnSpan is the object's span (db.t, db.*, *.*, t, *).
	OnSpan Span
	// Variables are the assignments behind the comma of a SET PASSWORD.
	Variables Span
}

// Diagnostics is GET DIAGNOSTICS.
type Diagnostics struct {
	Condition Span // the number behind CONDITION, empty where the statement itself is asked about
	Items     []DiagnosticsItem
}

// DiagnosticsItem is @variable = what.
type DiagnosticsItem struct {
	Target int32  // the token of the variable
	What   string // in upper case
}

// Handler is HANDLER … OPEN, READ or CLOSE. Table is that of OPEN; the others name what it has opened.
type Handler struct {
	Verb  string
	Table *TableName
	Alias Name
}

// Kill is KILL [HARD|SOFT] [CONNECTION|QUERY [ID]] id | USER name.
type Kill struct {
	Query     bool
	ByQueryID bool
	ID        Expr
	// User is a user's name, "" Host any host's. Own: it is CURRENT_USER.
	User Name
	Host string
	Own  bool
}

// LockTable is one table of LOCK TABLES.
type LockTable struct {
	Table *TableName
	Alias Name
	Mode  string // READ, READ LOCAL, WRITE, …
}

// ExprSpan is the expression's tokens.
func (e *Column) ExprSpan() Span   { return e.Span }
func (e *Literal) ExprSpan() Span  { return e.Span }
func (e *ParamRef) ExprSpan() Span { return e.Span }
func (e *Binary) ExprSpan() Span   { return e.Span }
func (e *Not) ExprSpan() Span      { return e.Span }
func (e *In) ExprSpan() Span       { return e.Span }
func (e *Between) ExprSpan() Span  { return e.Span }
func (e *IsNull) ExprSpan() Span   { return e.Span }
func (e *Func) ExprSpan() Span     { return e.Span }
func (e *Row) ExprSpan() Span      { return e.Span }
func (e *Subquery) ExprSpan() Span { return e.Span }
func (e *Paren) ExprSpan() Span    { return e.Span }
func (e *Opaque) ExprSpan() Span   { return e.Span }
