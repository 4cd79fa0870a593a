package ddl

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/mariadb"
	"github.com/orbweaver/orbweaver/internal/spider"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// Config is what a Runner works with.
type Config struct {
	Catalog *catalog.Catalog
	Node    *catalog.Node
	Pools   *backend.Pools
	Log     *slog.Logger // slog.Default() when nil
	// Wait is for how long a statement waits for a leaf that is lost, default 10 s; one that was cut off by the loss, and may be in force, waits six times as long.
	Wait time.Duration
	// Seal encrypts the passwords of links, and Open decrypts them; nil: linked tables can be neither made nor altered.
	Seal func(secret, purpose string) []byte
	Open func(sealed []byte, purpose string) (string, error)
	// Remote runs statements at the server that links lead to, one after another; what sessions set holds there, too. The last one's result comes back.
	Remote func(ctx context.Context, links []spider.Link, state *backend.State, sql ...string) (*backend.Result, error)
	// Hopeless says of an error that waiting for its end has no point; nil: it always has.
	Hopeless func(error) bool
	// Decided waits until nothing is in doubt that partitions decide about which are to be dropped; nil: nothing ever is.
	Decided func(ctx context.Context, parts []topo.PartitionID) error
	// Seen waits until all nodes act on a revision of the topology, and says where statements still are that it keeps out; nil: there are no others.
	Seen func(ctx context.Context, rev int64) (undrained map[topo.PartitionID]bool, err error)
}

// Session is whose statement it is.
type Session struct {
	Account backend.Account
	State   *backend.State
	Schema  string // default database
	// Fill puts the rows of CREATE TABLE … SELECT into the table that was made of it, which nobody else knows of yet; nil: there is no such statement. dry: it is
	// to say whether it could, and do nothing.
	Fill func(ctx context.Context, t *topo.Table, dry bool) (*Result, error)
	// Exchange moves the rows of EXCHANGE PARTITION between a partition and a table, all or none; nil: it is refused.
	Exchange func(ctx context.Context, t, with *topo.Table, partition string) error
	// Args are the parameters of CREATE TABLE … SELECT: MariaDB makes other columns of them than of the same values in a text.
	Args []wire.Param
	// Made are the tables that the session has made, which is told of those to come; nil: none, and none is to be told.
	Made *Made
	// GatherMaxRows is how many rows tables may have, together, that go to one partition as the statement's keys need it; those of a dump that is being loaded may have more.
	GatherMaxRows uint64
	// Locks are where the session has tables locked, those that the statement names among them, for WRITE; nil: it has not.
	Locks Locks

	gather gather
}

// Result is what the client is told of a statement that was run.
type Result struct {
	Affected uint64
	Warnings uint16
	// Notes are the warnings themselves, as SHOW WARNINGS lists them; of a statement that MariaDB has refused with its error among them.
	Notes []Note
}

// Note is a row of SHOW WARNINGS.
type Note struct {
	Level   string
	Code    uint16
	Message string
}

// Event is something about a statement that was cut off, for operators.
type Event struct {
	Time      time.Time
	Database  string
	Statement string
	Outcome   string // "finished", "undone" or "failed: …"
}

// Runner runs DDL. Its methods are safe for concurrent use.
type Runner struct {
	cfg     Config
	log     *slog.Logger
	servers *mariadb.Servers

	mu     sync.Mutex
	events []Event
	told   map[uint64]string // what of statements that can't be settled was told last, by their records

	// step is called before every effect, with its name; tests make it fail to see what a crash there leaves behind.
	step func(name string) error
}

// New makes a Runner.
func New(cfg Config) *Runner {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	cfg.Wait = cmp.Or(cfg.Wait, 10*time.Second)
	return &Runner{cfg: cfg, log: cfg.Log, servers: mariadb.New(cfg.Pools), told: map[uint64]string{}, step: func(string) error { return nil }}
}

// Events lists what became of statements that were cut off, oldest first; only the last of them are kept.
func (r *Runner) Events() []Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Event(nil), r.events...)
}

// run runs the statement once, after what it needs.
func (j *job) run(ctx context.Context) (*Result, error) {
	res, err := j.perform(ctx)
	var g *gatherError
	if errors.As(err, &g) {
		return j.gatherFirst(g)
	}
	return res, err
}

func (j *job) perform(ctx context.Context) (*Result, error) {
	d := j.d
	switch d.Object {
	case "DATABASE", "SCHEMA":
		switch d.Verb {
		case "CREATE":
			return j.createDatabase(ctx)
		case "ALTER":
			return j.alterDatabase(ctx)
		case "DROP":
			return j.dropDatabase(ctx)
		}
	case "TABLE":
		if d.Temporary {
			return nil, unsupported("TEMPORARY tables")
		}
		switch d.Verb {
		case "CREATE":
			res, err := j.createTable(ctx)
			if errors.Is(err, errInPlace) {
				return j.replaceTable()
			}
			return res, err
		case "ALTER":
			return j.alterTable(ctx)
		case "DROP":
			return j.dropTables(ctx)
		case "RENAME":
			if j.renamesViews() {
				return j.renameViews(ctx)
			}
			return j.renameTables(ctx)
		case "TRUNCATE":
			return j.truncate(ctx)
		}
	case "SEQUENCE":
		return j.sequence(ctx)
	case "INDEX":
		return j.alterTable(ctx)
	case "VIEW":
		if j.d.Verb == "DROP" {
			return j.dropViews(ctx)
		}
		return j.createView(ctx)
	case "TRIGGER":
		if j.d.Verb == "DROP" {
			return j.dropTrigger(ctx)
		}
		return j.createTrigger(ctx)
	case "EVENT":
		return j.event(ctx)
	case "PROCEDURE", "FUNCTION":
		return j.changeRoutine(ctx)
	}
	return nil, unsupported(d.Verb + " " + d.Object)
}

// job is one statement under way.
type job struct {
	*Runner
	s    Session
	scan *sqltext.Scan
	stmt *sqltext.Stmt
	d    *sqltext.DDL
	// linked is set for a linked table that is made.
	linked *linked
	// settled: a table that names no engine gets InnoDB in the place of the session's.
	settled bool
	// placed is a note about where a table is that is made. as is what one is that is restored.
	placed *Note
	as     topo.TableKind
	text   string // for the journal, where there is no scan

	lock *catalog.Lock
	// ctx is all that the statement does under, but for what the catalog fences by the lock, which is done under outer; end ends ctx, unbind has the lock's loss
	// end it no longer.
	ctx    context.Context
	outer  context.Context
	end    context.CancelCauseFunc
	unbind func() bool
	// committing: the topology's change may be made.
	committing bool

	snap *topo.Snapshot
	// reached are where the leaves were when they were asked, before the statement wrote anything.
	reached map[string]mariadb.Position
	// was is the table that an ALTER changes.
	was *described
	// last: what commit changes is the last that is done under the lock, which goes with it.
	last bool
	rec  *catalog.DDLRecord
	todo todo

	decided decision // whether the journal says that the statement is to be finished

	open     bool    // the record is in the journal, or may be
	res      *Result // what the first place has answered
	refusal  *wire.ServerError
	told     []Note        // beside refusal, the first place's: why a foreign key is no good, say
	copied   atomic.Uint64 // rows that an ALTER has copied at the partitions
	rowNotes rowNotes
	verdict  error // what is told of a statement that is finished all the same: one of several tables was not there
	// unchecked: the first place is not to look at foreign keys to what goes, see unreferenced.
	unchecked bool
	waits     bool // what is left to undo is at leaves that are away
	// hurried: the first place waits for no lock longer than a second.
	hurried bool
}

// decision says whether the journal's entry has todo.Go, as far as the job knows: what it could not write others do not go by.
type decision int

const (
	undecided decision = iota
	perhaps            // etcd did not answer
	certainly          // and nothing changes it
)

// todo is what the journal needs to know to finish or undo a statement.
type todo struct {
	// Go: the statement is to be finished; otherwise it is to be undone.
	Go     bool     `json:"go,omitempty"`
	DB     string   `json:"db"`
	Tables []string `json:"tables,omitempty"`
	Places []place  `json:"places,omitempty"` // partitions' databases, or the other leaves' shapes
	Shapes []place  `json:"shapes,omitempty"`
	// Reference: the table is a reference table.
	Reference bool `json:"reference,omitempty"`
	// Before is SHOW CREATE TABLE on the shape by table, PartBefore on a partition.
	Before     map[string]string `json:"before,omitempty"`
	PartBefore string            `json:"part_before,omitempty"`
	Text       template          `json:"text,omitempty"` // for Places
	ShapeText  template          `json:"shape_text,omitempty"`
	Settings   string            `json:"settings,omitempty"` // the session's, that the text was written for
	Indexes    []string          `json:"indexes,omitempty"`  // that the statement adds, and nothing else
	Try        string            `json:"try,omitempty"`      // the name of the copies that it is rehearsed on
	// Renames are done one list after the other, each at once; Begun says how many lists were begun.
	Renames [][]renamed `json:"renames,omitempty"`
	Begun   int         `json:"begun,omitempty"`
	// Triggers are those that the table had.
	Triggers []topo.Trigger `json:"triggers,omitempty"`
	// Placing is where the rows of the table are to be, of a statement that changes that.
	Placing *placing `json:"placing,omitempty"`
	// Moves are the same of several tables, in the order of Tables: of ALTER TABLE … SHARD KEY. Swapped: their copies have their names everywhere.
	Moves   []*placing `json:"moves,omitempty"`
	Swapped bool       `json:"swapped,omitempty"`
	// NewName is the table's name afterwards, where an ALTER changes it.
	NewName string `json:"new_name,omitempty"`
	// Gone are the numbers of tables that the topology has no more.
	Gone []uint64 `json:"gone,omitempty"`
	// Routine is the kind of routine that Tables names.
	Routine topo.RoutineKind `json:"routine,omitempty"`
}

type renamed struct{ From, To string }

// bind gives the context for all that the statement does: it ends when the lock is lost that begin takes. Whoever has the lock then undoes the statement, and
// what came after that would stay.
func (j *job) bind(ctx context.Context) (context.Context, func()) {
	j.outer = ctx
	j.ctx, j.end = context.WithCancelCause(ctx)
	return j.ctx, func() {
		if j.unbind != nil {
			j.unbind()
		}
		j.end(nil)
	}
}

// endWithLock has the loss of the lock end the job's context.
func (j *job) endWithLock() {
	if j.end != nil {
		j.unbind = context.AfterFunc(j.lock.Context(), func() { j.end(catalog.ErrLockLost) })
	}
}

// answered is a context for changes of the catalog, which refuses them when the lock is lost: it says so, where an end of the context would leave that open.
func (j *job) answered(ctx context.Context) context.Context {
	if ctx == j.ctx && ctx != nil {
		return j.outer
	}
	return ctx
}

// fenced fails when the lock is lost, also where the context has not ended yet as the process was stopped.
func (j *job) fenced() error {
	if j.lock != nil && !j.lock.Valid() {
		return catalog.ErrLockLost
	}
	return nil
}

// cutOff says whether the statement has failed as its lock was lost: it is settled then as that of a node that has died.
func (j *job) cutOff(err error) bool {
	refused := errors.Is(err, catalog.ErrLockLost) && !errors.Is(err, catalog.ErrUnknown)
	undone := !j.committing || errors.Is(err, catalog.ErrUnavailable) && !errors.Is(err, catalog.ErrUnknown) // what is done detached ends with the lock
	return refused || undone && !errors.Is(err, errCrash) && j.lock != nil && j.lock.Context().Err() != nil
}

// begin takes the databases' locks, settles what was cut off there, and looks at the topology.
func (j *job) begin(ctx context.Context, databases ...string) error {
	lock, err := j.patiently(ctx, databases...)
	if err != nil {
		return unavailable(err)
	}
	j.lock = lock
	j.endWithLock()
	recs, err := j.cfg.Catalog.DDLRecords(ctx, databases...)
	if err == nil && len(recs) > 0 {
		if err := j.settle(ctx, lock, databases...); err != nil {
			lock.Unlock()
			return err
		}
		err = j.cfg.Catalog.Sync(ctx)
	}
	if err != nil {
		lock.Unlock()
		return unavailable(err)
	}
	j.snap = j.cfg.Catalog.Snapshot()
	return nil
}

// record writes the journal's first entry.
func (j *job) record(ctx context.Context, kind string) error {
	if err := j.step("record"); err != nil {
		return err
	}
	var err error
	if j.todo.Places, err = j.positions(ctx, j.snap, j.todo.Places); err != nil {
		return clientError(err, "")
	}
	doc, err := json.Marshal(j.todo)
	if err != nil {
		return err
	}
	table := ""
	if len(j.todo.Tables) > 0 {
		table = j.todo.Tables[0]
	}
	if j.text == "" {
		j.text = redact(j.d, j.spliced())
	}
	j.rec = &catalog.DDLRecord{
		Databases: []string{j.todo.DB}, Table: table, Kind: kind, Statement: j.text,
		Undo: doc, Started: time.Now(),
	}
	j.open = true
	return unavailable(j.lock.BeginDDL(j.answered(ctx), j.rec))
}

// save writes the journal's entry anew.
func (j *job) save(ctx context.Context, step string) error {
	if err := j.step("save " + step); err != nil {
		return err
	}
	j.rec.Steps = append(j.rec.Steps, step)
	if err := j.written(); err != nil {
		return err
	}
	return j.saved(j.lock.SaveDDL(j.answered(ctx), j.rec))
}

// written brings the journal's entry in line with what is to be done.
func (j *job) written() (err error) {
	j.rec.Undo, err = json.Marshal(j.todo)
	return err
}

// saved notes what is known of the journal's entry after it was written with an error, or none.
func (j *job) saved(err error) error {
	if j.todo.Go {
		switch {
		case err == nil:
			j.decided = certainly
		case errors.Is(err, catalog.ErrUnknown):
			j.decided = max(j.decided, perhaps)
		}
	}
	return unavailable(err)
}

// forget writes down that the statement is to be finished, and takes what it drops out of the topology at once.
func (j *job) forget(ctx context.Context, f func(*catalog.Txn)) error {
	j.todo.Go = true
	if err := j.step("save go"); err != nil {
		return err
	}
	j.rec.Steps = append(j.rec.Steps, "go")
	_, err := j.cfg.Catalog.UpdateKnown(j.answered(ctx), func(x *catalog.Txn) error {
		f(x)
		if err := j.written(); err != nil {
			return err
		}
		x.SaveDDL(j.lock, j.rec)
		return nil
	})
	return j.saved(err)
}

// commit changes the topology and ends the journal's entry at once.
func (j *job) commit(ctx context.Context, f func(*catalog.Txn) error) error {
	if err := j.step("commit"); err != nil {
		return err
	}
	if err := j.replicated(ctx); err != nil {
		return err
	}
	j.committing = f != nil
	_, err := j.cfg.Catalog.UpdateKnown(j.answered(ctx), func(x *catalog.Txn) error {
		if f != nil {
			if err := f(x); err != nil {
				return err
			}
		}
		x.EndDDL(j.lock, j.rec)
		if j.last {
			x.Free(j.lock)
		}
		return nil
	})
	j.open = err != nil
	return unavailable(err)
}

// undoTime bounds what is done for a statement after its client has gone.
const undoTime = time.Minute

// detached is a context for what must be done although the client has gone: it ends with the lock.
func (j *job) detached() (context.Context, context.CancelFunc) {
	return context.WithTimeout(j.lock.Context(), undoTime)
}

// abandon undoes a statement that has failed with cause, and ends its record. When the undoing fails too the record stays for Recover.
func (j *job) abandon(cause error, undo func(ctx context.Context) error) error {
	if errors.Is(cause, errCrash) {
		return cause
	}
	ctx, cancel := j.detached()
	defer cancel()
	if undo != nil {
		if err := undo(ctx); err != nil {
			if errors.Is(err, errCrash) {
				return err
			}
			j.log.Warn("ddl: a failed statement could not be undone; it will be tried again", "statement", j.rec.Statement, "error", err)
			return unfinished(fmt.Sprintf("%v; what was done of the statement could not be undone yet: %v", cause, err), cause)
		}
	}
	if err := j.commit(ctx, nil); err != nil {
		if errors.Is(err, errCrash) {
			return err
		}
		j.log.Warn("ddl: a failed statement's record could not be ended; it will be tried again", "statement", j.rec.Statement, "error", err)
	}
	return cause
}

// errCrash is what a test's step fails with: the process is to be taken for dead.
var errCrash = errors.New("crash")
