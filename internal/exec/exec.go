package exec

import (
	"context"
	"io"
	"sync"
	"sync/atomic"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/shard"
	"github.com/orbweaver/orbweaver/internal/spider"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// Sequences give AUTO_INCREMENT values, unique over the cluster.
type Sequences interface {
	// Next reserves n consecutive values of the table's sequence.
	Next(ctx context.Context, t *topo.Table, n int) (first uint64, err error)
	// Observe tells that v was written by a statement: values given later are greater.
	Observe(ctx context.Context, t *topo.Table, v uint64) error
}

// Config is what a Runner needs.
type Config struct {
	Pools     *backend.Pools
	Sequences Sequences
	// Remote makes of links, which all lead to one account of one server, what is dialled. nil: there are no linked tables.
	Remote func(links []spider.Link) (*backend.Remote, error)
	// Watch looks at links with monitoring_kind whose server has failed, and returns what the client is told instead of err. nil: nobody looks.
	Watch func(ctx context.Context, snap *topo.Snapshot, links []plan.Watched, err error) error
	// SortMemory bounds what a statement may hold to sort or group at the node, and of rows that it collects there, in bytes. Default 256 MiB.
	SortMemory int64
}

// Runner runs the plans of all sessions of a node.
type Runner struct {
	cfg     Config
	weights *shard.Cache
	shards  sync.Map      // *topo.Table → *shard.Func; a changed table is another value
	splits  sync.Map      // *topo.Table → *split, of linked tables
	copies  sync.Map      // *topo.Table → whether its copies for staged statements need its definition
	looking sync.Map      // *topo.Table → chan struct{}: whose turn it is in gatherShares
	guesses guesses       // of the rows of staged statements
	turn    atomic.Uint64 // spreads keyless rows

	foreign atomic.Pointer[foreignKeys] // what a leaf told last
}

// New makes a Runner.
func New(cfg Config) *Runner {
	if cfg.SortMemory == 0 {
		cfg.SortMemory = 256 << 20
	}
	return &Runner{cfg: cfg, weights: shard.NewCache(shardCacheSize)}
}

// shardCacheSize bounds what is remembered of weights that leaves told, in bytes.
const shardCacheSize = 4 << 20

// Output takes the packets of an answer.
type Output interface {
	// Caps are the client's negotiated capabilities.
	Caps() wire.Caps
	// Status is the session's part of a status: transaction bits, and more results to come.
	Status() wire.Status
	// Packet takes one packet's payload; it is copied.
	Packet(payload []byte) error
	// File asks the client for a file of LOAD DATA LOCAL. The reader must be read to its end.
	File(name string) (io.Reader, error)
}

// Statement is a plan with everything needed to run it once. It is used by one goroutine and may be reused.
type Statement struct {
	Plan *plan.Plan
	Scan *sqltext.Scan
	// Text is the statement as a string, for prepared statements: leaves' connections remember statements by it.
	Text string
	// Query is the part of the statement that is run, when it is not the whole.
	Query sqltext.Span
	Snap  *topo.Snapshot
	Sess  plan.Session
	// Charset is the character set of string literals, as MariaDB names it (character_set_connection); "" when the client's and the
	// connection's differ.
	Charset string
	Tx      *txn.Session
	// Home is the leaf for statements without a partition.
	Home string
	// OneShard refuses the statement, before it has done anything, when it is on several partitions: ErrAcross.
	OneShard bool
	// Once: what the statement needs is gone with a connection that is lost, so that it is not run again on another one.
	Once bool
	// Args are the values of a prepared statement's parameters; Prepared says that the client speaks the binary protocol.
	Prepared bool
	Args     []wire.Param
	Out      Output
	// Permit, when set, is asked before the statement is staged: an error is why the account may not run it.
	Permit func(ctx context.Context) error
	// Readers says who copies what stored functions of a staged statement read; nil: they may read nothing that is copied.
	Readers FindReaders
	// Head goes before the text of a staged statement: EXPLAIN and ANALYZE, whose answer then has a note about each copy.
	Head []byte
	// StageLimit bounds what may be copied for the statement, in bytes; 0 is DefaultStageLimit.
	StageLimit int64
	// Bring says when tables are brought to others for a statement that would be staged.
	Bring Bring
	// Links puts the session's timeouts into a plan on linked tables; nil: there are none. It is for plans that are made while the statement runs.
	Links func(*plan.Plan) *plan.Plan
	// Locked are the names under which LOCK TABLES has locked tables.
	Locked []plan.NamedTable
	// Draw asks a sequence for its next values.
	Draw func(ctx context.Context, db, sequence string, n int) ([]int64, error)
	// Moment is the setting that makes the statement's time, where it is one of several that have the same; "" otherwise.
	Moment string
	// After, when set, is called with the connection of a statement of one place once its answer was read and was no error: the session reads
	// back the user variables that the statement has assigned. Such a statement never rides a pipeline.
	After func(ctx context.Context, c *backend.Conn) error
	// Before is what the connection is told before the statement of which After is told.
	Before string
	// Called is set by After: LAST_INSERT_ID(x) was called, whose value comes before one that was generated.
	Called bool
	// Asked is After for the query by which a write finds its rows or values, where that asks sequences or assigns to user variables.
	Asked func(ctx context.Context, c *backend.Conn) error

	readBy   Readers
	prefix   string // of Query's text: SET STATEMENT … FOR
	returned int64  // bytes of the rows that RETURNING has given; of all jobs at once
	total    uint64 // rows without LIMIT, if these are counted
	counted  bool
	given    map[*topo.Table]*given // tables of this statement alone
	heads    [][]byte               // its columns' definitions as of its own tables. headed: those of what is run tell another expression
	headed   bool
	solving  string // its guessKey before the values of its subqueries were put in their places
	out      Outcome
	buf      []byte // scratch: column definitions, OK packets
	text     []byte // scratch: a part's text
	body     []byte // scratch: COM_STMT_EXECUTE
	pipe     []byte // scratch: a pipeline's answer

	vals     []shard.Value
	unquoted []byte // what vals point into
	ords     []int
	placeBuf []txn.Place
}

// Outcome is what a statement did, for the session to remember.
type Outcome struct {
	Affected uint64
	// InsertID is the OK packet's; Generated says that it was generated, so that LAST_INSERT_ID() becomes it.
	InsertID  uint64
	Generated bool
	Warnings  uint16
	Notes     []Note // the text of the warnings, for SHOW WARNINGS
	Rows      uint64 // rows sent
	// Found is how many FOUND_ROWS() tells of then; Uncounted: nobody knows.
	Found     uint64
	Uncounted bool
	HasRows   bool
	Status    wire.Status // of the leaf's last packet: bits such as "no index used"
	Info      []byte      // the OK packet's text
	// Staged: it was run on copies of its tables.
	Staged bool
	// Begun: something was given to the Output, so that an error has to follow it and nothing can be repeated.
	Begun bool
}

// Note is a row of SHOW WARNINGS.
type Note struct {
	Level, Code, Message string
	State                string // SQLSTATE, "" for that of Code
	Origin               string // the other items of a condition that SIGNAL has raised, as it is given them
}

// Run runs a statement and gives its answer to the Output. An error of a leaf that belongs to the statement itself is returned as *wire.ServerError, not
// written: the caller writes it. Other errors are those of backend and txn, *plan.Error, and *Error.
func (r *Runner) Run(ctx context.Context, st *Statement) (Outcome, error) {
	st.out, st.returned, st.counted = Outcome{}, 0, false
	counting := st.counting()
	st.Tx.Reading(onlyReads(st.Plan))
	st.Tx.Bare(st.Plan.Bare)
	st.Tx.Shapes(st.Plan.Route.Kind == plan.RouteEveryLeaf)
	err := r.Settled(ctx, st)
	if err == nil {
		err = r.run(ctx, st)
	}
	if err = st.constrained(r.watched(ctx, st, err)); err == nil {
		st.noteChanges()
	}
	st.noteRemote(err)
	st.Tx.Reading(false) // what else the session does is not known to
	st.Tx.Shapes(false)
	st.Tx.Bare(false)
	n, known := counting.found(st.out.Rows)
	if st.counted {
		n = st.total
	}
	st.out.Found, st.out.Uncounted = n, !known
	return st.out, err
}

// onlyReads says whether a plan certainly leaves nothing to commit: a query of partitions or linked tables without locks that calls nothing but MariaDB's own functions.
func onlyReads(p *plan.Plan) bool {
	return (p.Merge != nil || p.Linked != nil || len(p.Fills) > 0) && !p.Writes && !p.Locks && p.Facts&(sqltext.HasStoredCall|sqltext.HasSequence) == 0
}

func (r *Runner) run(ctx context.Context, st *Statement) error {
	p := st.Plan
	if p.Linked != nil {
		if err := r.linkable(st); err != nil {
			return err
		}
	}
	found := p.ByKey != nil && p.Route.Kind == plan.RouteEveryLeaf                    // by a query that sees what was written
	if p.Beside && p.Route.Kind != plan.RouteStage && !found && st.Tx.WroteShapes() { // what was planned without knowing it
		return plan.NeedsStage("a reference table beside a sharded one, after the transaction has written reference tables")
	}
	if len(p.FunctionReads) > 0 && p.Route.Kind != plan.RouteAny && (p.Route.Kind != plan.RouteStage || p.Writes) && st.Tx.WroteShapes() {
		return plan.NeedsStage(plan.FunctionReadsOwn)
	}
	switch {
	case len(p.Assigned) > 0 && (len(p.Restate)+len(p.Once) > 0 || p.Load != nil || p.InsertSelect != nil || p.Insert != nil && (p.Insert.Moves != nil || p.Insert.Met != nil) ||
		p.Route.Kind == plan.RouteStage || p.Route.Kind == plan.RouteEveryLeaf):
		return errAssigns
	case p.Returned != nil:
		return r.returning(ctx, st)
	case len(p.Restate) > 0:
		return r.restated(ctx, st, p.Restate)
	case p.Load != nil:
		return r.load(ctx, st)
	case p.InsertSelect != nil:
		return r.insertSelect(ctx, st)
	case len(p.Once) > 0:
		return r.once(ctx, st)
	case p.Insert != nil:
		return r.insert(ctx, st)
	case (p.Route.Kind == plan.RouteStage || p.Route.Kind == plan.RouteEveryLeaf) && p.ByKey != nil:
		return r.byKey(ctx, st, nil)
	case p.Route.Kind == plan.RouteStage:
		return r.staged(ctx, st)
	}
	places, err := r.places(ctx, st)
	if err != nil {
		return err
	}
	if err := st.across(len(places), p.Route.Kind == plan.RouteEveryLeaf); err != nil {
		return err
	}
	if err := st.meets(places); err != nil {
		return err
	}
	if err := st.room(places...); err != nil {
		return err
	}
	copied := st.copied()
	if len(places) == 1 && !copied {
		return r.forward(ctx, st, places[0])
	}
	if p.ByKey != nil && len(places) > 1 {
		return r.byKey(ctx, st, places)
	}
	if p.Stage != "" && len(places) > 1 {
		return r.staged(ctx, st)
	}
	if p.Writes { // rows of RETURNING are the client's when all partitions have written
		return r.spread(ctx, st, places)
	}
	return r.unmerged(ctx, st, r.gather(ctx, st, places))
}

// errAssigns refuses what MariaDB does row by row, and partitions at once.
var errAssigns = plan.NeedsStage("a write to rows of several partitions whose triggers assign to user variables: write the rows of each shard key by a statement of their own, or a row at a time")

// across refuses a statement on n partitions that may be on one only. What all leaves have alike is no partition's.
func (st *Statement) across(n int, alike bool) error {
	if len(st.Plan.Assigned) > 0 && n > 1 {
		return errAssigns
	}
	if st.OneShard && n > 1 && !alike {
		return ErrAcross
	}
	return nil
}
