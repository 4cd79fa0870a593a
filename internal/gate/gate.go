package gate

import (
	"context"
	"errors"
	"sync"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// ErrMoving keeps a statement out of a partition whose master is changing, or has changed since the statement looked. Nothing of it was done there.
var ErrMoving = errors.New("the partition is getting another master")

// MovingError is ErrMoving for one partition.
type MovingError struct{ Partition topo.PartitionID }

func (e *MovingError) Error() string {
	if e.Partition.Ordinal == topo.FunctionsOrdinal {
		return "A stored function of database '" + e.Partition.DB + "' is being changed; try again"
	}
	return "Partition " + e.Partition.String() + " is getting another master; try again"
}

// Unwrap lets errors.Is find ErrMoving.
func (e *MovingError) Unwrap() error { return ErrMoving }

// SafeToRetry is true: nothing was sent.
func (e *MovingError) SafeToRetry() bool { return true }

// MySQL is 1777, as for a partition without a master, which it is at the moment.
func (e *MovingError) MySQL() (uint16, string, string) { return 1777, "HY000", e.Error() }

// Gates are a node's gates, one a partition. The zero value is not usable; New makes one.
type Gates struct {
	mu    sync.RWMutex
	parts map[topo.PartitionID]*part
	// left has a value when somebody was the last to leave a locked partition.
	left chan struct{}
	seen map[string]*topo.Database // as applied last
	// applied is the snapshot that the gates follow; changed is closed with the next one.
	applied *topo.Snapshot
	changed chan struct{}
	tables  tables
}

type part struct {
	mu     sync.Mutex
	inside int
	term   uint64
	locked bool
}

// New is a set of gates without a topology: Apply gives it one.
func New() *Gates {
	return &Gates{parts: map[topo.PartitionID]*part{}, left: make(chan struct{}, 1), seen: map[string]*topo.Database{}, changed: make(chan struct{}),
		tables: tables{inside: map[uint64]*within{}, closed: map[string][]*topo.Table{}}}
}

// Apply makes the gates what a snapshot says of locks and terms. It says whether something is locked.
func (g *Gates) Apply(s *topo.Snapshot) (locked bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	quiet := false
	for name, d := range s.Databases {
		quiet = quiet || d.Quiet
		if g.seen[name] == d {
			continue
		}
		g.set(Shape(name), 0, d.Locked || d.Held)
		g.set(Commits(name), 0, d.Quiet)
		g.set(Functions(name), 0, d.Recast)
		g.tables.close(d)
		if before := g.seen[name]; before != nil {
			g.tables.forget(before, d)
		}
		for _, p := range d.Partitions {
			g.set(p.ID, p.Term, p.Locked)
		}
	}
	g.set(Commits(""), 0, quiet)
	for name, d := range g.seen {
		if s.Databases[name] == nil {
			for _, p := range d.Partitions {
				delete(g.parts, p.ID)
			}
			delete(g.parts, Shape(name))
			delete(g.parts, Commits(name))
			delete(g.parts, Functions(name))
			delete(g.tables.closed, name)
			g.tables.forget(d, nil)
		}
	}
	clear(g.seen)
	for name, d := range s.Databases {
		g.seen[name] = d
		locked = locked || d.Locked || d.Held || d.Quiet || d.Recast || len(g.tables.closed[name]) > 0
		for _, p := range d.Partitions {
			locked = locked || p.Locked
		}
	}
	g.applied = s
	close(g.changed)
	g.changed = make(chan struct{})
	return locked
}

// Applied is the snapshot that the gates follow; changed is closed once they follow another one.
func (g *Gates) Applied() (s *topo.Snapshot, changed <-chan struct{}) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.applied, g.changed
}

// Shape stands for the reference tables of a database, whose term is always 0: statements that write them enter it.
func Shape(db string) topo.PartitionID { return topo.PartitionID{DB: db, Ordinal: -1} }

// Functions stands for the stored functions of a database, whose term is always 0: statements that call them are inside while they run.
func Functions(db string) topo.PartitionID {
	return topo.PartitionID{DB: db, Ordinal: topo.FunctionsOrdinal}
}

// Commits stands for what is being committed to a database's partitions: whoever commits there enters it. "" stands for the reference tables of all databases, which
// is locked when any database is quiet.
func Commits(db string) topo.PartitionID { return topo.PartitionID{DB: db, Ordinal: -2} }

// ErrQuiet keeps a commit from a database for which a moment without commits is sought.
var ErrQuiet = errors.New("commits are held back")

// QuietError is ErrQuiet for one database, after it was waited for in vain.
type QuietError struct{ DB string }

func (e *QuietError) Error() string {
	return "Commits are held back for too long, for a backup of the database '" + e.DB + "'; try again"
}

// Unwrap lets errors.Is find ErrQuiet.
func (e *QuietError) Unwrap() error { return ErrQuiet }

// SafeToRetry is true: nothing was sent.
func (e *QuietError) SafeToRetry() bool { return true }

// MySQL is 1205 ER_LOCK_WAIT_TIMEOUT.
func (e *QuietError) MySQL() (uint16, string, string) { return 1205, "HY000", e.Error() }

// EnterCommit lets in who commits to a database's partitions (to reference tables when db is ""): LeaveCommit must follow. false while the database is quiet.
func (g *Gates) EnterCommit(db string) bool {
	id := Commits(db)
	if g.part(id) == nil { // a database that no snapshot has shown is counted too: the next one may keep it quiet
		g.mu.Lock()
		if g.parts[id] == nil {
			g.parts[id] = &part{}
		}
		g.mu.Unlock()
	}
	return g.Enter(id, 0) == nil
}

// LeaveCommit is what EnterCommit asks for.
func (g *Gates) LeaveCommit(db string) { g.Leave(Commits(db)) }

// AwaitCommit waits until EnterCommit would let in, or until ctx ends: *QuietError.
func (g *Gates) AwaitCommit(ctx context.Context, db string) error {
	for {
		_, changed := g.Applied() // before the look, so that no change is missed
		if g.EnterCommit(db) {
			g.LeaveCommit(db)
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return &QuietError{db}
		}
	}
}

// Left has a value when somebody was the last to leave what is locked, unless Drain has taken it.
func (g *Gates) Left() <-chan struct{} { return g.left }

func (g *Gates) set(id topo.PartitionID, term uint64, locked bool) {
	e := g.parts[id]
	if e == nil {
		e = &part{}
		g.parts[id] = e
	}
	e.mu.Lock()
	e.term, e.locked = term, locked
	e.mu.Unlock()
}

func (g *Gates) part(p topo.PartitionID) *part {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.parts[p]
}

// Enter lets a statement in under a term: Leave must follow. *MovingError when the partition is locked or the term is another one. A partition that no
// snapshot has shown is let in: it is being created.
func (g *Gates) Enter(id topo.PartitionID, term uint64) error {
	p := g.part(id)
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.locked || p.term != term {
		return &MovingError{id}
	}
	p.inside++
	return nil
}

// Leave is what Enter asks for.
func (g *Gates) Leave(id topo.PartitionID) {
	p := g.part(id)
	if p == nil {
		return
	}
	p.mu.Lock()
	p.inside = max(p.inside-1, 0) // a database that was dropped and made again under the same name begins at 0
	last := p.locked && p.inside == 0
	p.mu.Unlock()
	if last {
		g.sayLeft()
	}
}

func (g *Gates) sayLeft() {
	select {
	case g.left <- struct{}{}:
	default: // said already
	}
}

// Holds says whether a partition's term is still the one that something was done under: what was acknowledged then may be told.
func (g *Gates) Holds(id topo.PartitionID, term uint64) bool {
	p := g.part(id)
	if p == nil {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.term == term
}

// Inside is how many are inside of all partitions together.
func (g *Gates) Inside() int {
	g.mu.RLock()
	defer g.mu.RUnlock()
	n := 0
	for _, p := range g.parts {
		p.mu.Lock()
		n += p.inside
		p.mu.Unlock()
	}
	return n
}

// Held lists the locked partitions that somebody is inside of, and with topo.TablesOrdinal the databases with such tables.
func (g *Gates) Held() []topo.PartitionID {
	g.mu.RLock()
	defer g.mu.RUnlock()
	var out []topo.PartitionID
	for id, p := range g.parts {
		p.mu.Lock()
		if p.locked && p.inside > 0 {
			out = append(out, id)
		}
		p.mu.Unlock()
	}
	return append(out, g.tables.held()...)
}

// Drain waits until nobody is inside of a locked partition, or ctx ends; it lists where somebody still is.
func (g *Gates) Drain(ctx context.Context) []topo.PartitionID {
	for {
		held := g.Held()
		if len(held) == 0 {
			return nil
		}
		select {
		case <-g.left:
		case <-ctx.Done():
			return g.Held()
		}
	}
}
